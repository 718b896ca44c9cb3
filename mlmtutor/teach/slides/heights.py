"""How high things will be on a slide: estimates, by which they are put onto slides."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from nbformat import NotebookNode

from mlmtutor.teach.han import join_han_lines
from mlmtutor.teach.slides.blocks import Block

NOT_IN_LINE = re.compile(r"<details.*?</details>|<rt.*?</rt>|<[^>]*>", re.DOTALL)  # of HTML
# A slide is 1280 x 720; heights are estimates, and the deck makes smaller what is still too high
ROOM = 580  # for what stands below the heading
TIGHT = 720  # what still fits in smaller print
LINE = {"code": 30, "question": 46, "list": 42, "table": 36, "html": 58}
COLUMNS = {"en": 80, "zh": 40}  # characters in a line of text
FIGURE = 540


def find_picture(output: NotebookNode) -> str | None:
    """Return the type of the picture in an output."""
    return next((kind for kind in ("image/svg+xml", "image/png") if kind in output.get("data", {})), None)


def measure(text: str, kind: str, lang: str) -> int:
    """Return the height of a paragraph, in pixels."""
    return LINE[kind] * math.ceil(len(text) / COLUMNS[lang])


def measure_block(block: Block, lang: str) -> int:
    """Return the height of a block, in pixels."""
    if block.kind == "formula":
        return 120
    lines = block.source.split("\n")
    if block.kind == "fence":
        return LINE["code"] * len(lines)
    if lang == "zh":
        lines = join_han_lines(block.source).split("\n")
    if block.kind == "table":
        return sum(_measure_row(line, lang) for line in lines)
    return sum(measure(line, "list", lang) for line in lines) + 20


def _measure_row(line: str, lang: str) -> int:
    cells = re.sub(r"\]\([^)]*\)", "", line).strip("|").split("|")
    widest = max(len(cell.strip()) for cell in cells)
    return 18 + LINE["table"] * math.ceil(widest * len(cells) / COLUMNS[lang])


def split_table(block: Block, lang: str) -> list[Block]:
    """Split a table that is too high for a slide, each piece with the head of the table."""
    if block.kind != "table" or measure_block(block, lang) <= TIGHT:
        return [block]
    *head, first = block.source.split("\n")[:3]
    pieces, height = [[*head, first]], _measure_row(first, lang)
    for line in block.source.split("\n")[3:]:
        height += _measure_row(line, lang)
        if height > ROOM - 60:
            title = [pieces[-1].pop()] if pieces[-1][-1].startswith("| |") else []  # of the rows to come
            pieces.append([*head, *title])
            height = sum(_measure_row(row, lang) for row in (*title, line))
        pieces[-1].append(line)
    return [Block("table", "\n".join(piece)) for piece in pieces]


def measure_outputs(outputs: Iterable[NotebookNode]) -> int:
    """Return the height of the outputs of a cell, in pixels."""
    height = 36
    for output in outputs:
        data = output.get("data", {})
        if "text/html" in data:
            characters = len(NOT_IN_LINE.sub("", data["text/html"]))
            height += LINE["html"] * math.ceil(characters / 100)
        elif find_picture(output):
            height += FIGURE
        else:
            text = output.get("text") or data.get("text/plain", "")
            height += LINE["code"] * (text.rstrip().count("\n") + 1)
    return height
