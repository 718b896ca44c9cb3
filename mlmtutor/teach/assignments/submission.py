"""A notebook that a student hands in: read, and marked in a kernel of its own."""

from __future__ import annotations

import re
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import nbformat

from mlmtutor.model.messages import flatten
from mlmtutor.teach.assignments.marks import Mark, mark_exercise, mark_nothing, start_session
from mlmtutor.teach.assignments.notebooks import SET_UP, Edition, write_check
from mlmtutor.teach.assignments.session import Failure, KernelDied, Limits, Session
from mlmtutor.teach.assignments.source import Assignment
from mlmtutor.teach.chapters import LANGUAGES
from mlmtutor.teach.install_cell import MISSING

MOST_BYTES = 50_000_000  # of a file
ANSWER_LINE = re.compile(r"^\s*#\s*exercise\s+(\d+\.\d+)", re.MULTILINE | re.IGNORECASE)


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

    An answer is told by its line ``# exercise 3.1``, wherever an editor put it, and where that is gone by the id of the cell. The
    cells of the assignment itself are left out, since marking has its own; one that the student changed is the student's.

    Raises:
        Unreadable: If it is no notebook.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Unreadable(f"larger than {MOST_BYTES / 1e6:.0f} MB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of cells without ids
            notebook = nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)
        cells = [
            (cell.source.lstrip("\ufeff"), cell.get("id", ""))
            for cell in notebook.cells
            if cell.cell_type == "code"
        ]
        about = notebook.metadata.get("mlmtutor")
    except OSError as error:
        raise Unreadable(str(error.strerror or error)) from None
    except Unreadable:
        raise
    except Exception as error:  # whatever is in the file
        raise Unreadable(flatten(str(error) or type(error).__name__, longest=80)) from None
    known = _list_known(assignment)
    parts = tuple(part for code, cell_id in cells if (part := _read_part(code, cell_id, assignment, known)))
    student = about.get("student") if isinstance(about, dict) else None
    return Submission(parts, student if isinstance(student, str) else None)


def _read_part(code: str, cell_id: str, assignment: Assignment, known: frozenset[str]) -> Part | None:
    if not code.strip() or MISSING in code or code.strip() in known:
        return None
    exercises = {exercise.name: exercise for exercise in assignment.exercises}
    found = ANSWER_LINE.search(code)
    by_id = cell_id.removeprefix("answer-").replace("-", ".")
    for name in (found[1] if found else "", by_id):
        if name in exercises:
            return Part(code, name, is_blank=_strip(code) == _strip(exercises[name].start))
    return Part(code)


def _list_known(assignment: Assignment) -> frozenset[str]:
    """Return the cells of the assignment that students have no reason to change, in both languages."""
    editions = [Edition("", lang, "") for lang in LANGUAGES]
    checks = [write_check(exercise, edition) for exercise in assignment.exercises for edition in editions]
    return frozenset([*(f"{SET_UP}\n{code}".strip() for code in assignment.set_up), *map(str.strip, checks)])


def _strip(code: str) -> list[str]:
    """Return the lines that do something."""
    return [line.rstrip() for line in code.splitlines() if line.strip() and not line.startswith("#")]


@dataclass
class Marking:
    """The marking of one submission.

    Each cell runs, also after one that fails. Before an answer and before its tests the student's numbers are set. An answer may
    take several cells: an exercise earns the most that it was worth after one of them. Where the kernel dies, a fresh one goes on
    with the next exercise.
    """

    assignment: Assignment
    numbers: str  # code that sets the student's numbers
    expected: Sequence[Sequence[Any]]  # what is right, by exercise and test
    lang: str  # of the messages
    limits: Limits
    stop: threading.Event = field(default_factory=threading.Event)  # ends it from another thread
    marks: dict[str, Mark] = field(default_factory=dict, init=False)

    def mark(self, submission: Submission) -> list[Mark]:
        """Run what a student wrote, and return the mark of each exercise.

        Raises:
            RuntimeError: If the set-up of the assignment itself fails.
            Stopped: If it was ended.
        """
        groups = [
            (name, list(parts))
            for name, parts in groupby(_join(submission.parts), key=lambda part: part.exercise)
        ]
        shared = groups.pop(0)[1] if groups and not groups[0][0] else []
        # at the end for an exercise without a cell, whose answer may be in some other one
        groups += [
            (exercise.name, []) for exercise in self.assignment.exercises if exercise.name not in dict(groups)
        ]
        end = None
        while groups:
            with Session(self.limits, self.stop) as session:
                start_session(session, self.assignment, self.numbers)
                end = end or time.monotonic() + self.limits.seconds_all
                session.end_at(end)
                is_shared = True
                try:
                    for part in shared:
                        session.run(part.code)
                    is_shared = False
                    while groups:
                        self._mark_group(session, *groups[0])
                        groups.pop(0)
                except KernelDied as death:
                    lost = groups if is_shared or death.kind == "all" else groups[:1]
                    for name, _ in lost:
                        self._keep(self._mark_nothing(name, death.kind))
                    groups = groups[len(lost) :]
        return [self.marks[exercise.name] for exercise in self.assignment.exercises]

    def _mark_group(self, session: Session, name: str, parts: list[Part]) -> None:
        session.run(self.numbers)
        failure = None
        for part in parts or [Part("")]:
            failure = (session.run(part.code) if part.code else None) or failure
            self._keep(self._mark_now(session, name, parts, failure))

    def _mark_now(self, session: Session, name: str, parts: list[Part], failure: Failure | None) -> Mark:
        """Return what an exercise is worth as things stand in the kernel."""
        (exercise, expected), *_ = [
            (one, values)
            for one, values in zip(self.assignment.exercises, self.expected, strict=True)
            if one.name == name
        ]
        session.run(self.numbers)
        found = session.find([test.value for test in exercise.tests])
        mark = mark_exercise(
            exercise, found, expected, lang=self.lang, failure=failure, seconds=self.limits.seconds_cell
        )
        if mark.points or any(one.is_answer for one in found) or not all(part.is_blank for part in parts):
            return mark
        return self._mark_nothing(name, "blank" if parts else "missing")

    def _mark_nothing(self, name: str, why: str) -> Mark:
        seconds = self.limits.seconds_all if why == "all" else self.limits.seconds_cell
        return mark_nothing(name, why=why, lang=self.lang, seconds=seconds)

    def _keep(self, mark: Mark) -> None:
        """Keep a mark unless the exercise has earned as much already; of equal ones, the later says more."""
        known = self.marks.get(mark.exercise)
        if known is None or mark.points > known.points or (mark.points == known.points and not mark.points):
            self.marks[mark.exercise] = mark


def _join(parts: Iterable[Part]) -> Iterator[Part]:
    """Let a cell that names no exercise belong to the one above it."""
    name = ""
    for part in parts:
        name = part.exercise or name
        yield replace(part, exercise=name)
