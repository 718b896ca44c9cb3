"""A notebook that a student hands in: read, and marked in a kernel of its own."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from mlmtutor.model.messages import flatten
from mlmtutor.teach.assignments.marks import Mark, mark_exercise, mark_nothing, start_session
from mlmtutor.teach.assignments.notebooks import ANSWER, CHECK, NUMBERS, SET_UP
from mlmtutor.teach.assignments.session import Failure, KernelDied, Limits, Session
from mlmtutor.teach.assignments.source import Assignment, Exercise
from mlmtutor.teach.install_cell import MISSING

MOST_BYTES = 50_000_000  # of a file


class Unreadable(ValueError):
    """A file that is no notebook."""


@dataclass(frozen=True)
class Part:
    """One code cell of a submission."""

    code: str
    exercise: str = ""  # the exercise that it answers
    is_blank: bool = False  # as it was handed out


@dataclass(frozen=True)
class Submission:
    """What a student handed in."""

    parts: tuple[Part, ...]
    made_for: str | None  # the student whose numbers are in it, if it says so


def read_submission(path: Path, assignment: Assignment) -> Submission:
    """Read the code that a student wrote.

    Cells are told by their first line, and where that was changed by their id. The cells of the assignment itself are left
    out, since marking has its own; one that the student changed is the student's.

    Raises:
        Unreadable: If it is no notebook.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Unreadable(f"larger than {MOST_BYTES / 1e6:.0f} MB")
        notebook = nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        parts = tuple(part for cell in cells if (part := _read_part(cell, assignment)))
    except OSError as error:
        raise Unreadable(str(error.strerror or error)) from None
    except Unreadable:
        raise
    except Exception as error:  # whatever is in the file
        raise Unreadable(flatten(str(error) or type(error).__name__, longest=80)) from None
    about = notebook.metadata.get("mlmtutor")
    student = about.get("student") if isinstance(about, dict) else None
    return Submission(parts, student if isinstance(student, str) else None)


def _read_part(cell: nbformat.NotebookNode, assignment: Assignment) -> Part | None:
    code = cell.source
    first = code.lstrip().partition("\n")[0].strip()
    exercises = {exercise.name: exercise for exercise in assignment.exercises}
    found = re.match(rf"{ANSWER} ([\w.]+)", first)
    by_id = cell.get("id", "").removeprefix("answer-").replace("-", ".")
    for name in (found[1] if found else "", by_id):
        if name in exercises:
            return Part(code, name, is_blank=_strip(code) == _strip(exercises[name].start))
    if first.startswith((NUMBERS, CHECK)) or MISSING in code or not code.strip():
        return None
    if first.startswith(SET_UP) and code.partition("\n")[2].strip() in {
        one.strip() for one in assignment.set_up
    }:
        return None
    return Part(code)


def _strip(code: str) -> list[str]:
    """Return the lines that do something."""
    return [line.rstrip() for line in code.splitlines() if line.strip() and not line.startswith("#")]


def mark_submission(
    submission: Submission,
    assignment: Assignment,
    *,
    numbers: str,
    expected: Sequence[Sequence[Any]],
    lang: str,
    limits: Limits,
    stop: threading.Event | None = None,
) -> list[Mark]:
    """Run what a student wrote, and mark it.

    Each cell runs, also after one that fails. Before an answer the student's numbers are set; an exercise is marked when the next
    one begins, so that an answer may take several cells.

    Args:
        submission: What was handed in.
        assignment: The assignment.
        numbers: Code that sets the student's numbers.
        expected: What is right, by exercise and test.
        lang: Language of the messages.
        limits: What the notebook may use.
        stop: Ends it from another thread.

    Returns:
        The mark of each exercise.

    Raises:
        Stopped: If it was ended.
    """
    marks: dict[str, Mark] = {}
    failures: dict[str, Failure] = {}
    exercises = {exercise.name: exercise for exercise in assignment.exercises}
    right = dict(zip(exercises, expected, strict=True))
    there = {part.exercise for part in submission.parts}
    current, why = None, ""

    def mark(name: str) -> None:
        exercise: Exercise = exercises[name]
        found = session.find([test.value for test in exercise.tests])
        marks[name] = mark_exercise(
            exercise, found, right[name], lang=lang, failure=failures.get(name), seconds=limits.seconds_cell
        )
        if not marks[name].points and all(
            part.is_blank for part in submission.parts if part.exercise == name
        ):
            marks[name] = mark_nothing(exercise, why="blank" if name in there else "missing", lang=lang)

    with Session(limits, stop or threading.Event()) as session:
        start_session(session, assignment, numbers)
        try:
            for part in submission.parts:
                if part.exercise and part.exercise != current:
                    if current:
                        mark(current)
                    current = part.exercise
                    session.run(numbers)
                if (failure := session.run(part.code)) and current:
                    failures[current] = failure
            if current:
                mark(current)
            for name in exercises:
                if name not in marks:
                    mark(name)
        except KernelDied as death:
            why = "all" if death.kind == "time" else death.kind
    return [
        marks.get(name) or mark_nothing(exercise, why=why, lang=lang, seconds=limits.seconds_all)
        for name, exercise in exercises.items()
    ]
