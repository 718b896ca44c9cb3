"""What is handed out, and what is refused."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest

from mlmtutor.teach.assignments.notebooks import Edition, compose_blank
from mlmtutor.teach.assignments.source import read_assignment
from tests.teach.test_commands import run
from tests.teach.toy import ROOT
from tests.teach.toy_assignment import ASSIGNMENT, make_homework, read_grades


def test_the_same_command_makes_the_same_and_a_late_student_is_added(homework):
    before = {path: path.read_bytes() for path in homework.rglob("*.ipynb")}
    Path("roster.csv").write_text("student\nada\nbob\ncleo\n")
    status, printed, _ = run("assignment", "toy", "--students", "roster.csv", "-o", "homework")
    assert status == 0 and "3 students" in printed
    assert all(path.read_bytes() == content for path, content in before.items())
    assert (homework / "students" / "cleo.ipynb").exists()


def test_students_have_numbers_of_their_own_and_another_seed_gives_others(homework):
    def sizes(folder):
        key = json.loads((folder / "instructor" / "key.json").read_text())
        return [copy["numbers"] for copy in key["students"].values()]

    run("assignment", "toy", "--students", "roster.csv", "-o", "other", "--seed", 1)
    assert len({*sizes(homework), *sizes(Path("other"))}) == 4


def test_the_instructors_copy_runs_from_the_top_with_every_test(homework):
    from nbclient import NotebookClient

    notebook = nbformat.read(homework / "instructor" / "ada.ipynb", as_version=4)
    NotebookClient(notebook).execute()
    assert sum(cell.source.startswith("# test") for cell in notebook.cells) == 3


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_blank_check_says_in_the_students_language_that_nothing_is_answered(toy, lang):
    assignment = read_assignment(toy)
    notebook = compose_blank(assignment, Edition("A title", lang, assignment.numbers))
    check = next(cell.source for cell in notebook.cells if cell.source.startswith("# check"))
    said = {"en": "This is not answered yet.", "zh": "这道题还没有作答。"}[lang]
    with pytest.raises(AssertionError, match=said):
        exec(check, {"length": ..., "part": ...})
    exec(check, {"length": 1, "part": "50 %"})


def test_a_class_without_a_roster_gets_the_same_notebook(toy):
    status, printed, _ = run("assignment", "1", "-o", "homework", "--lang", "zh")
    assert status == 0 and "everybody the same" in printed
    homework = Path("homework")
    notebook = nbformat.read(homework / "students" / "01_toy.ipynb", as_version=4)
    assert "练习 1.1（2 分）" in nbformat.writes(notebook)
    for name in ("ada", "王五"):
        nbformat.write(notebook, homework / "submissions" / f"{name}.ipynb")
    assert run("grade", "homework")[0] == 0
    grades = read_grades(homework)
    assert [row["student"] for row in grades.values()] == ["ada", "王五"]
    assert all("没有作答" in row["messages"] and row["points"] == "0" for row in grades.values())


def test_what_people_have_changed_is_not_written_over_and_a_drawn_seed_is_kept(toy, tmp_path):
    make_homework(tmp_path, ["ada"])
    path = Path("homework", "students", "ada.ipynb")
    path.write_text("changed")
    key = json.loads(Path("homework", "instructor", "key.json").read_text())
    homework = make_homework(tmp_path, ["ada", "bob"])
    again = json.loads((homework / "instructor" / "key.json").read_text())
    assert path.read_text() == "changed"
    assert (
        again["about"]["seed"] == key["about"]["seed"] and again["students"]["ada"] == key["students"]["ada"]
    )
    assert run("assignment", "toy", "-o", "other")[0] == 0
    assert (
        json.loads(Path("other", "instructor", "key.json").read_text())["about"]["seed"]
        != key["about"]["seed"]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["assignment", "toys"], "no chapter 'toys', the nearest is 01_toy"),
        (["assignment"], "CHAPTER"),
        (["assignment", "toy", "--format", "moodle"], "nbgrader"),
        (["assignment", "toy", "--seed", "one"], "seed"),
        (["assignment", "toy", "--format", "nbgrader", "--students", "r.csv"], "leave --students out, or use --format plain"),
        (["grade", "nowhere"], "expected a folder that `mlmtutor assignment` made"),
        (["grade", "."], "expected a folder that `mlmtutor assignment` made"),
        (["grade", "homework"], "expected notebooks in 'homework/submissions', found none"),
        (["grade", "homework", "-j", "0"], "jobs must be in [1, 64], got 0"),
        (["grade", "homework", "--seconds", "0"], "seconds must be above 0, got 0"),
        (["grade", "homework", "--memory", "0.1"], "memory must be at least 1 GB"),
        (["grade", "homework", "--submissions", "nowhere"], "expected a folder with the submissions, found none: 'nowhere'"),
        (["assignment", "toy", "-o", "homework", "--students", "roster.csv", "--seed", "8"], "another assignment is in 'homework' (its seed differ"),
        (["assignment", "toy", "-o", "homework"], "was made for 2 students more"),
        (["assignment", "toy", "--encoding", "gbk"], "give --students as well"),
        (["assignment", "toy", "-o", "homework", "--students", "roster.csv", "--install", "x"], "its install differ"),
        (["assignment", "toy", "-o", "roster.csv/x"], "cannot write to 'roster.csv/x'"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_in_one_line(homework, arguments, message):
    status, printed, errors = run(*arguments)
    assert status in (1, 2) and not printed
    assert len(errors.splitlines()) == 1 and message in errors


@pytest.mark.skipif(
    subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0, reason="may not mount"
)
@pytest.mark.parametrize("size", ["16k", "24k"])
def test_a_full_disk_is_told_in_one_line_and_leaves_no_key(tmp_path, size):
    homework = tmp_path / "homework"
    make = f"{sys.executable} -m mlmtutor.cli assignment 3 -o '{homework}'"
    ask = f"mount -t tmpfs -o size={size} none '{tmp_path}' && {make}; status=$?; ls '{homework}/instructor'; exit $status"
    done = subprocess.run(["unshare", "-m", "sh", "-c", ask], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1 and "key.json" not in done.stdout.split()
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("mlmtutor: ")]
    assert line.startswith("mlmtutor: cannot write to") and line.endswith("No space left on device")


def test_an_interrupt_while_exercises_are_made_leaves_nothing_half_done(toy, monkeypatch):
    text = ASSIGNMENT.replace("length = len(word)\n", "length = len(word)\nimport time; time.sleep(20)\n", 1)
    toy.write_text(text, encoding="utf-8")
    timer = threading.Timer(4, signal.raise_signal, [signal.SIGINT])
    timer.start()
    status, _, errors = run("assignment", "toy", "-o", "homework")
    assert status == 130 and errors.splitlines()[-1].startswith("mlmtutor: stopped")
    assert not Path("homework").exists()
    toy.write_text(ASSIGNMENT, encoding="utf-8")
    assert run("assignment", "toy", "-o", "homework")[0] == 0
