"""A class's submissions are marked: each in a kernel of its own, with a table of points and messages."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

import mlmtutor
from mlmtutor.model.messages import show
from mlmtutor.teach.assignments.make import EVERYBODY, INSTRUCTOR, STUDENTS, SUBMISSIONS, read_key
from mlmtutor.teach.assignments.marks import Mark
from mlmtutor.teach.assignments.rows import Row, list_rows
from mlmtutor.teach.assignments.session import Limits
from mlmtutor.teach.assignments.source import PLACES, Assignment, read_assignment
from mlmtutor.teach.assignments.submission import Marking, read_submission
from mlmtutor.teach.files import write_text
from mlmtutor.teach.progress import Progress
from mlmtutor.teach.sources import PACKAGE, Refused
from mlmtutor.teach.sources import PLACES as CHAPTERS
from mlmtutor.teach.sweep import show_time

TABLE, MARKS = "grades.csv", "marks"
BOM = "\ufeff"  # by which spreadsheet programs know that a table is UTF-8


class Gradebook:
    """An assignment, what was handed in, and its marks so far."""

    def __init__(self, folder: Path, submissions: Path | None, *, limits: Limits) -> None:
        self.folder, self.limits = folder, limits
        self.key = read_key(folder)
        self.lang = self.key["about"]["lang"]
        self.submissions = submissions or folder / SUBMISSIONS
        self.assignment = self._read_assignment()
        self.rows = list_rows(self.submissions, self.key["students"], self.assignment, lang=self.lang)
        self._lock, self._stop = threading.Lock(), threading.Event()

    @property
    def num_files(self) -> int:
        """How many files were handed in."""
        return sum(row.path is not None for row in self.rows)

    def load(self) -> int:
        """Take over the marks of submissions that have not changed since; return how many there are."""
        for row in self.rows:
            if row.is_done:
                continue
            try:
                found = json.loads(self._marks_of(row).read_text(encoding="utf-8"))
                if found["key"] == self._make_key(row):
                    row.marks = [
                        Mark(**{**mark, "messages": tuple(mark["messages"])}) for mark in found["marks"]
                    ]
                    row.is_done = True
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return sum(row.is_done and bool(row.marks) for row in self.rows)

    def mark(self, *, num_jobs: int, progress: Progress) -> None:
        """Mark what is left; the table is written after each submission."""
        left = [row for row in self.rows if not row.is_done]
        began, total = time.monotonic(), self.num_files
        done = total - len(left)
        with ThreadPoolExecutor(num_jobs) as pool:
            futures = {pool.submit(self._mark_row, row): row for row in left}
            try:
                for number, future in enumerate(as_completed(futures), start=1):
                    future.result()
                    row = futures[future]
                    seconds = (time.monotonic() - began) / number * (len(left) - number)
                    rest = f"; about {show_time(seconds)} left" if number < len(left) else ""
                    points = f"{row.points} of {self.assignment.points}"
                    progress.keep(f"[{done + number} of {total}] {row.student}: {points}{rest}")
                    self.write()
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def write(self) -> None:
        """Write the table."""
        names = [exercise.name for exercise in self.assignment.exercises]
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["student", "file", "points", "of", *names, "messages"])
        for row in self.rows:
            if row.is_done:
                file = row.path.relative_to(self.submissions).as_posix() if row.path else ""
                earned = {mark.exercise: mark.points for mark in row.marks}
                points = [earned.get(name, 0) for name in names]
                student = row.student if row.student in self.key["students"] else _defuse(row.student)
                table.writerow(
                    [student, _defuse(file), row.points, self.assignment.points, *points, _defuse(row.said)]
                )
        write_text(self.folder / TABLE, BOM + text.getvalue())

    def _read_assignment(self) -> Assignment:
        about = self.key["about"]
        source = self.folder / INSTRUCTOR / f"{about['assignment']}.md"
        try:
            if sha256(source.read_bytes()).hexdigest() == about["source"]:
                return read_assignment(source)
        except OSError as error:
            raise Refused([f"cannot read {show(source)}: {error.strerror or error}"]) from None
        raise Refused(
            [
                f"{show(source)} was changed after the key was made: make the assignment again, in another folder"
            ]
        )

    def _mark_row(self, row: Row) -> None:
        students = self.key["students"]
        copy = students.get(row.student) or students[EVERYBODY]
        own = [self.folder / name for name in (INSTRUCTOR, STUDENTS, MARKS, TABLE)]
        hidden = (*own, self.submissions, PACKAGE / "data" / "answers.yml", *PLACES, *CHAPTERS)
        key = self._make_key(row)
        limits = replace(self.limits, hidden=hidden)
        marking = Marking(self.assignment, copy["numbers"], copy["expected"], self.lang, limits, self._stop)
        marks = marking.mark(read_submission(row.path, self.assignment))
        facts = {"key": key, "marks": [asdict(mark) for mark in marks]}
        with self._lock:
            row.marks, row.is_done = marks, True
            path = self._marks_of(row)
            path.parent.mkdir(exist_ok=True)
            write_text(path, json.dumps(facts, ensure_ascii=False, indent=1) + "\n")

    def _marks_of(self, row: Row) -> Path:
        """Return where the marks of a submission are kept, so that it is not marked again."""
        name = sha256(row.path.relative_to(self.submissions).as_posix().encode()).hexdigest()[:16]
        return self.folder / MARKS / f"{name}.json"

    def _make_key(self, row: Row) -> str:
        """Return a digest of what decides about the marks of a submission."""
        copy = self.key["students"].get(row.student)
        facts = [self.key["about"], row.student, copy, repr(self.limits), mlmtutor.__version__]
        return sha256(json.dumps(facts).encode() + row.path.read_bytes()).hexdigest()


def summarize(rows: Sequence[Row]) -> str:
    """Return in one line how many were marked and what they earned."""
    marked = [row for row in rows if row.marks]
    mean = sum(row.points for row in marked) / len(marked) if marked else 0
    doubtful = sum(bool(row.notes) for row in rows)
    note = f"; look at {doubtful} with a note" if doubtful else ""
    count = f"{len(marked)} submission{'s' if len(marked) != 1 else ''}"
    return f"{count} marked, {mean:.1f} points on average{note}"


def _defuse(cell: object) -> object:
    """Return a cell that no spreadsheet program takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t")) else cell
