"""A class's submissions are marked: each in a kernel of its own, with a table of points and messages."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from mlmtutor.model.messages import show
from mlmtutor.teach.assignments.make import EVERYBODY, INSTRUCTOR, SUBMISSIONS, read_key
from mlmtutor.teach.assignments.marks import Mark
from mlmtutor.teach.assignments.roster import name_file
from mlmtutor.teach.assignments.session import Limits
from mlmtutor.teach.assignments.source import PLACES, Assignment, read_assignment
from mlmtutor.teach.assignments.submission import Unreadable, mark_submission, read_submission
from mlmtutor.teach.files import write_text
from mlmtutor.teach.progress import Progress
from mlmtutor.teach.sources import PACKAGE, Refused
from mlmtutor.teach.sources import PLACES as CHAPTERS
from mlmtutor.teach.sweep import show_time

TABLE, MARKS = "grades.csv", "marks"
BOM = "\ufeff"  # by which spreadsheet programs know that a table is UTF-8
SAID = {
    "nothing": {"en": "nothing was handed in", "zh": "没有提交"},
    "unknown": {"en": "not on the roster", "zh": "不在名单里"},
    "twice": {"en": "{count} files are by this student", "zh": "这名学生提交了 {count} 个文件"},
    "other": {"en": "this is the notebook of {student}", "zh": "这是 {student} 的笔记本"},
    "unreadable": {"en": "no notebook: {why}", "zh": "不是笔记本：{why}"},
}


@dataclass
class Row:
    """One submission, or one student without."""

    student: str
    path: Path | None = None
    notes: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    is_done: bool = False

    @property
    def points(self) -> int:
        """The sum over the exercises."""
        return sum(mark.points for mark in self.marks)

    @property
    def said(self) -> str:
        """All messages in one line."""
        parts = [f"{mark.exercise}: {'; '.join(mark.messages)}" for mark in self.marks if mark.messages]
        return " | ".join([*self.notes, *parts])


class Gradebook:
    """An assignment, what was handed in, and its marks so far."""

    def __init__(self, folder: Path, submissions: Path | None, *, limits: Limits) -> None:
        self.folder, self.limits = folder, limits
        self.key = read_key(folder)
        self.lang = self.key["about"]["lang"]
        self.submissions = submissions or folder / SUBMISSIONS
        self.assignment = self._read_assignment()
        self.rows = self._list_rows()
        self._lock, self._stop = threading.Lock(), threading.Event()

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
        began, total = time.monotonic(), sum(row.path is not None for row in self.rows)
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
                cells = [row.student, file, row.points, self.assignment.points, *points, row.said]
                table.writerow([_defuse(cell) for cell in cells])
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

    def _list_rows(self) -> list[Row]:
        """Return a row for each file, and for each student without one."""
        if not self.submissions.is_dir():
            raise Refused([f"expected a folder with the submissions, found none: {show(self.submissions)}"])
        students = self.key["students"]
        by_name = {name_file(student).casefold(): student for student in students if student != EVERYBODY}
        rows = []
        for path in sorted(path for path in self.submissions.rglob("*") if path.is_file()):
            relative = path.relative_to(self.submissions)
            if any(part.startswith(".") for part in relative.parts):
                continue
            row = Row(self._find_student(relative, by_name), path)
            self._read(row, by_name)
            rows.append(row)
        if not rows:
            raise Refused([f"expected notebooks in {show(self.submissions)}, found none"])
        count = Counter(row.student for row in rows)
        for row in rows:
            if count[row.student] > 1:
                row.notes.append(SAID["twice"][self.lang].format(count=count[row.student]))
        for student in students:
            if student != EVERYBODY and student not in count:
                rows.append(Row(student, None, [SAID["nothing"][self.lang]], is_done=True))
        return sorted(rows, key=lambda row: row.student)

    def _find_student(self, relative: Path, by_name: dict[str, str]) -> str:
        """Return the student whose name the file or one of its folders has; without a roster, the file's own."""
        stems = [relative.stem, *reversed(relative.parts[:-1])]
        for stem in stems:
            if student := by_name.get(stem.casefold()):
                return student
        # the files that learning platforms hand out have the name in front: ada_1234_homework.ipynb
        starts = [name for name in by_name if any(stem.casefold().startswith(f"{name}_") for stem in stems)]
        if starts:
            return by_name[max(starts, key=len)]
        return relative.stem

    def _read(self, row: Row, by_name: dict[str, str]) -> None:
        """Look at a file, and say what is doubtful about it."""
        try:
            made_for = read_submission(row.path, self.assignment).made_for
        except Unreadable as error:
            row.notes.append(SAID["unreadable"][self.lang].format(why=error))
            row.is_done = True
            return
        if by_name and row.student not in self.key["students"]:
            if made_for in self.key["students"]:
                row.student = made_for
            else:
                row.notes.append(SAID["unknown"][self.lang])
                row.is_done = True
        elif made_for and made_for != row.student:
            row.notes.append(SAID["other"][self.lang].format(student=made_for))

    def _mark_row(self, row: Row) -> None:
        copy = self.key["students"].get(row.student) or self.key["students"][EVERYBODY]
        places = (self.folder, self.submissions, PACKAGE / "data" / "answers.yml", *PLACES, *CHAPTERS)
        limits = Limits(**{**vars(self.limits), "hidden": places})
        marks = mark_submission(
            read_submission(row.path, self.assignment),
            self.assignment,
            numbers=copy["numbers"],
            expected=copy["expected"],
            lang=self.lang,
            limits=limits,
            stop=self._stop,
        )
        facts = {"key": self._make_key(row), "marks": [asdict(mark) for mark in marks]}
        with self._lock:
            row.marks, row.is_done = marks, True
            path = self._marks_of(row)
            path.parent.mkdir(exist_ok=True)
            write_text(path, json.dumps(facts, ensure_ascii=False, indent=1) + "\n")

    def _marks_of(self, row: Row) -> Path:
        """Return where the marks of a submission are kept, so that it is not marked again."""
        name = sha256(str(row.path.resolve()).encode()).hexdigest()[:16]
        return self.folder / MARKS / f"{name}.json"

    def _make_key(self, row: Row) -> str:
        """Return a digest of what decides about the marks of a submission."""
        limits: dict[str, Any] = {**vars(self.limits), "hidden": ""}
        facts = [self.key["about"], row.student, self.key["students"].get(row.student), limits]
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
