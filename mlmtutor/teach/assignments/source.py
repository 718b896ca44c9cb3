"""The source of an assignment: exercises with their answers, in both languages, and how each is marked.

``book/assignments/NN_slug.md`` is written like a chapter, with these cells:

- code tagged ``set-up``: what all exercises need; the same for everybody;
- code tagged ``numbers``: what differs from one student to the next. ``:vary:`` gives the values that may be drawn for each name,
  a list or ``"lowest..highest"``; the value in the source is that of the book's own copy, which no student gets;
- for each exercise the task in both languages, which begins with ``**1.**``; code tagged ``start``, which students fill in; code
  tagged ``answer``; and a raw cell tagged ``marking``, in YAML: under ``form`` what students can see about the form of an answer, each
  with the expression that ``holds`` and what it says in both languages; under ``tests`` expressions whose ``value`` must be that of
  the worked answer, each with a hint in both languages that does not give it away, with ``points`` (1), ``is_share`` and
  ``any_order`` as in :func:`mlmtutor.exercises.means`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlmtutor.teach.chapters import LANGUAGES, Cell, Chapter, ChapterError, list_sources, read_chapter
from mlmtutor.teach.han import join_han_lines
from mlmtutor.teach.sources import PACKAGE, choose_chapter

# where the sources may lie: in an installed package, or beside it in a clone
PLACES = (PACKAGE / "assignments", PACKAGE.parent / "book" / "assignments")
ROLES = ("set-up", "numbers", "start", "answer", "marking")  # tags, in the order of the cells
Words = dict[str, str]  # the same in each language


@dataclass(frozen=True)
class Form:
    """Something that students can see about the form of an answer."""

    holds: str  # an expression that is true of a well-formed answer
    words: Words  # what it says


@dataclass(frozen=True)
class Test:
    """An expression whose value must be that of the worked answer."""

    value: str
    hint: Words
    points: int = 1
    is_share: bool = False
    any_order: bool = False


@dataclass(frozen=True)
class Exercise:
    """A task with its answer."""

    name: str  # by chapter and number, such as "3.1"
    task: Words
    start: str  # what students fill in
    answer: str
    form: tuple[Form, ...]
    tests: tuple[Test, ...]

    @property
    def points(self) -> int:
        """What a right answer earns."""
        return sum(test.points for test in self.tests)

    @property
    def names(self) -> list[str]:
        """The names that are ``...`` before an answer is given."""
        return [
            node.targets[0].id
            for node in ast.parse(self.start).body
            if isinstance(node, ast.Assign) and getattr(node.value, "value", None) is ...
        ]


@dataclass(frozen=True)
class Assignment:
    """Some exercises to a chapter."""

    slug: str  # of the chapter
    set_up: tuple[str, ...]
    numbers: str  # code with the values of the book's own copy
    vary: dict[str, list[Any]]  # the values that may be drawn, by name; never the one of the source
    exercises: tuple[Exercise, ...] = field(default=())

    @property
    def points(self) -> int:
        """What all right answers earn."""
        return sum(exercise.points for exercise in self.exercises)


def find_assignment(name: str) -> Path:
    """Return the source of the assignment to a chapter.

    Args:
        name: The chapter: ``03_chunking``, or a part of it: ``chunking``, ``03``, ``3``.

    Raises:
        FileNotFoundError: If the sources are not there.
        Refused: If there is no such chapter, or none with exercises.
    """
    for folder in PLACES:
        if sources := {path.stem: path for path in list_sources(folder)}:
            return sources[choose_chapter(name, sources)]
    raise FileNotFoundError(f"expected the sources of the assignments in {PLACES[0]}, found none")


def read_assignment(path: Path) -> Assignment:
    """Read the source of an assignment.

    Raises:
        ChapterError: If it is not as the head of this module says; the message names file and line.
    """
    chapter = read_chapter(path, kinds=("code", "markdown", "raw"))
    number = path.stem.partition("_")[0].lstrip("0")
    cells = list(chapter.cells)
    set_up, numbers, exercises = [], None, []
    while cells and _role(chapter, cells[0]) == "set-up":
        set_up.append(cells.pop(0).source)
    if cells and _role(chapter, cells[0]) == "numbers":
        numbers = cells.pop(0)
    while cells:
        group, cells = cells[:5], cells[5:]
        kinds = [cell.lang or _role(chapter, cell) for cell in group]
        if kinds != [*LANGUAGES, "start", "answer", "marking"]:
            raise ChapterError(
                f"{chapter.at(group[0])}: expected a task in both languages, a start, an answer and its marking, "
                f"got {', '.join(map(str, kinds))}"
            )
        exercises.append(_read_exercise(chapter, group, name=f"{number}.{len(exercises) + 1}"))
    return Assignment(
        slug=path.stem,
        set_up=tuple(set_up),
        numbers=numbers.source if numbers else "",
        vary=_read_vary(chapter, numbers) if numbers else {},
        exercises=tuple(exercises),
    )


def _role(chapter: Chapter, cell: Cell) -> str | None:
    found = [tag for tag in cell.tags if tag in ROLES]
    if cell.kind != "markdown" and len(found) != 1:
        raise ChapterError(
            f"{chapter.at(cell)}: expected one of the tags {', '.join(ROLES)}, got {cell.tags}"
        )
    return found[0] if found else None


def _read_vary(chapter: Chapter, cell: Cell) -> dict[str, list[Any]]:
    vary = {}
    for name, values in cell.metadata.get("vary", {}).items():
        if isinstance(values, str):
            low, _, high = values.partition("..")
            values = range(int(low), int(high) + 1)
        line = re.search(rf"^{name} = ([^#\n]+)", cell.source, flags=re.MULTILINE)
        if line is None:
            raise ChapterError(f"{chapter.at(cell)}: expected a line {name} = ..., found none")
        own = ast.literal_eval(line[1].strip())
        if any(type(value) is not type(own) for value in values):  # subtle: YAML takes 1e-4 for a text
            raise ChapterError(f"{chapter.at(cell)}: expected values of {name} like {own!r}, got {values}")
        vary[name] = [value for value in values if value != own]
        if len(vary[name]) < 2:
            raise ChapterError(
                f"{chapter.at(cell)}: expected two other values of {name} or more, got {values}"
            )
    return vary


def _read_exercise(chapter: Chapter, cells: Iterable[Cell], *, name: str) -> Exercise:
    import yaml

    english, chinese, start, answer, marking = cells
    label = f"**{name.partition('.')[2]}.** "
    if not (english.source.startswith(label) and chinese.source.startswith(label)):
        raise ChapterError(
            f"{chapter.at(english)}: expected a task that begins with {label!r} in both languages"
        )
    try:
        facts = yaml.safe_load(marking.source)
        form = tuple(Form(holds=one.pop("holds"), words=_pop_words(one)) for one in facts["form"] or [])
        tests = tuple(Test(hint=_pop_words(one), **one) for one in facts["tests"])
    except (KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise ChapterError(f"{chapter.at(marking)}: {error}") from None
    if not tests:
        raise ChapterError(f"{chapter.at(marking)}: expected at least one test, found none")
    task = {"en": english.source, "zh": join_han_lines(chinese.source)}
    task = {lang: text.replace(label, "", 1) for lang, text in task.items()}
    return Exercise(name, task, start.source, answer.source, form, tests)


def _pop_words(facts: dict[str, Any]) -> Words:
    return {lang: facts.pop(lang) for lang in LANGUAGES}
