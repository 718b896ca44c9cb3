"""A rehearsal of Colab: each chapter alone in an empty folder, in an environment that does not know this project.

Like Colab's, the environment has the usual packages: here, everything that is installed except mlmtutor and what Colab
lacks. A notebook's own install cell gets those, mlmtutor's from a git repository with this very state of the files, the
others from wheels repacked from what is installed; there is no other network. Then nbval runs every chapter from top to
bottom and compares every output but pictures with the committed one. The Chinese notebooks have the same code and the same outputs
(`check_same_outputs`), so they are not run a second time.
"""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sysconfig
import threading
import time
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import pytest

from book._ext.repository import Repository, set_install_cell
from mlmtutor.teach.install_cell import INSTALL_CELL

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = [*PROJECT["optional-dependencies"]["mini"], *PROJECT["optional-dependencies"]["zh"]]
NOT_IN_COLAB = [*(line.split("==")[0] for line in OURS), "tyro"]
NOT_LINKED = re.compile(
    "|".join(name.replace("-", "[-_]") for name in ("_*mlmtutor", "__editable__", *NOT_IN_COLAB))
)
CHAPTERS = sorted(path.stem for path in (ROOT / "book" / "en").glob("*.ipynb"))
RUN = ["-c", "from nbclient.cli import main; main()"]
NBVAL = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
pytestmark = pytest.mark.slow


class Colab:
    """A machine that is not this one: its Python, its folder, where its pip and git lead."""

    def __init__(self, folder: Path, *, repository: str, wheels: Path) -> None:
        self.folder, self.content = folder, folder / "content"
        self.repository = Repository(repository, "main")
        self.wheels = wheels
        self.content.mkdir(parents=True)
        packages = folder / "site-packages"
        stand_in = packages / "google" / "colab"
        stand_in.mkdir(parents=True)
        (stand_in / "__init__.py").touch()
        for path in Path(sysconfig.get_path("purelib")).iterdir():
            if not NOT_LINKED.match(path.name) and path.name != "google":
                (packages / path.name).symlink_to(path)
        venv.create(folder / "python")
        (site_packages,) = (folder / "python").glob("lib/python*/site-packages")
        (site_packages / "colab.pth").write_text(f"{packages}\nimport google.colab\n", encoding="utf-8")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run Python there, with nothing of this project in its environment but how the committed results were made."""
        hidden = ("PIP_", "PYTHON", "PYTEST", "MLMTUTOR_", "JUPYTER_", "IPYTHON", "VIRTUAL_ENV", "GIT")
        there = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        there |= {"MLMTUTOR_PROFILE": "mini", "OMP_NUM_THREADS": "1"}
        there |= {
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "HOME": str(self.folder),
            "PIP_CONFIG_FILE": os.devnull,
        }
        there |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        there |= {
            "PIP_NO_BUILD_ISOLATION": "0"
        }  # in pip's words: without isolation, the build needs no network
        python = self.folder / "python" / "bin" / "python"
        return subprocess.run(
            [python, *arguments], cwd=self.content, env=there | environment, capture_output=True, text=True
        )

    def put(self, name: str, *, only_install: bool = False) -> Path:
        """Put a chapter into the empty folder, addressed to the repository at hand."""
        shutil.rmtree(self.content)
        self.content.mkdir()
        notebook = nbformat.read(ROOT / "book" / "en" / f"{name}.ipynb", as_version=4)
        set_install_cell(notebook, self.repository)
        if only_install:
            notebook.cells = [cell for cell in notebook.cells if cell.id == INSTALL_CELL]
        path = self.content / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    def list_packages(self) -> dict[str, str]:
        """The installed packages and their versions."""
        listed = json.loads(self.run("-m", "pip", "list", "--format=json").stdout)
        return {one["name"].lower().replace("_", "-"): one["version"] for one in listed}


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Iterator[tuple[str, float]]:
    """Address of a git repository with the files as they are here, and the size of a clone in MB."""
    folder = tmp_path_factory.mktemp("served")
    bare = folder / "course"
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", bare], check=True)
    git = [
        "git",
        f"--git-dir={bare}",
        f"--work-tree={ROOT}",
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@localhost",
    ]
    subprocess.run([*git, "add", "--all", "."], cwd=ROOT, check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "as it is"], cwd=ROOT, check=True)
    subprocess.run([*git, "gc", "--quiet"], check=True)
    subprocess.run([*git, "update-server-info"], check=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=folder)
    size = sum(path.stat().st_size for path in bare.rglob("*") if path.is_file()) / 1e6
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/course", size
        server.shutdown()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    """A folder with the wheels of what Colab lacks."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in NOT_IN_COLAB:
        found = distribution(name)
        path = folder / f"{name.replace('-', '_')}-{found.version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
            for file in found.files:
                if ".." not in file.parts and file.suffix != ".pyc":
                    wheel.write(file.locate(), file)
    return folder


def size_of(wheels: Path, name: str) -> float:
    """The size of a package's wheel in MB."""
    (path,) = wheels.glob(f"{name.replace('-', '_')}-*.whl")
    return path.stat().st_size / 1e6


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, repository, wheels) -> Colab:
    """Colab before anything ran."""
    return Colab(tmp_path_factory.mktemp("colab"), repository=repository[0], wheels=wheels)


@pytest.fixture(scope="module")
def installed(fresh, repository, wheels) -> Colab:
    """Colab after the install cell of a chapter, which adds what is missing, changes nothing, and is quick and small.

    It is that of the Chinese chapter, which installs what the others do and two packages more.
    """
    before = fresh.list_packages()
    assert {"torch", "transformers", "numpy"} <= before.keys() and "mlmtutor" not in before
    path = fresh.put("12_chinese", only_install=True)
    started = time.perf_counter()
    run = fresh.run(*RUN, path.name, "--inplace")
    seconds = time.perf_counter() - started
    assert run.returncode == 0, run.stderr
    after = fresh.list_packages()
    assert {name: after.get(name) for name in before} == before, "something that was there has changed"
    assert after.keys() - before.keys() == {"mlmtutor", *NOT_IN_COLAB}
    assert seconds < 60
    megabytes = {name: size_of(wheels, name) for name in NOT_IN_COLAB}
    chinese = sum(megabytes.pop(line.split("==")[0]) for line in PROJECT["optional-dependencies"]["zh"])
    assert repository[1] + sum(megabytes.values()) < 150
    assert chinese < 75
    return fresh


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_alone_in_colab_gives_what_is_committed(installed, name):
    path = installed.put(name)
    run = installed.run(*NBVAL, path.name)
    assert run.returncode == 0, run.stdout[:10_000]
    num_cells = sum(cell.cell_type == "code" for cell in nbformat.read(path, as_version=4).cells)
    assert f"{num_cells} passed" in run.stdout


def test_package_comes_from_the_repository_and_says_that_it_is_in_colab(installed):
    where = "import sys, mlmtutor; print('google.colab' in sys.modules, mlmtutor.__file__)"
    assert installed.run("-c", where).stdout.startswith(f"True {installed.folder / 'python'}")


@pytest.mark.parametrize("trouble", ["no network", "no git", "nobody's repository"])
def test_install_cell_that_cannot_install_says_what_it_needs(tmp_path, wheels, trouble):
    colab = Colab(tmp_path, repository="http://127.0.0.1:9/course", wheels=wheels)
    environment = {"PATH": str(colab.folder)} if trouble == "no git" else {}
    if trouble == "nobody's repository":
        colab.repository = None
    run = colab.run(*RUN, colab.put(CHAPTERS[0], only_install=True).name, **environment)
    assert run.returncode != 0
    said = re.sub(r"\x1b\[[\d;]*m", "", run.stderr)
    error = next((line for line in said.splitlines() if line.startswith("ImportError: ")), said)
    expected = (
        "git+ADDRESS" if colab.repository is None else "Python 3.11 or newer, git and a way to 127.0.0.1:9"
    )
    assert expected in error
