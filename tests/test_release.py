"""A release: what is in wheel and sdist, that anybody can build the same bytes, and what the workflow lets through."""

import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest
import yaml

import mlmtutor
from book._ext.repository import read_repository

ROOT = Path(__file__).parents[1]
VERSION = mlmtutor.__version__
MOST_BYTES = 20_000_000  # of which the Chinese model takes 6
WHEEL, SDIST = f"mlmtutor-{VERSION}-py3-none-any.whl", f"mlmtutor-{VERSION}.tar.gz"
DIST_INFO = f"mlmtutor-{VERSION}.dist-info"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in (ROOT / ".github" / "workflows").glob("*.yml")
}
SOURCES = ("pyproject.toml", "README.md", "LICENSE", ".gitignore", "mlmtutor", "book", "tests", ".ci")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "_build", ".ipynb_checkpoints")


def copy_tree(folder: Path) -> Path:
    """Copy what a fresh clone holds into a new folder, which is returned."""
    folder.mkdir(parents=True)
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=NOT_COPIED)
        else:
            shutil.copy2(ROOT / name, folder)
    return folder


def build(tree: Path, *targets: str, epoch: int | None = None) -> Path:
    """Build the targets, or all, and return the folder with them."""
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    if epoch is not None:
        environment["SOURCE_DATE_EPOCH"] = str(epoch)
    command = [sys.executable, "-m", "hatchling", "build", "-d", tree / "dist"]
    for target in targets:
        command += ["-t", target]
    run = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return tree / "dist"


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def list_files(folder: Path) -> set[str]:
    """The files below, as paths from there."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"}.intersection(path.parts)
    }


PACKAGE = {
    f"mlmtutor/{name}"
    for name in list_files(ROOT / "mlmtutor")
    if not name.startswith(("mini/make/", "mini_zh/make/"))
}
COURSE = {
    f"{folder}/{name}"
    for folder in ("chapters", "assignments")
    for name in list_files(ROOT / "book" / folder)
}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Folder with the wheel and the sdist of a fresh clone."""
    return build(copy_tree(tmp_path_factory.mktemp("first") / "clone"))


@pytest.fixture(scope="module")
def metadata(built):
    with zipfile.ZipFile(built / WHEEL) as wheel:
        return message_from_bytes(wheel.read(f"{DIST_INFO}/METADATA"))


def test_wheel_holds_the_package_and_the_chapters_and_nothing_else(built):
    with zipfile.ZipFile(built / WHEEL) as wheel:
        names = {name for name in wheel.namelist() if not name.startswith(f"{DIST_INFO}/")}
    assert {
        "mlmtutor/__init__.pyi",
        "mlmtutor/data/answers.yml",
        "mlmtutor/data/parameters.yml",
        "mlmtutor/mini/weights.safetensors",
    } < names
    assert "mlmtutor/chapters/01_fill_mask.md" in names
    assert "mlmtutor/assignments/03_chunking.md" in names
    assert names == PACKAGE | {f"mlmtutor/{name}" for name in COURSE}


def test_sdist_holds_what_the_wheel_is_built_from_and_nothing_else(built):
    with tarfile.open(built / SDIST) as sdist:
        names = {name.removeprefix(f"mlmtutor-{VERSION}/") for name in sdist.getnames()}
    around = {"pyproject.toml", "README.md", "LICENSE", ".gitignore", "PKG-INFO"}
    assert names == PACKAGE | {f"book/{name}" for name in COURSE} | around


def test_wheel_and_sdist_are_small(built):
    assert all(len(content) < MOST_BYTES for content in read_all(built).values())


def test_version_stands_in_one_place_and_the_changelog_begins_with_it(metadata):
    assert "version" in PROJECT["dynamic"]
    assert metadata["Version"] == VERSION
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[(.+)\] - ", changelog, re.M)[1] == VERSION


def test_citation_agrees_with_the_package_and_the_configuration():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["version"] == VERSION
    assert citation["authors"] == PROJECT["authors"]
    assert citation["license"] == PROJECT["license"]
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["author"] == PROJECT["authors"][0]["name"]
    home = read_repository(ROOT)  # named where it is known, and only there
    assert citation.get("repository-code") == (home and home.url)


def test_metadata_names_no_address_of_nobody(metadata):
    assert "OWNER" not in metadata.as_string()


def test_another_clone_at_another_time_comes_to_the_same_bytes(built, tmp_path):
    tree = copy_tree(tmp_path / "ein anderer Ort" / "x")
    for number, path in enumerate(tree.rglob("*")):
        os.utime(path, (1e9 + number, 1e9 + number))
        path.chmod(path.stat().st_mode & ~(stat.S_IRWXG | stat.S_IRWXO))
    assert read_all(build(tree)) == read_all(built)


def test_sdist_builds_the_same_wheel_and_itself(built, tmp_path):
    with tarfile.open(built / SDIST) as sdist:
        sdist.extractall(tmp_path, filter="data")
    assert read_all(build(tmp_path / f"mlmtutor-{VERSION}")) == read_all(built)


def test_files_carry_the_time_of_the_commit_where_it_is_given(tmp_path):
    moment = datetime(2026, 3, 1, 12, 30, 14, tzinfo=UTC)
    folder = build(copy_tree(tmp_path / "clone"), "wheel", epoch=int(moment.timestamp()))
    with zipfile.ZipFile(folder / WHEEL) as wheel:
        assert {file.date_time for file in wheel.infolist()} == {moment.timetuple()[:6]}


def packages_but_ours(folder: Path) -> Path:
    """A new folder below, with links to all that is installed here except for this project."""
    folder = folder / "site-packages"  # a name by which `dill` knows what it need not pickle
    folder.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(("mlmtutor", "__editable__", "_mlmtutor")):
            (folder / path.name).symlink_to(path)
    return folder


def run_try(wheel: Path, folder: Path) -> subprocess.CompletedProcess:
    """Run `.ci/try_wheel` where all that the wheel needs is installed, so that pip downloads nothing."""
    hidden = ("PIP_", "PYTHON", "MLMTUTOR_", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment |= {"PYTHONPATH": str(packages_but_ours(folder)), "TMPDIR": str(folder)}
    return subprocess.run(
        [ROOT / ".ci" / "try_wheel", sys.executable, wheel],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_wheel_works_alone_in_an_environment_of_its_own(built, tmp_path):
    run = run_try(built / WHEEL, tmp_path)
    assert run.returncode == 0, run.stderr
    assert re.search(rf"^mlmtutor +{re.escape(VERSION)}$", run.stdout, re.M)
    assert "read 3 files (1 .csv, 1 .jsonl, 1 .txt), 120 texts" in run.stdout
    assert run.stdout.splitlines()[-1].startswith(f"{WHEEL} works on Python 3.")
    assert not list(tmp_path.glob("tmp.*"))  # it clears up behind itself


@pytest.mark.slow
def test_trial_fails_where_the_wheel_lacks_the_weights(built, tmp_path):
    broken = tmp_path / "broken" / WHEEL
    broken.parent.mkdir()
    with zipfile.ZipFile(built / WHEEL) as whole, zipfile.ZipFile(broken, "w") as wheel:
        for file in whole.infolist():
            if not file.filename.endswith("weights.safetensors"):
                wheel.writestr(file, whole.read(file))
    run = run_try(broken, tmp_path)
    assert run.returncode == 1
    assert "weights.safetensors" in run.stderr
    assert "works on" not in run.stdout


@pytest.mark.parametrize(
    "arguments", [[], ["python3"], ["python3", "dist/*.whl"], ["python3", "a.whl", "b.whl"]]
)
def test_trial_says_how_it_is_called(arguments, tmp_path):
    run = subprocess.run(
        [ROOT / ".ci" / "try_wheel", *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 2
    assert re.fullmatch("usage: .ci/try_wheel PYTHON WHEEL, .+\n", run.stderr)


@pytest.mark.slow
def test_editable_installation_finds_the_tree_and_copies_nothing(tmp_path):
    tree = copy_tree(tmp_path / "clone")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    environment = os.environ | {"PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": str(packages_but_ours(tmp_path))}
    options = ["-q", "--no-index", "--no-build-isolation"]
    install = [python, "-m", "pip", "install", *options, "-e", f"{tree}[mini]"]
    subprocess.run(install, env=environment, cwd=tmp_path, check=True)
    code = "import mlmtutor, importlib.metadata as m; print(mlmtutor.__path__, m.version('mlmtutor'))"
    found = subprocess.check_output([python, "-c", code], env=environment, cwd=tmp_path, text=True)
    assert found == f"{[str(tree / 'mlmtutor')]} {VERSION}\n"
    (site_packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    assert not (site_packages / "mlmtutor").exists()


def find_step(name: str) -> str:
    """The shell lines of a step of the job that builds a release."""
    (step,) = (step for step in WORKFLOWS["release"]["jobs"]["build"]["steps"] if step.get("name") == name)
    return step["run"]


def run_step(name: str, tree: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run a step as the workflow does; `python` is the one of these tests."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-c", find_step(name)],
        cwd=tree,
        env=os.environ | {"PATH": path} | variables,
        capture_output=True,
        text=True,
    )


def run_check(folder: Path, *, tag: str, changelog: str) -> tuple[int, str, str]:
    """Run the check of a tag in a tree with that changelog; return the status, the notes and the error."""
    (folder / "mlmtutor").mkdir()
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    shutil.copy(ROOT / "mlmtutor" / "__init__.py", folder / "mlmtutor")
    (folder / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    run = run_step("check", folder, GITHUB_REF_NAME=tag)
    return run.returncode, (folder / "notes.md").read_text(encoding="utf-8"), run.stderr


def write_changelog(heading: str) -> str:
    return f"# Changelog\n\nWords.\n\n## {heading}\n\n### Added\n\n- This.\n\n## [0.0.1] - 2026-01-02\n\n- That.\n"


def test_release_takes_its_notes_from_the_dated_entry(tmp_path):
    found = run_check(tmp_path, tag=f"v{VERSION}", changelog=write_changelog(f"[{VERSION}] - 2026-11-30"))
    assert found == (0, "### Added\n\n- This.\n", "")


@pytest.mark.parametrize(
    "tag", [VERSION, f"v{VERSION}.1", "v0.0.1", f"V{VERSION}", f"v{VERSION}-rc1", "v", ""]
)
def test_release_refuses_a_tag_that_is_not_the_version(tag, tmp_path):
    status, notes, error = run_check(
        tmp_path, tag=tag, changelog=write_changelog(f"[{VERSION}] - 2026-11-30")
    )
    assert (status, notes) == (1, "")
    assert error == f"expected the tag v{VERSION}, as mlmtutor/__init__.py says, found {tag}\n"


@pytest.mark.parametrize(
    "heading",
    [
        f"[{VERSION}] - unreleased",
        f"[{VERSION}] - Unreleased",
        f"[{VERSION}]",
        f"[{VERSION}] - ",
        f"[{VERSION}] - 2026-13-01",
        f"[{VERSION}] - 2026-02-30",
        f"[{VERSION}] - 20261130",
        f"[{VERSION}] - 30.11.2026",
        f"{VERSION} - 2026-11-30",
        "[0.0.2] - 2026-11-30",
        "[Unreleased]",
    ],
)
def test_release_refuses_a_changelog_without_a_dated_entry_for_it(heading, tmp_path):
    status, notes, error = run_check(tmp_path, tag=f"v{VERSION}", changelog=write_changelog(heading))
    assert (status, notes) == (1, "")
    assert error == (
        f"expected the newest entry of CHANGELOG.md to be '## [{VERSION}] - YYYY-MM-DD', found '{heading}'\n"
    )


@pytest.mark.parametrize(
    ("changelog", "message"),
    [
        ("", "found ''"),
        ("# Changelog\n", "found ''"),
        (f"## [{VERSION}] - 2026-11-30", "found nothing below the heading"),
        (
            f"## [{VERSION}] - 2026-11-30\n\n## [0.0.1] - 2026-01-02\n\n- That.\n",
            "found nothing below the heading",
        ),
    ],
)
def test_release_refuses_a_changelog_that_says_nothing(changelog, message, tmp_path):
    status, notes, error = run_check(tmp_path, tag=f"v{VERSION}", changelog=changelog)
    assert (status, notes) == (1, "")
    assert error.rstrip().endswith(message)


@pytest.mark.slow
def test_release_is_built_twice_and_compared(tmp_path):
    tree = copy_tree(tmp_path / "clone")
    moment = "2026-03-01T12:30:14+00:00"
    who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        environment = os.environ | who | {"GIT_COMMITTER_DATE": moment}
        subprocess.run(["git", *command], cwd=tree, env=environment, check=True)
    run = run_step("build", tree)
    assert run.returncode == 0, run.stderr
    assert set(read_all(tree / "dist")) == {WHEEL, SDIST}
    with zipfile.ZipFile(tree / "dist" / WHEEL) as wheel:
        assert {file.date_time for file in wheel.infolist()} == {(2026, 3, 1, 12, 30, 14)}


def test_nothing_is_published_before_it_was_checked_built_and_tried():
    jobs = WORKFLOWS["release"]["jobs"]
    assert [jobs[name]["needs"] for name in ("try", "publish", "announce")] == ["build", "try", "publish"]
    names = [step.get("name") for step in jobs["build"]["steps"]]
    assert names.index("check") < names.index("build")
    assert [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})] == ["publish"]
    assert jobs["publish"]["environment"] == "pypi"


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_no_job_that_runs_packages_of_others_may_write(workflow):
    assert WORKFLOWS[workflow]["permissions"] == {"contents": "read"}
    for job in WORKFLOWS[workflow]["jobs"].values():
        if "permissions" in job:
            commands = " ".join(step.get("run", "") for step in job["steps"])
            assert "python" not in commands and "pip" not in commands


@pytest.mark.parametrize(("workflow", "job"), [("release", "try"), ("test", "wheel")])
def test_wheel_is_tried_on_every_python_that_it_is_said_to_run_on(workflow, job):
    job = WORKFLOWS[workflow]["jobs"][job]
    said = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if "Python :: 3." in line]
    assert job["strategy"]["matrix"]["python"] == said
    assert PROJECT["requires-python"] == f">={said[0]}"
    assert job["steps"][-1]["run"] == ".ci/try_wheel python dist/*.whl"
