"""What an answer earns, and what to say to it in the student's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlmtutor.exercises import means
from mlmtutor.model.messages import flatten
from mlmtutor.teach.assignments.session import Failure, Found, KernelDied, Session
from mlmtutor.teach.assignments.source import Assignment, Exercise

SAID = {
    "blank": {"en": "not answered", "zh": "没有作答"},
    "wrong": {"en": "not {shown}: {hint}", "zh": "{shown} 不对：{hint}"},
    "time": {"en": "took longer than {seconds:g} s", "zh": "运行超过 {seconds:g} 秒"},
    "all": {
        "en": "the notebook as a whole took longer than {seconds:g} s",
        "zh": "整个 notebook 运行超过 {seconds:g} 秒",
    },
    "death": {
        "en": "the kernel ended before this answer was there",
        "zh": "还没有得到这个答案，内核就结束了",
    },
    "missing": {
        "en": "no cell begins with `# exercise {name}`",
        "zh": "没有以 `# exercise {name}` 开头的单元格",
    },
}

SECONDS_SET_UP = 600.0  # of the assignment itself, on any machine


@dataclass(frozen=True)
class Mark:
    """What one exercise earned."""

    exercise: str
    points: int
    messages: tuple[str, ...] = ()


def mark_exercise(
    exercise: Exercise,
    found: Sequence[Found],
    expected: Sequence[Any],
    *,
    lang: str,
    failure: Failure | None = None,
    seconds: float = 0,
) -> Mark:
    """Compare what was found with what is right.

    Args:
        exercise: The exercise.
        found: The value of each of its tests.
        expected: The value of each with the worked answer.
        lang: Language of the messages.
        failure: How the cell with the answer failed, if it did.
        seconds: How long a cell may take.
    """
    points, messages = 0, []
    for test, one, right in zip(exercise.tests, found, expected, strict=True):
        if (
            one.failure is None
            and one.is_answer
            and means(one.value, right, is_share=test.is_share, any_order=test.any_order)
        ):
            points += test.points
        else:
            messages.append(_explain(one, test.hint[lang], lang=lang, failure=failure, seconds=seconds))
    return Mark(exercise.name, points, tuple(dict.fromkeys(messages)))


def mark_nothing(exercise: str, *, why: str, lang: str, seconds: float = 0) -> Mark:
    """Mark an exercise whose answer never came; `why` is a key of what is said."""
    return Mark(exercise, 0, (SAID[why][lang].format(name=exercise, seconds=seconds),))


def find_expected(session: Session, assignment: Assignment, numbers: str) -> list[list[Any]]:
    """Return the values of all tests with the worked answers, by exercise.

    Args:
        session: A kernel in which the assignment's set-up has run.
        assignment: The assignment.
        numbers: The code that sets the student's numbers.

    Raises:
        RuntimeError: If a worked answer fails.
    """
    expected = []
    for exercise in assignment.exercises:
        try:
            for code in (numbers, exercise.answer):
                if failure := session.run(code):
                    raise RuntimeError(
                        f"the worked answer to {exercise.name} fails: {failure.text or failure.kind}"
                    )
            found = session.find([test.value for test in exercise.tests])
        except KernelDied:
            raise RuntimeError(f"the kernel died in the worked answer to {exercise.name}") from None
        for test, one in zip(exercise.tests, found, strict=True):
            if one.failure or one.value is None:
                raise RuntimeError(f"{exercise.name}: {test.value} has no value: {one.failure or one.shown}")
        expected.append([one.value for one in found])
    return expected


def start_session(session: Session, assignment: Assignment, numbers: str = "") -> None:
    """Run what all exercises need, then forbid what a notebook that is marked may not do.

    Args:
        session: A fresh kernel.
        assignment: The assignment.
        numbers: Code that sets the numbers of a student.

    Raises:
        RuntimeError: If that fails here, so that nobody's notebook could be marked.
    """
    for code in (*assignment.set_up, numbers):
        try:
            failure = session.run(code, seconds=SECONDS_SET_UP)
        except KernelDied:
            failure = Failure("death", "the kernel died")
        if failure:
            raise RuntimeError(
                f"the set-up of {assignment.slug} fails on this machine: {failure.text or failure.kind}"
            )
    session.watch()


def _explain(one: Found, hint: str, *, lang: str, failure: Failure | None, seconds: float) -> str:
    first = failure or one.failure
    if first is not None and (one.failure is not None or not one.is_answer):
        return (
            SAID["time"][lang].format(seconds=seconds)
            if first.kind == "time"
            else flatten(first.text, longest=200)
        )
    if not one.is_answer:
        return SAID["blank"][lang]
    return SAID["wrong"][lang].format(shown=one.shown, hint=hint)
