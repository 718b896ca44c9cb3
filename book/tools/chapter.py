"""The chapters of this repository, and their notebooks, which install the package from it."""

from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from book._ext.repository import read_repository, write_install_cell
from mlmtutor.teach import notebooks
from mlmtutor.teach.chapters import Chapter, list_sources
from mlmtutor.teach.install_cell import INSTALL_CELL


def find_chapters(root: Path) -> list[Path]:
    """Return the sources of the chapters and of the executed appendices at `root`, in reading order."""
    return list_sources(root / "book" / "chapters")


def compose(chapter: Chapter, lang: str, outputs: Sequence[list[NotebookNode]] | None = None) -> NotebookNode:
    """Make the notebook of one language, whose first code cell installs the package where it is not there yet.

    Args:
        chapter: The chapter.
        lang: ``en`` or ``zh``.
        outputs: As in :func:`mlmtutor.teach.notebooks.compose`.

    Returns:
        The notebook. What it installs comes from the repository that ``_config.yml`` names.
    """
    install = nbformat.v4.new_code_cell(
        write_install_cell(
            read_repository(chapter.path.parents[2]), code="\n".join(cell.source for cell in chapter.code)
        ),
        id=INSTALL_CELL,
        metadata={"tags": ["hide-input"]},
    )
    return notebooks.compose(chapter, lang, outputs, first=install)
