"""What readers are told about their answers, and about a chapter's measurements."""

import ast
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from book.tools.chapter import find_chapters
from mlmtutor import as_printed, check_answer, check_range, exercises
from mlmtutor.teach.chapters import read_chapter

ROOT = Path(__file__).parents[1]
QUESTIONS = yaml.safe_load(exercises.ANSWERS.read_text(encoding="utf-8"))
WHY, HINT = "This is the reason.", "Think again."
EXAMPLES = {
    "whole": {"expected": 3175},
    "small": {"expected": 3},
    "one": {"expected": 1},
    "decimal": {"expected": 0.6931},
    "share": {"expected": 0.04, "is_share": True},
    "pair": {"expected": [8, 0]},
    "text": {"expected": "unknown", "also": ["cannot say"]},
    "texts": {"expected": ["film", "movie"]},
}
NOT_GIVEN = "No answer yet: replace the ... and run the cell again.\n"


@pytest.fixture
def questions(monkeypatch):
    examples = {name: question | {"why": WHY, "hint": HINT} for name, question in EXAMPLES.items()}
    monkeypatch.setattr(exercises, "_read", lambda path: examples)


def say(capsys, name, answer):
    check_answer(name, answer)
    return capsys.readouterr().out


RIGHT = [
    *(("whole", a) for a in (3175, 3175.0, "3175", "3,175", " 3_175 ", "3175 tokens", np.int64(3175))),
    *(("whole", a) for a in (np.float32(3175), np.array(3175), torch.tensor(3175), Decimal(3175))),
    *(("whole", a) for a in (Fraction(6350, 2), 25 * 127, 3175 * 0.1 * 10)),
    *(("decimal", a) for a in (0.6931, 0.69, 0.7, "0.69", "0.69 nats", "0,69", np.log(2), np.float32(0.69))),
    *(("decimal", a) for a in (torch.tensor(2.0).log(), torch.tensor(0.69, dtype=torch.bfloat16))),
    ("decimal", torch.tensor(0.69, requires_grad=True)),
    *(("share", a) for a in (0.04, 4, 4.0, "4 %", "4%", "4％", "4 percent", "0.04", "1/25", Fraction(1, 25))),
    *(("share", a) for a in (Decimal("0.04"), torch.tensor(0.2) ** 2, np.float32(0.2) ** 2)),
    *(("pair", a) for a in ((8, 0), [8, 0], (8.0, 0.0), np.array([8, 0]), torch.tensor([8.0, 0.0]))),
    *(("pair", a) for a in ((np.int64(8), torch.tensor(0)), "8, 0", "(8, 0)")),
    ("pair", range(8, -8, -8)),
    *(("text", a) for a in ("unknown", "Unknown", " unknown ", "UNKNOWN.", '"unknown"', np.str_("unknown"))),
    *(("text", a) for a in ("cannot say", "Cannot  say")),
    *(
        ("texts", a)
        for a in (["film", "movie"], ("Film", " movie"), "film, movie", np.array(["film", "movie"]))
    ),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_right_answer_is_right_in_every_form(name, answer, questions, capsys, recwarn):
    assert say(capsys, name, answer) == f"Right. {WHY}\n"
    assert not list(recwarn)


WRONG = [
    *(
        ("whole", a)
        for a in (3174, 3175.5, "31.75", 3175j, "many", "", [3175], {3175}, {"a": 1}, object(), b"3")
    ),
    *(("whole", a) for a in (float("nan"), float("inf"), "nan", np.nan, torch.tensor(float("nan")), "1/0")),
    *(("one", a) for a in (True, np.True_, torch.tensor(True))),
    *(("decimal", a) for a in (0.6, 0.71, 69, "59 %", "ln 2", 0, 1, -0.69)),
    *(("share", a) for a in (0.4, 40, "0.04 %", "0.4 %", 0.0, 0)),
    *(
        ("pair", a)
        for a in ([0, 8], [8], (8, 0, 0), 8, "8", "0, 8", {8, 0}, np.zeros((2, 2)), (float("nan"), 0))
    ),
    *(("text", a) for a in ("known", "not unknown", "", 5, ["unknown"], float("nan"), b"unknown")),
    *(("texts", a) for a in (["movie", "film"], "film", ["film"], 3)),
]


@pytest.mark.parametrize(("name", "answer"), WRONG)
def test_wrong_answer_gets_a_hint_and_neither_the_reason_nor_what_is_right(
    name, answer, questions, capsys, recwarn
):
    said = say(capsys, name, answer)
    assert said.startswith("Not yet: ") and HINT in said.replace("\n", " ")
    without_echo = said.replace(repr(answer), "").replace(str(answer), "")
    assert WHY not in said and str(EXAMPLES[name]["expected"]) not in without_echo
    assert not list(recwarn)


def test_what_was_answered_is_repeated_so_that_a_text_can_be_told_from_a_number(questions, capsys):
    assert say(capsys, "small", 4) == f"Not yet: 4. {HINT}\n"
    assert say(capsys, "small", "four") == f"Not yet: 'four'. A number is asked for. {HINT}\n"
    assert say(capsys, "pair", (0, 8)) == f"Not yet: [0, 8]. {HINT}\n"
    assert say(capsys, "pair", 8) == f"Not yet: 8. A list of 2 is asked for. {HINT}\n"
    assert say(capsys, "text", 8) == f"Not yet: 8. A text is asked for. {HINT}\n"
    assert len(say(capsys, "small", list(range(10_000)))) < 160


@pytest.mark.parametrize("answer", [..., None])
def test_answer_not_given_is_no_wrong_answer(answer, questions, capsys):
    assert say(capsys, "small", answer) == NOT_GIVEN


def test_unknown_question_is_an_error(questions):
    with pytest.raises(ValueError, match="question must be one of whole, .* got '99.1'"):
        check_answer("99.1", 5)


def test_said_is_wrapped_to_the_width_of_a_page(monkeypatch, capsys):
    long = {"expected": 3, "why": "word " * 60, "hint": "word " * 60}
    monkeypatch.setattr(exercises, "_read", lambda path: {"x": long})
    for answer in (3, 4):
        lines = say(capsys, "x", answer).splitlines()
        assert len(lines) > 3 and max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", QUESTIONS)
def test_question_is_complete_and_its_hint_does_not_give_the_answer_away(name):
    question = QUESTIONS[name]
    assert {"expected", "why", "hint"} <= set(question) <= {"expected", "also", "is_share", "why", "hint"}
    assert len(question["why"]) > 10 and len(question["hint"]) > 10
    assert question["hint"] != question["why"]
    numbers = {float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\.?\d*", question["hint"])}
    words = set(re.findall(r"\w+", question["hint"].casefold()))
    expected = question["expected"]
    for one in expected if isinstance(expected, list) else [expected]:
        if isinstance(one, str):
            assert one.casefold() not in words
        else:
            shares = {one, 100 * one} if question.get("is_share") else {one}
            given_away = {n for n in numbers for s in shares if s and abs(n - s) <= 0.01 * abs(s)}
            assert not given_away, f"the hint holds {given_away}"


@pytest.mark.parametrize("name", QUESTIONS)
def test_expected_answer_is_accepted(name, capsys):
    for answer in (QUESTIONS[name]["expected"], *QUESTIONS[name].get("also", [])):
        assert say(capsys, name, answer).startswith("Right. ")


def test_every_question_of_a_chapter_has_an_answer_and_every_answer_a_question():
    asked, problems = set(), []
    for chapter in map(read_chapter, find_chapters(ROOT)):
        number = chapter.slug.partition("_")[0].lstrip("0")
        for cell in chapter.cells:
            if cell.kind != "code" or "check_answer" not in cell.source:
                continue
            for call in ast.walk(ast.parse(cell.source)):
                if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("check_answer"):
                    name = ast.literal_eval(call.args[0]) if isinstance(call.args[0], ast.Constant) else None
                    if name not in QUESTIONS or not str(name).startswith(f"{number}."):
                        problems.append(
                            f"{chapter.slug}, line {cell.line}: {ast.unparse(call)[:70]}: "
                            f"answers.yml has no question {number}.x of this name"
                        )
                    asked.add(name)
    problems += [f"answers.yml: no chapter asks {name}" for name in QUESTIONS if name not in asked]
    assert not problems, "\n" + "\n".join(problems)


def test_value_out_of_range_is_an_error():
    with pytest.raises(ValueError, match="expected perplexity within 85 to 125, found 140"):
        check_range(140, low=85, high=125, name="perplexity")


def test_a_chapter_is_as_printed_only_with_its_own_parameters_and_profile():
    values = {"text": "This is a great [MASK].", "top_k": 5, "unrelated": 3}
    assert as_printed("01_fill_mask", values, profile="mini")
    assert not as_printed("01_fill_mask", values, profile="full")
    assert not as_printed("01_fill_mask", values | {"top_k": 4}, profile="mini")


def test_unknown_chapters_and_missing_parameters_are_named():
    with pytest.raises(ValueError, match="chapter must be one of 01_fill_mask, .* got '99_nothing'"):
        as_printed("99_nothing", {}, profile="mini")
    with pytest.raises(ValueError, match="found none called text, top_k"):
        as_printed("01_fill_mask", {}, profile="mini")
