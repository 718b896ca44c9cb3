"""What the notebooks of an assignment install, by how the package itself was installed."""

import json
from types import SimpleNamespace

import nbformat
import pytest

from mlmtutor.teach import install_cell
from mlmtutor.teach.install_cell import find_requirement
from tests.teach.test_commands import run

URL = "https://example.org/someone/course"
GIT = {"url": URL, "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "main"}}


@pytest.mark.parametrize(
    ("facts", "requirement"),
    [
        (GIT, f"mlmtutor[mini] @ git+{URL}@abc"),
        ({"url": "file:///x", "dir_info": {"editable": True}}, None),
        (None, None),
    ],
)
def test_a_package_from_a_repository_is_installed_from_there(facts, requirement, monkeypatch):
    record = SimpleNamespace(read_text=lambda name: json.dumps(facts) if facts else None)
    monkeypatch.setattr(install_cell, "distribution", lambda name: record)
    assert find_requirement() == requirement


def test_what_is_named_is_in_the_notebook(toy, tmp_path):
    status, printed, _ = run("assignment", "toy", "-o", "homework", "--install", "mlmtutor[mini]==9.9")
    assert status == 0 and "--install" not in printed
    notebook = nbformat.read(tmp_path / "homework" / "students" / "01_toy.ipynb", as_version=4)
    assert '%pip install -q "mlmtutor[mini]==9.9"' in notebook.cells[2].source
