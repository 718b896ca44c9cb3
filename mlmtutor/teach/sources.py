"""Which chapters there are, what their parameters may be, and which one is meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
TABLE = PACKAGE / "data" / "parameters.yml"
# where the sources of the chapters may lie: in an installed package, or beside it in a clone
PLACES = (PACKAGE / "chapters", PACKAGE.parent / "book" / "chapters")


class Refused(ValueError):
    """What was asked for cannot be done; `problems` has one line for each reason."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(self.problems))


@cache
def read_table() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the package's table of parameters: by chapter and name."""
    import yaml

    return yaml.safe_load(TABLE.read_text(encoding="utf-8"))


def find_source(name: str) -> Path:
    """Return the source of a chapter.

    Args:
        name: As in :func:`choose_chapter`.

    Raises:
        FileNotFoundError: If the sources are not there.
        Refused: If there is no such chapter.
    """
    from mlmtutor.teach.chapters import list_sources

    for folder in PLACES:
        if sources := {path.stem: path for path in list_sources(folder)}:
            return sources[choose_chapter(name, sources)]
    raise FileNotFoundError(f"expected the sources of the chapters in {PLACES[0]}, found none")


def choose_chapter(name: str, slugs: Iterable[str]) -> str:
    """Return the chapter that is meant.

    Args:
        name: ``03_chunking``, or a part of it: ``chunking``, ``03``, ``3``.
        slugs: The chapters that there are.

    Raises:
        Refused: If there is no such chapter; the nearest one is named.

    Example:
        >>> choose_chapter("3", ["03_chunking", "a1_mistakes"]), choose_chapter("Mistakes", ["03_chunking", "a1_mistakes"])
        ('03_chunking', 'a1_mistakes')
    """
    slugs = list(slugs)
    names = {}
    for slug in slugs:
        number, _, word = slug.partition("_")
        names |= dict.fromkeys([slug, number, number.lstrip("0"), word], slug)
    asked = name.strip().lower().removesuffix(".ipynb").removesuffix(".md")
    if asked in names:
        return names[asked]
    nearest = names[find_nearest(asked, names)]
    raise Refused([f"no chapter {name!r}, the nearest is {nearest}; there are: {', '.join(slugs)}"])


def find_nearest(name: str, names: Iterable[str]) -> str:
    """Return the most similar of some names.

    Example:
        >>> find_nearest("chunksize", ["seed", "chunk_size"])
        'chunk_size'
    """
    return max(names, key=lambda known: difflib.SequenceMatcher(None, name, known).ratio())
