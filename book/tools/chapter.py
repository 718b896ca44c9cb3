"""A chapter source, its cells, and the notebook of one language made from them."""

import hashlib
import re
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jupytext.myst import MystMetadataParsingError, myst_to_notebook
from nbformat import NotebookNode

from book._ext.repository import INSTALL_CELL, read_repository, write_install_cell

from .han import join_han_lines

LANGUAGES = ("en", "zh")
REMOVED = "remove-cell"  # tag of a cell that a reader of the site does not see

# what a folded cell says on the site; the Chinese edition carries its own words in the notebook
FOLD_WORDS = {"zh": {"code_prompt_show": "展开代码", "code_prompt_hide": "收起代码"}}
# cell metadata that only the tools read; `figure` holds the caption of a picture in each language
SOURCE_ONLY_KEYS = {"lang", "id", "han", "figure", "allow"}


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


def find_chapters(root: Path) -> list[Path]:
    """Return the sources of the chapters (01 to 99) and executed appendices (a1 to a9) at `root`, in reading order."""
    return sorted((root / "book" / "chapters").glob("[0-9a][0-9]_*.md"))


def read_chapter(path: Path) -> Chapter:
    """Read a chapter source and give every cell its id.

    Args:
        path: A jupytext MyST notebook whose Markdown cells carry ``lang`` in their metadata.

    Returns:
        The chapter. An id is the explicit ``id`` of the cell's metadata, or else a hash of the cell's own
        text, so that adding, moving or removing a cell leaves the ids of all others as they are.

    Raises:
        ChapterError: If the file cannot be parsed, a Markdown cell has no known ``lang``, an English cell
            has no Chinese twin right after it, or two cells have the same explicit id.
    """
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
    _require_twins(chapter)
    return Chapter(path, tuple(_with_ids(chapter)))


def compose(chapter: Chapter, lang: str, outputs: Sequence[list[NotebookNode]] | None = None) -> NotebookNode:
    """Make the notebook of one language.

    Args:
        chapter: The chapter.
        lang: ``en`` or ``zh``.
        outputs: Outputs of each code cell in order, the same for both languages; None for a notebook that
            has not run.

    Returns:
        A valid notebook, version 4.5, whose metadata names the language and the source. Its first code cell
        installs the package where it is not there yet, from the repository that ``_config.yml`` names.
    """
    if outputs is not None and len(outputs) != len(chapter.code):
        raise ValueError(f"outputs must be one list per code cell ({len(chapter.code)}), got {len(outputs)}")
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "mlmtutor": {"lang": lang, "source": f"book/chapters/{chapter.path.name}"},
        }
    )
    if lang in FOLD_WORDS:
        notebook.metadata["mystnb"] = FOLD_WORDS[lang]
    install = nbformat.v4.new_code_cell(
        write_install_cell(read_repository(chapter.path.parents[2])),
        id=INSTALL_CELL,
        metadata={"tags": ["hide-input"]},
        execution_count=None if outputs is None else 1,
    )
    num_run = 0
    for cell in chapter.cells:
        metadata = {key: value for key, value in cell.metadata.items() if key not in SOURCE_ONLY_KEYS}
        if cell.kind == "code":
            if "figure" in cell.metadata:
                figure = cell.metadata["figure"]
                alt = figure.get("alt", {}).get(lang) or shorten_caption(figure[lang], lang)
                metadata["mystnb"] = {"figure": {"caption": figure[lang]}, "image": {"alt": alt}}
                metadata["tags"] = list(
                    dict.fromkeys([*cell.tags, "nbval-ignore-output"])
                )  # or .png is not .svg
            if REMOVED in cell.tags:  # the site leaves it out, a notebook can only fold it
                metadata["jupyter"] = {"source_hidden": True, "outputs_hidden": True}
            if cell is chapter.code[0]:
                notebook.cells.append(install)
            node = nbformat.v4.new_code_cell(cell.source, id=cell.id, metadata=metadata)
            if outputs is not None:
                node.outputs = outputs[num_run]
                num_run += 1
                node.execution_count = num_run + 1  # the install cell is the first
            notebook.cells.append(node)
        elif cell.lang == lang:
            source = join_han_lines(cell.source) if lang == "zh" else cell.source
            notebook.cells.append(nbformat.v4.new_markdown_cell(source, id=cell.id, metadata=metadata))
    nbformat.validate(notebook)
    return notebook


def shorten_caption(caption: str, lang: str) -> str:
    """Make the text for readers who cannot see a picture from its caption, which they hear as well.

    It says no more than what the picture is about: the caption up to its first stop, not more than some words. A cell may
    carry something better, ``:figure: {"en": ..., "zh": ..., "alt": {"en": ..., "zh": ...}}``.

    Example:
        >>> shorten_caption("Loss per step: it falls from 4.3 to 4.0, most of it early.", "en")
        'Figure: Loss per step'
        >>> shorten_caption("每一步的损失：从 4.3 降到 4.0。", "zh")
        '图：每一步的损失'
    """
    subject = re.split(r"[.:;,](?:\s|$)|[。：；，]", caption, maxsplit=1)[0].strip()
    if lang == "zh":
        return f"图：{subject[:30]}" + ("……" if len(subject) > 30 else "")
    return f"Figure: {textwrap.shorten(subject, 80, placeholder=' ...')}"


def write_notebook(notebook: NotebookNode, path: Path) -> bool:
    """Write a notebook in one step, and only if that changes the file; return whether it did."""
    text = nbformat.writes(notebook) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".ipynb.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return True


def _require_twins(chapter: Chapter) -> None:
    waiting = None  # the English cell whose translation must come next
    for cell in chapter.cells:
        if cell.kind == "markdown" and cell.lang not in LANGUAGES:
            raise ChapterError(
                f'{chapter.at(cell)}: a Markdown cell must begin with +++ {{"lang": "en"}} or "zh", '
                f"got lang={cell.lang!r}: {cell.source.splitlines()[0]!r}"
            )
        if cell.kind not in ("code", "markdown"):
            raise ChapterError(
                f"{chapter.at(cell)}: expected a code or Markdown cell, got a {cell.kind} cell"
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
