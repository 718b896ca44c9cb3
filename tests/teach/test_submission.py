"""How the answers in a submission are found and marked, whatever else is in it."""

import json
from pathlib import Path

import nbformat
import pytest

from mlmtutor.teach.assignments.source import read_assignment
from tests.teach.test_commands import run
from tests.teach.toy_assignment import ANSWERS, ASSIGNMENT, hand_in, make_homework, place_toy, read_grades


def test_cells_are_found_again_whatever_an_editor_did_to_them(homework):
    path = hand_in(homework, "ada")
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = {}
    for number, cell in enumerate(notebook.cells):
        cell.metadata, cell.id = {}, f"cell-{number}"
    notebook.cells = [
        cell
        for cell in notebook.cells
        if not cell.source.startswith(("# check", "# set-up", "# your numbers"))
    ]
    nbformat.write(notebook, path)
    assert run("grade", "homework")[0] == 0
    assert read_grades(homework)["ada.ipynb"]["points"] == "4"


def test_a_changed_first_line_and_changed_numbers_cost_nothing(homework):
    path = hand_in(homework, "ada")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("# exercise", "# my exercise")
        if cell.id == "numbers":
            cell.source = "# your numbers\nsize, letter, word = 1, 'q', 'q'"
    notebook.cells.insert(5, nbformat.v4.new_code_cell("helper = 1\n1 / 0"))
    nbformat.write(notebook, path)
    assert run("grade", "homework")[0] == 0
    assert read_grades(homework)["ada.ipynb"]["points"] == "4"


def test_an_answer_may_take_several_cells(homework):
    path = hand_in(homework, "ada", e1="length = ...\npart = ...")
    notebook = nbformat.read(path, as_version=4)
    place = next(number for number, cell in enumerate(notebook.cells) if cell.id == "check-1-1")
    notebook.cells.insert(place, nbformat.v4.new_code_cell(ANSWERS["1.1"]))
    nbformat.write(notebook, path)
    assert run("grade", "homework")[0] == 0
    assert read_grades(homework)["ada.ipynb"]["points"] == "4"


GOOD = {  # what a careless but right submission does in 1.1 and 1.2
    "tries other numbers": {"e2": ANSWERS["1.2"] + "\nword = 'xy'\nprint(double(word))"},
    "prints much in each cell": {
        "e1": ANSWERS["1.1"] + "\nprint('x' * 900_000)",
        "e2": ANSWERS["1.2"] + "\nprint('x' * 900_000)",
    },
    "shows much": {"e1": ANSWERS["1.1"] + "\nfrom IPython.display import HTML\ndisplay(HTML('x' * 2_000_000))\nprint(1)"},
    "shows things in another way": {
        "e1": ANSWERS["1.1"] + "\nip = get_ipython()\nip.display_formatter.formatters['text/plain'].for_type("
        "str, lambda text, *_: 1 / 0)\nfrom rich import pretty\npretty.install()"
    },
    "has fractions": {"e1": "from fractions import Fraction\nlength = Fraction(len(word))\npart = Fraction(1, 2) + Fraction(size, 100_000)"},
    "hides names": {"e1": "list, len_ = [1], len\nlength = len_(word)\npart = 0.5 + size / 100_000"},
}  # fmt: skip


@pytest.fixture(scope="module")
def marked_well(tmp_path_factory) -> dict[str, dict[str, str]]:
    """The grades of a class that does all of this, with a time limit that is not short."""
    folder = tmp_path_factory.mktemp("good class")
    with pytest.MonkeyPatch.context() as patch:
        place_toy(folder, patch)
        homework = make_homework(folder, GOOD)
        for case, answers in GOOD.items():
            hand_in(homework, case, **answers)
        assert run("grade", "homework", "-j", 2)[0] == 0
        return {row["student"]: row for row in read_grades(homework).values()}


@pytest.mark.parametrize("case", GOOD)
def test_a_right_answer_earns_its_points_whatever_else_its_cell_does(marked_well, case):
    assert (marked_well[case]["points"], marked_well[case]["messages"]) == ("4", "")


def test_a_kernel_that_ends_in_one_exercise_costs_nothing_in_the_next(homework):
    path = hand_in(
        homework, "ada", e1="import os\nos._exit(0)", e2="def double(text):\n    return helper(text)"
    )
    notebook = nbformat.read(path, as_version=4)
    place = next(number for number, cell in enumerate(notebook.cells) if cell.id == "answer-1-1")
    notebook.cells.insert(place, nbformat.v4.new_code_cell("def helper(text):\n    return 2 * text"))
    nbformat.write(notebook, path)
    hand_in(homework, "bob", e1="length = len(word)\nimport os\nos._exit(0)")
    assert run("grade", "homework")[0] == 0
    grades = read_grades(homework)
    for name in ("ada.ipynb", "bob.ipynb"):
        assert (grades[name]["1.1"], grades[name]["1.2"]) == ("0", "2"), grades[name]
        assert "1.1: the kernel ended" in grades[name]["messages"]


def test_a_wrong_answer_in_a_cell_of_its_own_gets_its_hint_and_a_helper_below_spoils_nothing(homework):
    path = hand_in(homework, "ada", e1="length = ...\npart = ...")
    notebook = nbformat.read(path, as_version=4)
    place = next(number for number, cell in enumerate(notebook.cells) if cell.id == "check-1-1")
    notebook.cells.insert(place, nbformat.v4.new_code_cell("length, part = -7, -3"))
    nbformat.write(notebook, path)
    path = hand_in(homework, "bob")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(place, nbformat.v4.new_code_cell("# check that it works\nlength = 3"))
    nbformat.write(notebook, path)
    run("grade", "homework")
    grades = read_grades(homework)
    assert "not -7: Count once more" in grades["ada.ipynb"]["messages"]
    assert grades["bob.ipynb"]["points"] == "4"


@pytest.mark.parametrize(
    "first",
    [
        "%%time\n# exercise 1.1",
        "# Exercise 1.1",
        "#exercise 1.1 ",
        "\ufeff# exercise 1.1",
        "# mine\n\n# exercise 1.1",
    ],
)
def test_an_answer_without_id_is_found_by_its_line(homework, first):
    from mlmtutor.teach.assignments.submission import read_submission

    path = hand_in(homework, "ada")
    text = path.read_text(encoding="utf-8").replace(
        "# exercise 1.1", json.dumps(first, ensure_ascii=False)[1:-1]
    )
    notebook = json.loads(text) | {"nbformat_minor": 0}
    for cell in notebook["cells"]:
        del cell["id"]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    found = read_submission(path, read_assignment(homework / "instructor" / "01_toy.md"))
    assert [part.exercise for part in found.parts if part.exercise] == ["1.1", "1.2"]


def test_an_assignment_in_the_folder_of_an_environment_hides_nothing_of_it(toy, tmp_path):
    (tmp_path / "roster.csv").write_text("student\nada\n")
    assert run("assignment", "toy", "--students", "roster.csv", "-o", ".")[0] == 0
    Path("packages").mkdir()
    Path("packages/lazy_one.py").write_text("twice = 2")
    load = f"import sys\nsys.path.append({str(tmp_path / 'packages')!r})\nfrom lazy_one import twice\n"
    hand_in(Path(), "ada", e2=load + "def double(text):\n    return twice * text")
    assert run("grade", ".")[0] == 0
    assert read_grades(Path())["ada.ipynb"]["points"] == "4"


def test_a_slow_set_up_is_not_held_against_students(toy, tmp_path):
    toy.write_text(ASSIGNMENT.replace("import math", "import time\ntime.sleep(4)", 1), encoding="utf-8")
    homework = make_homework(tmp_path, ["ada"])
    hand_in(homework, "ada")
    assert run("grade", "homework", "--seconds", 2)[0] == 0
    assert read_grades(homework)["ada.ipynb"]["points"] == "4"
