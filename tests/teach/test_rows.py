"""Whose each file is."""

from pathlib import Path

import pytest

from tests.teach.test_commands import run
from tests.teach.toy_assignment import hand_in, read_grades

NAMED = [  # roster, file, the student that it was made for: whose it is
    (["ada", "ada_1"], "ada_1_homework.ipynb", "ada", "ada"),
    (["ada", "ada_1"], "ada_1_homework.ipynb", "", "ada_1"),
    (["03", "bob"], "03_chunking.ipynb", "bob", "03"),
    (["bob"], "homework.ipynb", "bob", "bob"),
    (["zo\u00eb"], "zoe\u0308.ipynb", "", "zo\u00eb"),
    (["Ada"], "ADA/homework.ipynb", "", "Ada"),
]


@pytest.mark.parametrize(("roster", "file", "made_for", "student"), NAMED)
def test_a_file_is_its_students(roster, file, made_for, student):
    from mlmtutor.teach.assignments.roster import name_file
    from mlmtutor.teach.assignments.rows import find_student

    path = Path(file)
    own = [path.stem, *reversed(path.parts[:-1])]
    assert find_student(own, made_for, {name_file(one).casefold(): one for one in roster}) == student


def test_without_a_roster_the_folders_of_a_platform_are_the_students(toy):
    assert run("assignment", "toy", "-o", "homework")[0] == 0
    homework = Path("homework")
    for name in ("Ada Lovelace_11_assignsubmission_file", "Bob_12_assignsubmission_file"):
        (homework / "submissions" / name).mkdir()
        (homework / "submissions" / name / "01_toy.ipynb").write_bytes(
            (homework / "students" / "01_toy.ipynb").read_bytes()
        )
    assert run("grade", "homework", "-j", 2)[0] == 0
    assert [row["student"][:3] for row in read_grades(homework).values()] == ["Ada", "Bob"]


def test_files_that_are_no_notebooks_and_strangers_are_rows_with_a_reason(homework):
    hand_in(homework, "ada", file="ada/final (2).ipynb")
    hand_in(homework, "bob", file="Bob_12345_homework.ipynb")
    hand_in(homework, "bob", file="bob.ipynb", e2="def double(text):\n    return text")
    for name, content in (
        ("report.pdf", b"%PDF-1.7"),
        ("empty.ipynb", b""),
        ("list.ipynb", b"[]"),
        ("eve.ipynb", b"{}"),
        (".DS_Store", b"x"),
    ):
        (homework / "submissions" / name).write_bytes(content)
    status, printed, _ = run("grade", "homework", "-j", 2)
    assert status == 0 and "look at 6 with a note" in printed
    grades = read_grades(homework)
    assert grades["ada/final (2).ipynb"]["points"] == "4"
    assert grades["Bob_12345_homework.ipynb"]["messages"] == "2 files are by this student"
    assert grades["bob.ipynb"]["points"] == "2"
    assert all(
        "no notebook" in grades[name]["messages"] for name in ("report.pdf", "empty.ipynb", "list.ipynb")
    )
    assert ".DS_Store" not in grades


def test_the_notebook_of_another_student_is_marked_with_ones_own_numbers(homework):
    hand_in(homework, "bob", file="ada.ipynb", e1="length = 7\npart = 0.5")
    run("grade", "homework")
    assert "this is the notebook of bob" in read_grades(homework)["ada.ipynb"]["messages"]
