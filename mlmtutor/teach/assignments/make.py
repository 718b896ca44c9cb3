"""An assignment is made: a notebook for each student, one with the answers beside it, and the key by which it is marked."""

from __future__ import annotations

import json
import math
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from mlmtutor.model.messages import show
from mlmtutor.teach.assignments import nbgrader, otter
from mlmtutor.teach.assignments.marks import find_expected, start_session
from mlmtutor.teach.assignments.notebooks import Edition, compose_answered, compose_blank
from mlmtutor.teach.assignments.roster import name_file
from mlmtutor.teach.assignments.session import Limits, Session
from mlmtutor.teach.assignments.source import Assignment
from mlmtutor.teach.assignments.variants import draw_numbers, set_numbers
from mlmtutor.teach.files import write_text
from mlmtutor.teach.sources import Refused

EVERYBODY = ""  # whose numbers a class without a roster gets
KEY = "key.json"
STUDENTS, INSTRUCTOR, SUBMISSIONS = "students", "instructor", "submissions"  # folders
SECONDS_ANSWER = 600.0  # that a worked answer may take
MOST_DRAWS = 20  # of numbers for one student


@dataclass(frozen=True)
class Order:
    """What is to be made."""

    source: Path
    title: str  # of the chapter
    lang: str
    seed: int
    form: str  # "plain", "nbgrader" or "otter"
    students: tuple[str, ...] = (EVERYBODY,)
    requirement: str | None = None  # what pip is asked for in Colab

    def describe(self) -> dict[str, Any]:
        """Return what all copies have in common."""
        return {
            "assignment": self.source.stem,
            "source": sha256(self.source.read_bytes()).hexdigest(),
            "lang": self.lang,
            "seed": self.seed,
            "format": self.form,
            "install": self.requirement,
        }


def make_assignment(
    assignment: Assignment, order: Order, folder: Path, *, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Write the notebooks and the key of an assignment into a folder.

    The same order again writes what is missing. More students are added; those who are there keep numbers and notebooks.

    Args:
        assignment: The assignment.
        order: What is to be made.
        folder: Where; it is made if it is not there.
        tell: Is called with what happens now.

    Returns:
        The key.

    Raises:
        Refused: If another assignment lies in the folder, or it cannot be written to.
        RuntimeError: If a worked answer fails on this machine.
    """
    about = order.describe()
    earlier = read_key(folder) if (folder / INSTRUCTOR / KEY).exists() else {"about": about, "students": {}}
    if earlier["about"] != about:
        changed = ", ".join(name for name in about if earlier["about"].get(name) != about[name])
        raise Refused(
            [
                f"another assignment is in {show(folder)} (its {changed} differ): choose another folder with --out"
            ]
        )
    if gone := set(earlier["students"]) - set(order.students):
        raise Refused(
            [
                f"{show(folder)} was made for {len(gone)} students more, such as {show(min(gone))}: choose another folder"
            ]
        )
    tell("the worked answers are run")
    copies = _find_copies(assignment, order, tell)
    key = {"about": about, "students": copies}
    try:
        for part in (INSTRUCTOR, *([STUDENTS, SUBMISSIONS] if order.form == "plain" else [])):
            (folder / part).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(order.source, folder / INSTRUCTOR / order.source.name)
        for student, copy in copies.items():
            edition = Edition(order.title, order.lang, copy["numbers"], student, order.requirement)
            name = f"{name_file(student) if student else assignment.slug}.ipynb"
            if order.form == "plain":
                _write_new(folder / STUDENTS / name, compose_blank(assignment, edition))
            _write(folder / INSTRUCTOR / name, compose_answered(assignment, edition, copy["expected"]))
        if order.form == "nbgrader":
            _write_new(
                folder / "source" / assignment.slug / name,
                nbgrader.compose_source(assignment, edition, copy["expected"]),
            )
            write_text(folder / "nbgrader_config.py", nbgrader.CONFIG)
        elif order.form == "otter":
            _write_new(folder / name, otter.compose_master(assignment, edition, copy["expected"]))
        write_text(folder / INSTRUCTOR / KEY, json.dumps(key, ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise Refused([f"cannot write to {show(folder)}: {error.strerror or error}"]) from None
    return key


def read_seed(folder: Path) -> int:
    """Return the seed of the assignment in a folder; draw one, which nobody can guess, if there is none yet."""
    if (folder / INSTRUCTOR / KEY).exists():
        seed = read_key(folder)["about"].get("seed")
        if isinstance(seed, int):
            return seed
    return secrets.randbelow(2**31)


def read_key(folder: Path) -> dict[str, Any]:
    """Return the key of an assignment.

    Raises:
        Refused: If there is none in the folder, or what is there is not one.
    """
    path = folder / INSTRUCTOR / KEY
    try:
        key = json.loads(path.read_text(encoding="utf-8"))
        if not {"assignment", "source", "lang"} <= key["about"].keys() or not isinstance(
            key["students"], dict
        ):
            raise ValueError
    except OSError as error:
        raise Refused(
            [
                f"cannot read {show(path)}: {error.strerror or error}; expected a folder that `mlmtutor assignment` made"
            ]
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused([f"expected the key of an assignment in {show(path)}, found something else"]) from None
    return key


def _find_copies(
    assignment: Assignment, order: Order, tell: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Return numbers and right answers for each student; nobody's right answers are all those of the source."""
    copies = {}
    with Session(Limits(seconds_cell=SECONDS_ANSWER, seconds_all=math.inf)) as session:
        start_session(session, assignment)
        book = find_expected(session, assignment, assignment.numbers)
        for number, student in enumerate(order.students, start=1):
            tell(f"the worked answers are run, {number} of {len(order.students)}")
            copies[student] = _draw_copy(session, assignment, order, student, book)
    return copies


def _draw_copy(
    session: Session, assignment: Assignment, order: Order, student: str, book: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    for attempt in range(MOST_DRAWS):
        drawn = draw_numbers(assignment, student=student, seed=order.seed, attempt=attempt)
        numbers = set_numbers(assignment.numbers, drawn)
        expected = find_expected(session, assignment, numbers)
        if all(values != known for values, known in zip(expected, book, strict=True)):
            return {"numbers": numbers, "expected": expected}
    raise RuntimeError(
        f"no numbers were found in {MOST_DRAWS} draws whose answers differ from those of the source"
    )


def _write_new(path: Path, notebook: NotebookNode) -> None:
    """Write a notebook that people work in, unless it is there."""
    if not path.exists():
        _write(path, notebook)


def _write(path: Path, notebook: NotebookNode) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, nbformat.writes(notebook) + "\n")
