"""The same exercises in nbgrader and in Otter-Grader, each in an environment of its own: what they hand out and what they mark."""

import csv
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest

from mlmtutor.teach.assignments.source import read_assignment
from tests.teach.test_commands import run
from tests.teach.test_source import SOURCES

pytestmark = pytest.mark.slow
CHAPTER = "03_chunking"
POINTS = {
    exercise.name: exercise.points
    for exercise in read_assignment(next(p for p in SOURCES if p.stem == CHAPTER)).exercises
}
STUDENTS = {"right": set(POINTS), "half": {"3.1", "3.3"}, "blank": set()}  # what each of them answers
EARNED = {student: sum(POINTS[name] for name in names) for student, names in STUDENTS.items()}


@pytest.fixture(scope="module")
def install(tmp_path_factory) -> Callable[[str], Callable[..., str]]:
    """Install a package beside those of this environment, and return what runs its commands in a folder."""

    def install_package(requirement: str) -> Callable[..., str]:
        folder = tmp_path_factory.mktemp("environment")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = folder / "bin" / "python"
        packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
        here = sysconfig.get_path("purelib")
        (packages / "beside.pth").write_text(f"import site; site.addsitedir({here!r})\n")
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--quiet", "--quiet", requirement], check=True
        )
        variables = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
        variables["JUPYTER_PATH"] = str(
            Path(sys.prefix, "share", "jupyter")
        )  # templates of what is installed here

        def command(*words: object, cwd: Path) -> str:
            done = subprocess.run(
                [python, "-m", *map(str, words)],
                cwd=cwd,
                env=variables,
                capture_output=True,
                text=True,
                timeout=600,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        return command

    return install_package


def fill_in(blank: Path, answered: Path, names: set[str]) -> nbformat.NotebookNode:
    """Put some of the instructor's answers into what students get."""
    notebook = deepcopy(nbformat.read(blank, as_version=4))
    answers = {
        cell.source.partition("\n")[0]: cell.source for cell in nbformat.read(answered, as_version=4).cells
    }
    for cell in notebook.cells:
        first = cell.source.partition("\n")[0]
        if cell.cell_type == "code" and first.startswith("# exercise") and first.split()[-1] in names:
            cell.source = answers[first]
    return notebook


def test_nbgrader_hands_out_marks_and_gives_feedback(install, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("assignment", CHAPTER, "--format", "nbgrader", "--lang", "zh", "-o", "course")[0] == 0
    course = tmp_path / "course"
    nbgrader = install("nbgrader==0.9.6")
    nbgrader("nbgrader", "generate_assignment", CHAPTER, cwd=course)
    released = course / "release" / CHAPTER / f"{CHAPTER}.ipynb"
    text = released.read_text(encoding="utf-8")
    assert "SOLUTION" not in text and "HIDDEN" not in text and "means(" not in text and "divmod" not in text
    assert "请写一个函数" in text
    for student, names in STUDENTS.items():
        path = course / "submitted" / student / CHAPTER / released.name
        path.parent.mkdir(parents=True)
        nbformat.write(fill_in(released, course / "instructor" / released.name, names), path)
    nbgrader("nbgrader", "autograde", CHAPTER, cwd=course)
    nbgrader("nbgrader", "generate_feedback", CHAPTER, cwd=course)
    nbgrader("nbgrader", "export", cwd=course)
    rows = list(csv.DictReader((course / "grades.csv").read_text().splitlines()))
    assert {row["student_id"]: float(row["score"]) for row in rows} == EARNED
    assert {float(row["max_score"]) for row in rows} == {sum(POINTS.values())}
    assert len(list((course / "feedback").rglob("*.html"))) == len(STUDENTS)


def test_otter_hands_out_and_marks(install, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("assignment", CHAPTER, "--format", "otter", "-o", "master")[0] == 0
    master = tmp_path / "master"
    otter = install("otter-grader==7.0.0")
    otter("otter", "assign", f"{CHAPTER}.ipynb", "dist", "--no-pdfs", cwd=master)
    handed_out = master / "dist" / "student" / f"{CHAPTER}.ipynb"
    text = handed_out.read_text(encoding="utf-8")
    assert (
        "SOLUTION" not in text
        and "means(" not in text
        and "divmod" not in text
        and "import otter" not in text
    )
    (archive,) = (master / "dist" / "autograder").glob("*.zip")
    for student, names in STUDENTS.items():
        folder = master / student
        folder.mkdir()
        nbformat.write(
            fill_in(handed_out, master / "instructor" / handed_out.name, names), folder / "answers.ipynb"
        )
        otter("otter", "run", "-a", archive, "-o", folder, folder / "answers.ipynb", cwd=folder)
        found = json.loads((folder / "results.json").read_text())["tests"]
        assert sum(test.get("score", 0) for test in found) == EARNED[student], student
