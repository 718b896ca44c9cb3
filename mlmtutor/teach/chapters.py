"""The source of a chapter: one file with the code once and the prose in both languages."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("en", "zh")


class ChapterError(ValueError):
    """A chapter source that cannot become two notebooks; the message names file and line."""


@dataclass(frozen=True)
class Cell:
    """One cell of a chapter source."""

    kind: str  # "code" or "markdown"
    lang: str | None  # None for code, which both languages share
    source: str
    metadata: dict
    line: int  # of its +++ or opening fence in the source file, counted from 1
    id: str = ""  # the same in both languages: a translation has the id of its original

    @property
    def tags(self) -> list[str]:
        """Tags of the cell, e.g. ``parameters``."""
        return self.metadata.get("tags", [])


@dataclass(frozen=True)
class Chapter:
    """A chapter source, read."""

    path: Path
    cells: tuple[Cell, ...]

    @property
    def slug(self) -> str:
        """File name without its ending, e.g. ``06_fine_tuning``."""
        return self.path.stem

    @property
    def code(self) -> list[Cell]:
        """The code cells, in order."""
        return [cell for cell in self.cells if cell.kind == "code"]

    def title(self, lang: str) -> str:
        """Return the title in one language, with the number of a chapter: ``4. How does BERT mask tokens?``."""
        number = self.slug.partition("_")[0].lstrip("0")
        texts = "\n".join(cell.source for cell in self.cells if cell.kind == "markdown" and cell.lang == lang)
        heading = re.search("^# (.+)", texts, re.MULTILINE)
        title = heading[1] if heading else self.slug
        return f"{number}. {title}" if number.isdigit() else title

    def at(self, cell: Cell) -> str:
        """Return where a cell is, e.g. ``06_fine_tuning.md:42``."""
        return f"{self.path.name}:{cell.line}"


def list_sources(folder: Path) -> list[Path]:
    """Return the sources of the chapters (01 to 99) and executed appendices (a1 to a9) in a folder, in reading order."""
    return sorted(folder.glob("[0-9a][0-9]_*.md"))


def read_chapter(path: Path, *, kinds: tuple[str, ...] = ("code", "markdown")) -> Chapter:
    """Read a chapter source and give every cell its id.

    Args:
        path: A jupytext MyST notebook whose Markdown cells carry ``lang`` in their metadata.
        kinds: The kinds of cells that it may have.

    Returns:
        The chapter. An id is the explicit ``id`` of the cell's metadata, or else a hash of the cell's own
        text, so that adding, moving or removing a cell leaves the ids of all others as they are.

    Raises:
        ChapterError: If the file cannot be parsed, a Markdown cell has no known ``lang``, an English cell
            has no Chinese twin right after it, or two cells have the same explicit id.
    """
    import nbformat
    from jupytext.myst import MystMetadataParsingError, myst_to_notebook

    try:
        notebook = myst_to_notebook(path.read_text(encoding="utf-8"), add_source_map=True)
    except (MystMetadataParsingError, nbformat.ValidationError) as error:
        raise ChapterError(f"{path.name}: {error}") from error
    starts = notebook.metadata.get("source_map", [])
    cells = [
        Cell(
            kind=cell.cell_type,
            lang=cell.metadata.get("lang"),
            source=cell.source,
            metadata=dict(cell.metadata),
            line=max(start, 1),
        )
        for cell, start in zip(notebook.cells, starts, strict=True)
    ]
    chapter = Chapter(path, tuple(cells))
    _require_kinds(chapter, kinds)
    _require_twins(chapter)
    return Chapter(path, tuple(_with_ids(chapter)))


def list_headings(chapter: Chapter, lang: str = "en") -> list[str]:
    """Return the heading above each code cell."""
    heading, above = chapter.slug, []
    for cell in chapter.cells:
        if cell.kind == "code":
            above.append(heading)
        elif cell.lang == lang:
            found = re.findall(r"^#+ +(.+)$", cell.source, flags=re.MULTILINE)
            heading = found[-1] if found else heading
    return above


def _require_kinds(chapter: Chapter, kinds: tuple[str, ...]) -> None:
    for cell in chapter.cells:
        if cell.kind not in kinds:
            raise ChapterError(
                f"{chapter.at(cell)}: expected a {' or '.join(kinds)} cell, got a {cell.kind} cell"
            )


def _require_twins(chapter: Chapter) -> None:
    waiting = None  # the English cell whose translation must come next
    for cell in chapter.cells:
        if cell.kind == "markdown" and cell.lang not in LANGUAGES:
            raise ChapterError(
                f'{chapter.at(cell)}: a Markdown cell must begin with +++ {{"lang": "en"}} or "zh", '
                f"got lang={cell.lang!r}: {cell.source.splitlines()[0]!r}"
            )
        if (waiting is None) == (cell.lang == "zh"):
            expected = "an English cell before it" if waiting is None else "a Chinese cell after it"
            raise ChapterError(f"{chapter.at(waiting or cell)}: expected {expected}, found none")
        waiting = cell if cell.lang == "en" else None
    if waiting is not None:
        raise ChapterError(f"{chapter.at(waiting)}: expected a Chinese cell after it, found none")


def _with_ids(chapter: Chapter) -> list[Cell]:
    named: Counter[str] = Counter()
    cells: list[Cell] = []
    for cell in chapter.cells:
        if cell.lang == "zh":
            cell_id = cells[-1].id
        else:
            explicit = cell.metadata.get("id")
            cell_id = explicit or hashlib.sha256(f"{cell.kind}\n{cell.source}".encode()).hexdigest()[:12]
            named[cell_id] += 1
            if named[cell_id] > 1:
                if explicit:
                    raise ChapterError(f"{chapter.at(cell)}: id {explicit!r} is taken by an earlier cell")
                cell_id = f"{cell_id}-{named[cell_id]}"
        cells.append(Cell(cell.kind, cell.lang, cell.source, cell.metadata, cell.line, cell_id))
    return cells
