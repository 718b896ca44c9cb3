"""The commands for exercises that grade themselves: hand out, and mark what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes, Positional

from mlmtutor.model.messages import show
from mlmtutor.teach.sources import Refused

Chosen = Positional[Annotated[str, tyro.conf.arg(metavar="CHAPTER")]]
Folder = Positional[Annotated[Path, tyro.conf.arg(metavar="DIR")]]
Out = Annotated[str, tyro.conf.arg(aliases=["-o"], metavar="DIR")]
Roster = Annotated[Path | None, tyro.conf.arg(metavar="ROSTER.CSV")]
MOST_JOBS = 64


@dataclass(frozen=True)
class AssignmentOptions:
    """Which exercises, for whom, and in which form."""

    chapter: Chosen  # 03_chunking, chunking or 3
    out: Out = ""  # folder for the notebooks; CHAPTER-assignment if it is left out
    students: Roster = None  # table of students, each of whom gets numbers of their own
    encoding: str = ""  # of the roster, where it is not UTF-8, such as gb18030
    seed: int | None = None  # of the numbers; drawn, and kept with the key, if it is left out
    lang: Literal["en", "zh"] = "en"  # language of tasks and messages
    format: Literal["plain", "nbgrader", "otter"] = "plain"  # plain: marked by `mlmtutor grade`
    install: Annotated[str, tyro.conf.arg(metavar="REQUIREMENT")] = ""  # what pip is asked for in Colab
    traceback: bool = False  # show where an error came from


@dataclass(frozen=True)
class GradeOptions:
    """What is marked, and what a submission may use."""

    folder: Folder  # as `mlmtutor assignment` made it
    submissions: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = (
        None  # notebooks; DIR/submissions if left out
    )
    jobs: Annotated[int, tyro.conf.arg(aliases=["-j"])] = 1  # submissions at the same time
    seconds: float = 60.0  # that a cell may take; all cells of a submission may take ten times as long
    memory: float = 4.0  # GB that a submission may use
    traceback: bool = False  # show where an error came from


def assignment(settings: FlagCreatePairsOff[OmitArgPrefixes[AssignmentOptions]]) -> None:
    """Make the exercises of a chapter to hand out, with answers and tests for the instructor.

    The same command again makes the same; with students added, those who are there keep their numbers.
    """
    from mlmtutor.teach.assignments.make import (
        EVERYBODY,
        INSTRUCTOR,
        STUDENTS,
        SUBMISSIONS,
        Order,
        make_assignment,
        read_seed,
    )
    from mlmtutor.teach.assignments.roster import read_roster
    from mlmtutor.teach.assignments.source import find_assignment, read_assignment
    from mlmtutor.teach.chapters import read_chapter
    from mlmtutor.teach.commands import require_packages
    from mlmtutor.teach.install_cell import find_requirement
    from mlmtutor.teach.progress import Progress
    from mlmtutor.teach.sources import find_source

    require_packages()
    source = find_assignment(settings.chapter)
    if settings.encoding and not settings.students:
        raise Refused(["--encoding is that of a roster: give --students as well"])
    if settings.students and settings.format != "plain":
        raise Refused(
            [
                f"{settings.format} hands out the same notebook to everybody: leave --students out, or use --format plain"
            ]
        )
    students = (
        tuple(read_roster(settings.students, encoding=settings.encoding or None))
        if settings.students
        else (EVERYBODY,)
    )
    found = read_assignment(source)
    title = read_chapter(find_source(source.stem)).title(settings.lang)
    folder = Path(settings.out or f"{source.stem}-assignment")
    order = Order(
        source,
        title,
        settings.lang,
        read_seed(folder) if settings.seed is None else settings.seed,
        settings.format,
        students,
        settings.install or find_requirement(),
    )
    progress = Progress()
    try:
        make_assignment(found, order, folder, tell=progress.show)
    finally:
        progress.close()
    what = f"{len(found.exercises)} exercises, {found.points} points"
    if settings.format == "plain":
        whom = f"{len(students)} students" if settings.students else "everybody the same"
        print(f"{what}, {whom}: {show(folder / STUDENTS)}")
        print(f"answers and tests, for you alone: {show(folder / INSTRUCTOR)}")
        print(f"put what comes back into {show(folder / SUBMISSIONS)}, then: mlmtutor grade {show(folder)}")
    elif settings.format == "nbgrader":
        print(f"{what}: {show(folder)}; in that folder: nbgrader generate_assignment {source.stem}")
    else:
        print(f"{what}: {show(folder)}; in that folder: otter assign {source.stem}.ipynb dist")
    if order.requirement is None:
        print("students need mlmtutor installed; --install adds the command for Colab")


def grade(settings: FlagCreatePairsOff[OmitArgPrefixes[GradeOptions]]) -> None:
    """Mark what students handed in; write points and messages into grades.csv.

    The same command again marks what is new or was changed.
    """
    from filelock import FileLock, Timeout

    from mlmtutor.teach.assignments.grade import TABLE, Gradebook, summarize
    from mlmtutor.teach.assignments.session import Limits
    from mlmtutor.teach.commands import require_packages
    from mlmtutor.teach.progress import Progress

    require_packages()
    if not 1 <= settings.jobs <= MOST_JOBS:
        raise Refused([f"jobs must be in [1, {MOST_JOBS}], got {settings.jobs}"])
    if not settings.seconds > 0:
        raise Refused([f"seconds must be above 0, got {settings.seconds:g}"])
    if not settings.memory >= 1:
        raise Refused([f"memory must be at least 1 GB, which the libraries need, got {settings.memory:g}"])
    limits = Limits(
        seconds_cell=settings.seconds,
        seconds_all=10 * settings.seconds,
        bytes_memory=int(settings.memory * 1e9),
    )
    book = Gradebook(settings.folder, settings.submissions, limits=limits)
    progress = Progress()
    try:
        with FileLock(settings.folder / ".lock", timeout=0):
            if num_done := book.load():
                progress.keep(f"{num_done} of {book.num_files} are marked already")
            book.mark(num_jobs=settings.jobs, progress=progress)
            book.write()
    except Timeout:
        raise Refused([f"another command marks {show(settings.folder)}"]) from None
    except KeyboardInterrupt as stop:
        raise type(stop)("stopped; the same command goes on where it broke off") from None
    finally:
        progress.close()
    print(f"{summarize(book.rows)}: {show(settings.folder / TABLE)}")
