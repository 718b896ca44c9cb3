"""The list of students: any table of comma-separated values that a person or an office program writes."""

from __future__ import annotations

import csv
import re
import unicodedata
from pathlib import Path

from mlmtutor.model.messages import flatten, show
from mlmtutor.teach.sources import Refused
from mlmtutor.texts.decoding import decode_text

# names of the column that tells students apart, the best first
COLUMNS = ("student_id", "id_number", "student", "students", "id", "学号", "username", "user", "login", "用户名", "email", "e_mail",
           "email_address", "邮箱", "name", "student_name", "full_name", "姓名", "学生")  # fmt: skip
SEPARATORS = ",;\t"
LONGEST_NAME = 200  # bytes, of a file


def read_roster(path: Path, *, encoding: str | None = None) -> list[str]:
    """Return what tells students apart, in the order of the file.

    Args:
        path: A table with a line of column names, one of which is among :data:`COLUMNS`; or one name a line.
        encoding: Of the file, where it is not UTF-8.

    Raises:
        Refused: If the file cannot be read, nobody is in it, or somebody is in it twice.
    """
    try:
        text, _ = decode_text(path.read_bytes(), place=show(path), encoding=encoding)
    except OSError as error:
        raise Refused([f"cannot read the roster {show(path)}: {error.strerror or error}"]) from None
    except ValueError as error:
        raise Refused([f"cannot read the roster: {error}"]) from None
    lines = text.lstrip("\ufeff").splitlines()
    filled = [line for line in lines if line.strip()]
    if not filled:
        raise Refused([f"expected one student a line in {show(path)}, found none"])
    separator = max(SEPARATORS, key=filled[0].count)
    rows = [
        (number, row)
        for number, row in enumerate(csv.reader(lines, delimiter=separator), start=1)
        if any(row)
    ]
    place, rows = _find_column(rows, path)
    problems, students, taken = [], [], {}
    for number, row in rows:
        student = unicodedata.normalize("NFC", row[place].strip()) if place < len(row) else ""
        if not student:
            problems.append(f"{show(path)}, line {number}: expected a student, found none")
            continue
        key = name_file(student).casefold()
        if key in taken:
            problems.append(
                f"{show(path)}, line {number}: {flatten(student)} is in line {taken[key]} already"
            )
        taken.setdefault(key, number)
        students.append(student)
    if problems:
        raise Refused(problems[:10])
    if not students:
        raise Refused([f"expected students below the column names in {show(path)}, found none"])
    return students


def name_file(student: str) -> str:
    """Return the name of a student's file, without its ending.

    Example:
        >>> name_file("2024/017"), name_file("王 五"), name_file("../key")
        ('2024-017', '王 五', '-key')
    """
    name = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]+', "-", unicodedata.normalize("NFC", student)).strip(" .")
    return name.encode()[:LONGEST_NAME].decode(errors="ignore").strip() or "-"


def _find_column(rows: list[tuple[int, list[str]]], path: Path) -> tuple[int, list[tuple[int, list[str]]]]:
    """Return the place of the column that tells students apart, and the rows below the names of the columns."""
    head = [re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in rows[0][1]]
    for column in COLUMNS:
        if column in head:
            return head.index(column), rows[1:]
    if max(len(row) for _, row in rows) > 1:
        raise Refused(
            [
                f"expected a column such as student, id, email, 学号 in {show(path)}, found {flatten(', '.join(rows[0][1]))}"
            ]
        )
    return 0, rows
