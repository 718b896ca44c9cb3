"""A rehearsal of Colab: one notebook, alone in an empty folder, in an environment that does not know this project.

Like Colab's, the environment has the usual packages: here, everything that is installed except mlmtutor and the packages
of its extra `mini`. Those it gets from the notebook's own install cell, from wheels, with no network: mlmtutor's is built
from this repository, and pip would fail if it named a package that is not there.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MINI = [requirement.split("==")[0] for requirement in PROJECT["optional-dependencies"]["mini"]]
NOTEBOOK = ROOT / "book" / "en" / "01_fill_mask.ipynb"
OURS = re.compile("|".join(name.replace("-", "[-_]") for name in ("mlmtutor", "__editable__", *MINI)))
RUN = "from nbclient.cli import main; main()"
WHERE = "import sys, mlmtutor; print('google.colab' in sys.modules, mlmtutor.__file__)"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    """A folder with the wheel of this repository and those of the packages of `mini`, repacked from what is installed."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "mlmtutor", source / "mlmtutor", ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", folder, source], check=True)
    for name in MINI:
        found = distribution(name)
        path = folder / f"{name.replace('-', '_')}-{found.version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for file in found.files:
                if ".." not in file.parts and file.suffix != ".pyc":
                    wheel.write(file.locate(), file)
    return folder


@pytest.fixture
def colab(tmp_path) -> Path:
    """The Python of a fresh environment: packages linked in as Colab has them, and a stand-in for `google.colab`."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not OURS.match(path.name):
            (packages / path.name).symlink_to(path)
    stand_in = packages / "google" / "colab"
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").touch()
    venv.create(tmp_path / "colab")
    (site_packages,) = (tmp_path / "colab").glob("lib/python*/site-packages")
    (site_packages / "colab.pth").write_text(f"{packages}\nimport google.colab\n", encoding="utf-8")
    return tmp_path / "colab" / "bin" / "python"


def run_there(colab: Path, *arguments: str, wheels: Path, folder: Path) -> subprocess.CompletedProcess:
    """Run Python there, with nothing of this project in its environment, and no profile chosen."""
    hidden = ("PIP_", "PYTHON", "MLMTUTOR_", "JUPYTER_", "IPYTHON", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    environment |= {"HOME": str(folder.parent), "HF_HUB_OFFLINE": "1"}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    return subprocess.run([colab, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def alone(tmp_path) -> Path:
    """An empty folder with one notebook in it."""
    folder = tmp_path / "content"
    folder.mkdir()
    shutil.copy(NOTEBOOK, folder)
    return folder


@pytest.mark.slow
def test_notebook_alone_installs_what_it_needs_and_runs_to_the_end(colab, wheels, alone):
    assert "No module named 'mlmtutor'" in run_there(colab, "-c", WHERE, wheels=wheels, folder=alone).stderr
    run = run_there(colab, "-c", RUN, NOTEBOOK.name, "--inplace", wheels=wheels, folder=alone)
    assert run.returncode == 0, run.stderr
    found = run_there(colab, "-c", WHERE, wheels=wheels, folder=alone)
    assert found.stdout.startswith(f"True {colab.parents[1]}"), found.stderr
    ran, committed = (nbformat.read(path, as_version=4).cells for path in (alone / NOTEBOOK.name, NOTEBOOK))
    assert [cell.get("execution_count") for cell in ran] == [
        cell.get("execution_count") for cell in committed
    ]
    assert {path.name for path in alone.iterdir()} == {NOTEBOOK.name}


@pytest.mark.slow
def test_notebook_stops_at_its_imports_where_the_package_cannot_be_had(colab, alone):
    run = run_there(colab, "-c", RUN, NOTEBOOK.name, wheels=alone, folder=alone)
    assert run.returncode != 0
    assert "No module named 'mlmtutor'" in run.stderr
