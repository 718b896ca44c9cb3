"""What was handed in: whose each file is, and what is doubtful about it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mlmtutor.model.messages import show
from mlmtutor.teach.assignments.make import EVERYBODY
from mlmtutor.teach.assignments.marks import Mark
from mlmtutor.teach.assignments.roster import name_file
from mlmtutor.teach.assignments.source import Assignment
from mlmtutor.teach.assignments.submission import Unreadable, read_submission
from mlmtutor.teach.sources import Refused

SAID = {
    "nothing": {"en": "nothing was handed in", "zh": "没有提交"},
    "unknown": {"en": "not on the roster", "zh": "不在名单里"},
    "twice": {"en": "{count} files are by this student", "zh": "这名学生提交了 {count} 个文件"},
    "other": {"en": "this is the notebook of {student}", "zh": "这是 {student} 的 notebook"},
    "unreadable": {"en": "no notebook: {why}", "zh": "不是 notebook：{why}"},
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


def list_rows(folder: Path, students: Iterable[str], assignment: Assignment, *, lang: str) -> list[Row]:
    """Return a row for each file that was handed in, and for each student without one.

    Args:
        folder: Where the files are, at any depth.
        students: Those on the roster; :data:`EVERYBODY` alone for a class without one.
        assignment: The assignment.
        lang: Language of the notes.

    Raises:
        Refused: If there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise Refused([f"expected a folder with the submissions, found none: {show(folder)}"])
    names = {name_file(student).casefold(): student for student in students if student != EVERYBODY}
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _is_hidden(path.relative_to(folder))
    ]
    if not paths:
        raise Refused([f"expected notebooks in {show(folder)}, found none"])
    rows = [_read(path, path.relative_to(folder), names, assignment, lang) for path in paths]
    count = Counter(row.student for row in rows)
    for row in rows:
        if count[row.student] > 1:
            row.notes.append(SAID["twice"][lang].format(count=count[row.student]))
    missing = [student for student in names.values() if student not in count]
    rows += [Row(student, None, [SAID["nothing"][lang]], is_done=True) for student in missing]
    return sorted(rows, key=lambda row: row.student)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _read(path: Path, relative: Path, names: dict[str, str], assignment: Assignment, lang: str) -> Row:
    own = [
        relative.stem,
        *reversed(relative.parts[:-1]),
    ]  # names of the file and of the folders that it is in
    try:
        made_for = read_submission(path, assignment).made_for
    except Unreadable as error:
        note = SAID["unreadable"][lang].format(why=error)
        return Row(find_student(own, None, names) or own[0], path, [note], is_done=True)
    if not names:  # some platforms give each student a folder
        return Row(own[1] if own[0] == assignment.slug and len(own) > 1 else own[0], path)
    student = find_student(own, made_for, names)
    if student is None:
        return Row(own[0], path, [SAID["unknown"][lang]], is_done=True)
    is_other = made_for and made_for != student
    return Row(student, path, [SAID["other"][lang].format(student=made_for)] if is_other else [])


def find_student(own: Iterable[str], made_for: str | None, names: dict[str, str]) -> str | None:
    """Return the student that a file is by; None if nothing says so.

    Args:
        own: Names of the file and of the folders that it is in. One may be the student's, or have it in front, as learning
            platforms write it: ``ada_1234_homework``.
        made_for: The student that the notebook was made for, which decides where several names fit, or none.
        names: The students, by the name of their files without regard to case.

    Example:
        >>> find_student(["ada_1_homework"], None, {"ada": "Ada", "ada_1": "Ada 1"})
        'Ada 1'
        >>> find_student(["ada_1_homework"], "Ada", {"ada": "Ada", "ada_1": "Ada 1"})
        'Ada'
    """
    own = [unicodedata.normalize("NFC", name).casefold() for name in own]
    for name in own:
        if name in names:
            return names[name]
    starts = [start for start in names if any(name.startswith(f"{start}_") for name in own)]
    fits = [names[start] for start in sorted(starts, key=len, reverse=True)]
    if made_for in (fits or names.values()):
        return made_for
    return fits[0] if fits else None
