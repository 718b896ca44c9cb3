"""The table of parameters, for people to read."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from mlmtutor.teach.parameters import LIMITS, show_limits

HEADS = {
    "en": ("parameter", "type", "default", "range", "meaning"),
    "zh": ("参数", "类型", "默认值", "范围", "含义"),
}


def list_parameters(table: Mapping[str, Mapping[str, Mapping[str, Any]]], lang: str) -> str:
    """Return the parameters of some chapters in columns.

    Args:
        table: As the package's own: by chapter and name.
        lang: Language of the meanings.
    """
    return "\n\n".join(f"{slug}\n{_align(_rows(names, lang))}" for slug, names in table.items())


def _rows(names: Mapping[str, Mapping[str, Any]], lang: str) -> list[Sequence[str]]:
    rows = [HEADS[lang]]
    for name, facts in names.items():
        limits = {key: facts[key] for key in LIMITS if key in facts}
        default = str(facts["default"]) or '""'
        rows.append((name, facts["type"], default, show_limits(limits, lang), facts[lang]))
    return rows


def _align(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(measure, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            ["", *(text + " " * (width - measure(text)) for text, width in zip(row, widths, strict=True))]
        ).rstrip()
        for row in rows
    )


def measure(text: str) -> int:
    """Return how many columns of a terminal a text takes: a Chinese character takes two.

    Example:
        >>> measure("seed"), measure("种子")
        (4, 4)
    """
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
