"""The sources of the assignments: every answer is right, every blank is not, and nothing of an answer is in what students get."""

import json

import nbformat
import pytest
import yaml

from mlmtutor.exercises import means
from mlmtutor.teach.assignments.marks import find_expected, mark_exercise, start_session
from mlmtutor.teach.assignments.notebooks import Edition, compose_blank
from mlmtutor.teach.assignments.session import Limits, Session
from mlmtutor.teach.assignments.source import read_assignment
from mlmtutor.teach.assignments.variants import draw_numbers, set_numbers
from mlmtutor.teach.chapters import ChapterError, list_sources
from tests.teach.toy import ROOT
from tests.teach.toy_assignment import ASSIGNMENT

SOURCES = list_sources(ROOT / "book" / "assignments")


TRIED = yaml.safe_load((ROOT / "tests" / "teach" / "tried_answers.yml").read_text(encoding="utf-8"))


REAL = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)


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
