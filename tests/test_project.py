"""The project's own files: they agree with each other, and importing the package costs nothing."""

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import mlmtutor

ROOT = Path(__file__).parents[1]
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = CONFIGURATION["project"]
REQUIREMENTS = [
    *PROJECT["dependencies"],
    *(r for extra in PROJECT["optional-dependencies"].values() for r in extra),
]
BACKEND = CONFIGURATION["build-system"]["requires"]
PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split() if "==" in line)


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    ).stdout.strip()


def test_environment_lists_the_packages_of_pyproject():
    (pip,) = (
        d["pip"]
        for d in yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
        if isinstance(d, dict)
    )
    assert pip == ["-c constraints.txt", *REQUIREMENTS, "-e ."]


def test_no_requirement_stands_twice():
    names = [re.sub(r"[-_.]+", "-", Requirement(requirement).name).lower() for requirement in REQUIREMENTS]
    assert sorted(names) == sorted(set(names))


def test_backend_is_at_hand_where_the_tests_build():
    assert set(BACKEND) <= set(PROJECT["optional-dependencies"]["test"])


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_constraints_pin_every_requirement_within_its_range(requirement):
    parsed = Requirement(requirement)
    pins = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in PINS.items()}
    assert parsed.specifier.contains(pins[re.sub(r"[-_.]+", "-", parsed.name).lower()], prereleases=True)


def test_every_line_of_constraints_is_an_exact_pin():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^=+]+", line) for line in lines)


def test_import_loads_neither_torch_nor_transformers():
    heavy = "{'torch', 'transformers', 'datasets', 'numpy', 'matplotlib'}"
    assert run_python(f"import sys, mlmtutor; print({heavy} & set(sys.modules))") == "set()"


def test_import_takes_under_300_ms():
    code = "import time; t = time.perf_counter(); import mlmtutor; print(time.perf_counter() - t)"
    assert min(float(run_python(code)) for _ in range(3)) < 0.3


def test_import_does_not_touch_the_network():
    code = """
import socket
def refuse(*args, **kwargs):
    raise AssertionError("network")
socket.socket.connect = socket.getaddrinfo = refuse
import mlmtutor
for name in mlmtutor.__all__:
    getattr(mlmtutor, name)
print("quiet")
"""
    assert run_python(code).splitlines()[-1] == "quiet"


def test_every_public_name_is_documented_and_every_function_has_an_example_and_a_source():
    for name in mlmtutor.__all__:
        value = getattr(mlmtutor, name)
        assert value.__doc__, name
        if inspect.isfunction(value):
            assert ">>>" in value.__doc__, name
            assert "Source: " in value.__doc__, name


def test_functions_keep_their_names_when_their_module_is_imported_first():
    code = "import mlmtutor.model.fill_mask; from mlmtutor import fill_masks; print(callable(fill_masks))"
    assert run_python(code) == "True"


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="fill_maks"):
        mlmtutor.fill_maks  # noqa: B018


def test_site_is_published_from_the_committed_notebooks_with_every_warning_an_error():
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "pages.yml").read_text())["jobs"]["build"]
    install, fonts, build, books, _ = (step["run"] for step in job["steps"] if "run" in step)
    extras = re.search(r"\[(.+)\]", install)[1].split(",")
    assert "-c constraints.txt" in install and set(extras) <= set(PROJECT["optional-dependencies"])
    assert build == "python -m book.tools site"
    assert books.startswith("python -m book.tools pdf")
    assert "fonts-noto-cjk" in fonts  # or Chinese pages are shared with English pictures
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["execute"]["execute_notebooks"] == "off"
    (upload,) = (step for step in job["steps"] if "upload-pages-artifact" in step.get("uses", ""))
    assert upload["with"]["path"] == "_build/html"


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.stem
)
def test_workflows_name_the_exact_commit_of_each_action_and_read_only_where_nothing_else_is_said(path):
    text = path.read_text(encoding="utf-8")
    uses = re.findall(r"uses: (.+)", text)
    assert uses and all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+(\.\d+)+", one) for one in uses)
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
