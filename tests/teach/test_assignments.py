"""Exercises that grade themselves: what students get, what instructors keep, and what becomes of a submission."""

import csv
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import nbformat
import pytest
import yaml

from mlmtutor.exercises import means
from mlmtutor.teach import sources
from mlmtutor.teach.assignments import source
from mlmtutor.teach.assignments.grade import BOM, Gradebook
from mlmtutor.teach.assignments.marks import find_expected, mark_exercise, start_session
from mlmtutor.teach.assignments.notebooks import Edition, compose_blank
from mlmtutor.teach.assignments.session import Limits, Session
from mlmtutor.teach.assignments.source import read_assignment
from mlmtutor.teach.assignments.variants import draw_numbers, set_numbers
from mlmtutor.teach.chapters import ChapterError, list_sources
from tests.teach.test_commands import run
from tests.teach.toy import ROOT, TOY
from tests.teach.toy_assignment import ANSWERS, ASSIGNMENT

SOURCES = list_sources(ROOT / "book" / "assignments")
TRIED = yaml.safe_load((ROOT / "tests" / "teach" / "tried_answers.yml").read_text(encoding="utf-8"))
REAL = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)


def place_toy(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Write the toy assignment into a folder, the current one from now on, let the commands find it, and return its source."""
    patch.chdir(folder)
    for name, text in (("chapters", TOY), ("assignments", ASSIGNMENT)):
        (folder / name).mkdir()
        (folder / name / "01_toy.md").write_text(text, encoding="utf-8")
    patch.setattr(sources, "PLACES", (folder / "chapters",))
    patch.setattr(source, "PLACES", (folder / "assignments",))
    return folder / "assignments" / "01_toy.md"


def make_homework(folder: Path, students: Iterable[str]) -> Path:
    """Make the toy assignment for some students."""
    (folder / "roster.csv").write_text("\n".join(["student", *students]))
    assert run("assignment", "toy", "--students", "roster.csv", "-o", "homework")[0] == 0
    return folder / "homework"


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Path:
    """The source of the toy assignment."""
    return place_toy(tmp_path, monkeypatch)


@pytest.fixture
def homework(toy, tmp_path) -> Path:
    """The toy assignment, made for Ada and Bob."""
    return make_homework(tmp_path, ["ada", "bob"])


def hand_in(
    homework: Path, student: str, *, file: str = "", language: str = "python", **answers: str
) -> Path:
    """Fill in a student's notebook: code by exercise, ``e1`` for 1.1; the right answer where nothing is said."""
    notebook = nbformat.read(homework / "students" / f"{student}.ipynb", as_version=4)
    for cell in notebook.cells:
        name = cell.id.removeprefix("answer-").replace("-", ".")
        if name in ANSWERS:
            cell.source = f"# exercise {name}\n" + answers.get(f"e{name[2:]}", ANSWERS[name])
    path = homework / "submissions" / (file or f"{student}.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def read_grades(homework: Path) -> dict[str, dict[str, str]]:
    text = (homework / "grades.csv").read_text(encoding="utf-8")
    assert text.startswith(BOM)
    return {row["file"] or row["student"]: row for row in csv.DictReader(text.removeprefix(BOM).splitlines())}


# the sources


def test_each_chapter_has_three_exercises_or_more():
    slugs = [path.stem for path in list_sources(ROOT / "book" / "chapters") if path.stem[0] in "01"]
    assert [path.stem for path in SOURCES] == slugs
    for path in SOURCES:
        assert len(read_assignment(path).exercises) >= 3


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@REAL
def test_answers_get_full_marks_and_blanks_none_and_each_student_has_other_answers(path):
    assignment = read_assignment(path)
    tried = TRIED[path.stem]
    with Session(Limits(seconds_cell=300, seconds_all=3000)) as session:
        start_session(session, assignment)
        for student, lang in (("ada", "en"), ("王五", "zh")):
            numbers = set_numbers(assignment.numbers, draw_numbers(assignment, student=student, seed=3))
            expected = find_expected(session, assignment, numbers)
            for exercise, right in zip(assignment.exercises, expected, strict=True):
                for code, points in ((exercise.start, 0), (exercise.answer, exercise.points)):
                    failure = session.run(numbers) or session.run(code)
                    found = session.find([test.value for test in exercise.tests])
                    mark = mark_exercise(exercise, found, right, lang=lang, failure=failure)
                    assert mark.points == points, (exercise.name, code, mark)
                for test, value in zip(exercise.tests, right, strict=True):
                    if is_number(value) and abs(value) > 3:
                        words = " ".join(test.hint.values()).replace(",", " ").split()
                        assert not any(means(word.strip(".:;()"), value) for word in words), (
                            exercise.name,
                            value,
                        )
                for form in exercise.form:  # what students see does not refuse a right answer
                    assert session.find([form.holds])[0].value is True, (exercise.name, form.holds)
        for exercise, right in zip(assignment.exercises, expected, strict=True):
            for one in [one for one in tried if one["exercise"] == exercise.name]:
                failure = session.run(numbers) or session.run(exercise.start) or session.run(one["code"])
                found = session.find([test.value for test in exercise.tests])
                mark = mark_exercise(exercise, found, right, lang="en", failure=failure)
                least, most = one["points"] if isinstance(one["points"], list) else [one["points"]] * 2
                assert least <= mark.points <= most, (one, mark)
                if least == exercise.points:
                    assert all(
                        found.value is True for found in session.find([form.holds for form in exercise.form])
                    ), one
        own = {name: session.find([name])[0].value for name in assignment.vary}
        assert own == draw_numbers(assignment, student="王五", seed=3)
        other = set_numbers(assignment.numbers, draw_numbers(assignment, student="eve", seed=3))
        for exercise, right, else_right in zip(
            assignment.exercises, expected, find_expected(session, assignment, other), strict=True
        ):
            assert right != else_right, f"{exercise.name} is the same for everybody"


@REAL
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nothing_of_an_answer_is_in_what_students_get(path, lang):
    assignment = read_assignment(path)
    notebook = compose_blank(assignment, Edition("A title", lang, assignment.numbers, "ada"))
    known = "\n".join([*assignment.set_up, assignment.numbers, *(one.start for one in assignment.exercises)])
    text = nbformat.writes(notebook)
    assert "means(" not in text and "attachments" not in text
    assert not any(cell.get("outputs") for cell in notebook.cells)
    for exercise in assignment.exercises:
        for line in exercise.answer.splitlines():
            line = line.strip()
            if len(line) > 12 and line not in known and not line.startswith(("import", "from")):
                assert json.dumps(line)[1:-1] not in text, (exercise.name, line)
        for test in exercise.tests:
            assert json.dumps(test.hint[lang], ensure_ascii=False)[1:-1] not in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (":tags: [answer]", ":tags: [anwser]", "expected one of the tags"),
        ("**2.** Write", "**3.** Write", "expected a task that begins with"),
        ('"size": "3..4000"', '"seize": "3..4000"', "expected a line seize = ..."),
        ('"letter": ["a", "b", "c"]', '"letter": ["x", "b"]', "expected two other values of letter"),
        ("  zh: 请再数一遍。\n", "", "'zh'"),
        ("- value: double(word)\n  points: 2", "- value: double(word)\n  pts: 2", "pts"),
        ("```{raw-cell}", "```{code-cell} ipython3", "YAML"),
    ],
)
def test_a_source_that_is_not_as_it_should_be_says_where(toy, old, new, message):
    assert old in ASSIGNMENT
    toy.write_text(ASSIGNMENT.replace(old, new, 1), encoding="utf-8")
    if message == "YAML":  # a marking in a code cell is read all the same
        assert len(read_assignment(toy).exercises) == 2
        return
    with pytest.raises(ChapterError, match=message) as caught:
        read_assignment(toy)
    assert "01_toy.md:" in str(caught.value)


# what is handed out


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


ROSTERS = [
    ("student\nada\nbob\n", ["ada", "bob"]),
    ("ada\nbob\n", ["ada", "bob"]),
    ("\ufeffName;E-Mail;Student ID\nAda, L.;a@x.org;2024/17\nBob;b@x.org;2024/18\n", ["2024/17", "2024/18"]),
    ('name\tteam\n"王 五"\t1\n', ["王 五"]),
    ("姓名,学号\n王五,7\n\n李四,8\n", ["7", "8"]),
]


@pytest.mark.parametrize(("text", "students"), ROSTERS)
def test_a_roster_is_read_as_people_and_programs_write_it(tmp_path, text, students):
    from mlmtutor.teach.assignments.roster import read_roster

    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    assert read_roster(path) == students


BAD_ROSTERS = [
    (None, "cannot read the roster 'roster.csv': No such file or directory"),
    ("", "expected one student a line in 'roster.csv', found none"),
    ("student\n", "expected students below the column names in 'roster.csv', found none"),
    ("student\nada\nbob\nAda\n", "'roster.csv', line 4: Ada is in line 2 already"),
    ("student,team\nada,1\n,2\n", "'roster.csv', line 3: expected a student, found none"),
    (
        "color,team\nred,1\n",
        "expected a column such as student, id, email, 学号 in 'roster.csv', found color, team",
    ),
    (b"PK\x03\x04\x00\x00\x08\x00", "cannot read the roster"),
    ("姓名,学号\n王五,甲\n".encode("gb18030"), "--encoding gb18030"),
]


@pytest.mark.parametrize(("text", "message"), BAD_ROSTERS)
def test_an_unreadable_roster_is_refused_in_one_line(toy, text, message):
    if text is not None:
        Path("roster.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    status, printed, errors = run("assignment", "toy", "--students", "roster.csv")
    assert status == 1 and not printed
    assert len(errors.splitlines()) == 1 and message in errors
    assert not Path("01_toy-assignment").exists()


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


# what comes back


def test_points_and_messages_come_in_a_table(homework):
    hand_in(homework, "ada", e1="length = 5_000\npart = f'{50 + size / 1_000} %'")
    status, printed, _ = run("grade", "homework")
    assert status == 0 and "1 submission marked, 3.0 points on average" in printed
    grades = read_grades(homework)
    assert list(grades["ada.ipynb"].values())[2:] == ["3", "4", "1", "2", "1.1: not 5000: Count once more."]
    assert grades["bob"]["points"] == "0" and grades["bob"]["messages"] == "nothing was handed in"


BAD = {  # what a submission does in the cell of 1.2, after a right answer to 1.1: what is said of it
    "loops for ever": ("while True:\n    pass", "took longer than 3 s"),
    "loops and will not be stopped": (
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        "took longer",
    ),
    "ends the kernel": ("import os\nos._exit(0)", "the kernel ended"),
    "leaves": ("exit()", "the kernel ended"),
    "leaves in another way": ("import sys\nsys.exit()", "SystemExit"),
    "crashes": ("import ctypes\nctypes.string_at(0)", "the kernel ended"),
    "prints 2 GB": ("for _ in range(20):\n    print('x' * 10**8)", "more than 1,000,000 characters were printed"),
    "shows 10 MB": ("'x' * 10**7", "not"),
    "takes all memory": ("import numpy as np\nblock = np.ones(10**10)", "Unable to allocate"),
    "opens the net": ("import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9')", "there is no network"),
    "starts a program": ("import subprocess\nsubprocess.run(['true'])", "no other program can be started"),
    "starts a program by a magic": ("!true", "no other program"),
    "starts another Python": (
        "import multiprocessing\nfrom pathlib import Path\n"
        "multiprocessing.get_context('spawn').Pool(1).apply(Path.read_text, [Path(KEY)])",
        "no other program",
    ),
    "ends the marker": ("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", "no signal can be sent"),
    "reads the answers": (
        "from mlmtutor.teach.assignments.source import PLACES\nfrom pathlib import Path\n"
        "[path.read_text() for place in PLACES for path in Path(place).glob('*.md')]",
        "cannot be read",
    ),
    "reads the chapter": ("from mlmtutor.teach.sources import find_source\nfind_source('1').read_text()", "cannot be read"),
    "reads the key": ("open(KEY).read()", "key.json cannot be read"),
    "reads another's": ("open(OTHER).read()", "bob.ipynb cannot be read"),
    "writes over another's": ("open(OTHER, 'w').write('')", "bob.ipynb cannot be changed"),
    "removes another's": ("import os\nos.remove(OTHER)", "bob.ipynb cannot be changed"),
    "moves another's": ("import os\nos.rename(OTHER, 'mine')", "bob.ipynb cannot be changed"),
    "replaces the comparison": (
        "import mlmtutor.exercises\nmlmtutor.exercises.means = lambda *a, **k: True\ndef double(text):\n    return None",
        "not answered",
    ),
    "returns what is not an answer": ("def double(text):\n    return object()", "What is twice a word?"),
    "returns too much": ("def double(text):\n    return [0] * 10**6", "at most 1,000,000 characters"),
    "returns itself": ("def double(text):\n    found = []\n    found.append(found)\n    return found", "1.2: "),
    "asks the teacher": ("input('how?')", "StdinNotImplementedError"),
    "does not parse": ("def double(text)", "SyntaxError"),
}  # fmt: skip


@pytest.fixture(scope="module")
def marked(tmp_path_factory) -> dict[str, dict[str, str]]:
    """The grades of a class whose students hand in all of these, and of Bob, who does well."""
    folder = tmp_path_factory.mktemp("class")
    with pytest.MonkeyPatch.context() as patch:
        place_toy(folder, patch)
        homework = make_homework(folder, ["bob", *BAD])
        other = hand_in(homework, "bob")
        content = other.read_bytes()
        for case, (code, _) in BAD.items():
            code = code.replace("KEY", repr(str(homework / "instructor" / "key.json")))
            hand_in(homework, case, e2=code.replace("OTHER", repr(str(other))))
        assert run("grade", "homework", "-j", 2, "--seconds", 3)[0] == 0
        assert other.read_bytes() == content
        return {row["student"]: row for row in read_grades(homework).values()}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_submission_costs_its_author_points(marked, case):
    row = marked[case]
    assert (row["1.1"], row["1.2"]) == ("2", "0"), row
    assert BAD[case][1] in row["messages"]


def test_bad_submissions_cost_nobody_else_anything(marked):
    assert (marked["bob"]["points"], marked["bob"]["messages"]) == ("4", "")


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


def test_only_what_is_new_or_was_changed_is_marked_again(homework):
    hand_in(homework, "ada")
    assert "[1 of 1] ada" in run("grade", "homework")[2]
    hand_in(homework, "bob")
    errors = run("grade", "homework")[2]
    assert "1 of 2 are marked already" in errors and "[2 of 2] bob" in errors
    hand_in(homework, "ada", e2="")
    assert "[2 of 2] ada: 2 of 4" in run("grade", "homework")[2]


def test_an_interrupt_loses_nothing_and_leaves_no_kernel(homework, monkeypatch):
    import psutil

    hand_in(homework, "ada")
    hand_in(homework, "bob", e2="import time\ntime.sleep(30)")
    write = Gradebook.write

    def stop_after(self):
        write(self)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Gradebook, "write", stop_after)
    status, _, errors = run("grade", "homework")
    assert (
        status == 130
        and errors.splitlines()[-1] == "mlmtutor: stopped; the same command goes on where it broke off"
    )
    monkeypatch.setattr(Gradebook, "write", write)
    assert Gradebook(Path("homework"), None, limits=Limits()).load() == 1
    end = time.monotonic() + 20
    while kernels := [
        one
        for one in psutil.Process().children(recursive=True)
        if "assignments.kernel" in " ".join(one.cmdline())
    ]:
        assert time.monotonic() < end, kernels
        time.sleep(0.2)


def test_a_cell_that_a_spreadsheet_would_run_is_defused(homework):
    hand_in(homework, "ada", file="=HYPERLINK(1).ipynb")
    run("grade", "homework", "--submissions", homework / "submissions")
    text = (homework / "grades.csv").read_text(encoding="utf-8")
    assert ",'=HYPERLINK(1).ipynb," in text


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
