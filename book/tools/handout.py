"""A chapter to hand out: no outputs, no worked answers, and room for the students' own."""

import re

import nbformat
from nbformat import NotebookNode

from mlmtutor.teach.chapters import Chapter

from .chapter import compose

YOURS = "your-answer"  # tag of the cells that students fill in
ROOM_FOR_PROSE = {"en": "*Your answer:*", "zh": "*你的答案：*"}
ROOM_FOR_CODE = "# your answer\n"
FOLDED_ANSWER = re.compile(r"<details>.*?</details>\n*", flags=re.DOTALL)


def make_handout(chapter: Chapter, lang: str) -> NotebookNode:
    """Make the notebook that students get.

    Args:
        chapter: The chapter.
        lang: ``en`` or ``zh``.

    Returns:
        The chapter's notebook, not run. Each worked answer, code or prose, has become an empty cell tagged
        ``your-answer``; the folded cells right after an answer, which check it, are gone. All other cells keep
        their ids.
    """
    notebook = compose(chapter, lang)
    cells: list[NotebookNode] = []
    after_answer = False
    for cell in notebook.cells:
        is_folded = not {"hide-cell", "remove-cell"}.isdisjoint(cell.metadata.get("tags", []))
        if is_folded and cell.source.startswith("# answer"):
            after_answer = True
            cells.append(nbformat.v4.new_code_cell(ROOM_FOR_CODE, id=cell.id, metadata={"tags": [YOURS]}))
        elif not (is_folded and after_answer):
            after_answer = False
            cells += _take_answers_out(cell, lang) if cell.cell_type == "markdown" else [cell]
    notebook.cells = cells
    nbformat.validate(notebook)
    return notebook


def _take_answers_out(cell: NotebookNode, lang: str) -> list[NotebookNode]:
    """Split a cell at its folded answers and leave room for an answer at each."""
    first, *rest = FOLDED_ANSWER.split(cell.source)
    cells = [nbformat.v4.new_markdown_cell(first.rstrip(), id=cell.id, metadata=cell.metadata)]
    for number, text in enumerate(rest, start=1):
        metadata = {"tags": [YOURS]}
        room = nbformat.v4.new_markdown_cell(
            ROOM_FOR_PROSE[lang], id=f"{cell.id}-answer-{number}", metadata=metadata
        )
        cells.append(room)
        if text.strip():
            cells.append(nbformat.v4.new_markdown_cell(text.rstrip(), id=f"{cell.id}-after-{number}"))
    return cells
