"""Packages that are missing, too old or damaged: tried in copies of this environment that lack them."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest

from mlmtutor.model.packages import INSTALL_MINI, INSTALL_ZH, find_module, find_package_problem, list_declared

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMMAND = ["-m", "mlmtutor.cli"]
ADAPT = [*COMMAND, "adapt", "mini", "-o", "never"]


@pytest.fixture
def python(tmp_path):
    """Return a function that runs Python with the packages of this environment, but for some."""
    site = Path(distribution("torch").locate_file(""))

    def run(*arguments, without=(), files_only=(), old=(), check=None):
        gone = set()
        for name in (*without, *files_only, *old):
            about = re.compile(r"\.dist-info$")
            parts = {file.parts[0] for file in distribution(name).files} - {"..", "__pycache__"}
            gone |= {part for part in parts if not (about.search(part) and name in files_only)}
            gone -= set() if name not in old else {part for part in parts if not about.search(part)}
        shutil.rmtree(tmp_path / "site", ignore_errors=True)
        (tmp_path / "site").mkdir()
        for entry in site.iterdir():
            if entry.name not in gone:
                (tmp_path / "site" / entry.name).symlink_to(entry)
        for name in old:
            about = tmp_path / "site" / f"{name.replace('-', '_')}-0.0.1.dist-info"
            about.mkdir()
            (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n")
        path = f"{ROOT}{os.pathsep}{tmp_path / 'site'}"
        done = subprocess.run(
            [sys.executable, "-S", *arguments],  # -S: without the packages of the environment itself
            capture_output=True,
            text=True,
            timeout=300,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"},
        )
        assert check is None or done.returncode == check, done.stdout + done.stderr
        return done

    return run


def test_the_command_for_the_mini_packages_is_the_extra_of_the_project():
    assert " ".join(["pip install", *PROJECT["optional-dependencies"]["mini"]]) == INSTALL_MINI


def test_the_command_for_the_chinese_packages_is_the_extra_of_the_project():
    assert " ".join(["pip install", *PROJECT["optional-dependencies"]["zh"]]) == INSTALL_ZH


def test_every_declared_package_is_imported_by_the_name_that_is_looked_for():
    declared = {re.match(r"[\w.-]+", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert set(list_declared()) == declared
    for name in declared:
        assert importlib.import_module(find_module(name))


def test_nothing_is_wrong_here():
    assert find_package_problem() is None
    assert find_package_problem(deep=True) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gone", "line"),
    [
        ({"without": ["numpy"]}, "expected numpy>=1.26 (found none): pip install numpy"),
        ({"without": ["tyro"]}, "expected tyro>=1.0 (found none): pip install tyro"),
        ({"without": ["lazy-loader"]}, "expected lazy-loader>=0.4 (found none): pip install lazy-loader"),
        ({"without": ["packaging"]}, "expected packaging (found none): pip install packaging"),
        ({"without": ["pyarrow", "torch"]},
         "expected pyarrow>=18 (found none), torch>=2.6 (found none): pip install pyarrow torch"),
        ({"files_only": ["safetensors"]},
         "expected the files of safetensors, found none: pip install --force-reinstall --no-deps safetensors"),
        ({"old": ["transformers"]}, 'expected transformers>=5.0 (found 0.0.1): pip install "transformers>=5.0"'),
    ],
    ids=str,
)  # fmt: skip
def test_command_doctor_and_notebook_say_what_is_missing_in_one_line(gone, line, python):
    assert "doctor" in python(*COMMAND, "--help", **gone, check=0).stdout
    assert python(*ADAPT, **gone, check=1).stderr == f"mlmtutor: {line}\n"
    doctor = python(*COMMAND, "doctor", **gone, check=1)
    assert doctor.stderr == f"mlmtutor: {line}\n"
    assert "incomplete" in doctor.stdout and "mini reviews" in doctor.stdout
    cell = "import mlmtutor\nfrom mlmtutor import load_model"
    code = f"from IPython.core.interactiveshell import InteractiveShell as I; I.instance().run_cell({cell!r})"
    printed = python("-c", code, **gone, check=0)
    assert f"{printed.stdout}{printed.stderr}".strip().splitlines() == [f"PackagesMissing: {line}"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gone", "pattern"),
    [
        ({"without": ["tokenizers"]}, r"expected tokenizers\S* \(found none\): pip install tokenizers"),
        ({"files_only": ["regex"]}, r"expected regex whole, found it damaged \(.*\): pip install .* regex"),
    ],
    ids=str,
)
def test_what_the_packages_need_in_turn_is_named_too(gone, pattern, python):
    for command in (ADAPT, [*COMMAND, "doctor"]):
        done = python(*command, **gone, check=1)
        assert re.fullmatch(f"mlmtutor: {pattern}\n", done.stderr), done.stderr


def test_a_long_list_stays_one_line_with_a_command_for_all(monkeypatch):
    monkeypatch.setattr("mlmtutor.model.packages.find_version", lambda package: None)
    line = find_package_problem()
    assert f"and {len(list_declared()) - 3} more" in line and len(line) <= 300
    assert line.partition(": pip install ")[2].split() == list_declared()
