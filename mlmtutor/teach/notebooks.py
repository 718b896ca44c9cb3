"""The notebook of one language, made from the source of a chapter."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from mlmtutor.teach.chapters import Chapter
from mlmtutor.teach.han import join_han_lines

REMOVED = "remove-cell"  # tag of a cell that a reader of the site does not see

# what a folded cell says on the site; the Chinese edition carries its own words in the notebook
FOLD_WORDS = {"zh": {"code_prompt_show": "展开代码", "code_prompt_hide": "收起代码"}}
# cell metadata that only the tools read; `figure` holds the caption of a picture in each language
SOURCE_ONLY_KEYS = {"lang", "id", "han", "figure", "allow"}


def compose(
    chapter: Chapter,
    lang: str,
    outputs: Sequence[list[NotebookNode]] | None = None,
    *,
    first: NotebookNode | None = None,
) -> NotebookNode:
    """Make the notebook of one language.

    Args:
        chapter: The chapter.
        lang: ``en`` or ``zh``.
        outputs: Outputs of each code cell in order, the same for both languages; None for a notebook that
            has not run.
        first: A code cell to put before all others, which has no output.

    Returns:
        A valid notebook, version 4.5, whose metadata names the language and the source.
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
    num_run = 0 if first is None else 1
    if first is not None and outputs is not None:
        first.execution_count = 1
    outputs = None if outputs is None else iter(outputs)
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
            if first is not None and cell is chapter.code[0]:
                notebook.cells.append(first)
            node = nbformat.v4.new_code_cell(cell.source, id=cell.id, metadata=metadata)
            if outputs is not None:
                node.outputs = next(outputs)
                num_run += 1
                node.execution_count = num_run
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
