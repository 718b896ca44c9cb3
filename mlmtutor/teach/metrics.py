"""The numbers that a chapter's result cells print, each under the words that stand beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from nbformat import NotebookNode

NUMBER = r"[-+]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?|\b(?:nan|inf)\b)"
HAS_NUMBER = re.compile(r"\d|\b(?:nan|inf)\b")
PARTS = re.compile(r"\s{2,}|,\s+|;\s*|\s*[()]\s*")  # what stands between two measurements of a line
PAIR = re.compile(rf"(.*?)\s*({NUMBER}) -> ({NUMBER})(%?)$")
RANGE = re.compile(rf"(?:.*interval:?)?\s*({NUMBER})%? (?:to|-) ({NUMBER})%?$")
LAST = re.compile(
    rf"(.*?)\s*(?<![\w.])({NUMBER})(%?)(?: ([a-z]+))?$"
)  # "ratio 0.86", "base 62.0%", "change -1.7 points"
FIRST = re.compile(rf"({NUMBER})(%?) ([a-z].*)$")  # "25,000 texts"

OF_NUMBER = re.compile(rf" of {NUMBER}$")  # "61,291 chunks of 128"


def list_printed(notebook: NotebookNode) -> list[list[str]]:
    """Return the lines that each cell tagged ``result`` printed."""
    printed = []
    for cell in notebook.cells:
        if "result" in cell.metadata.get("tags", []):
            outputs = [output for output in cell.outputs if output.get("name") != "stderr"]  # where bars are
            texts = [output.get("text", output.get("data", {}).get("text/plain", "")) for output in outputs]
            printed.append("".join(texts).splitlines())
    return printed


def read_metrics(printed: Iterable[Iterable[str]]) -> dict[str, float | str]:
    """Return the numbers in what some cells printed, by name.

    A name is made of the words before a number, or else after it. Two numbers with an arrow are before and after, an interval
    is low and high, and indented lines belong to the heading above them. A line in another form gives no number. What is not
    finite is a text, ``nan`` or ``inf``.

    Example:
        >>> read_metrics([["perplexity 85.2 -> 73.7", "ratio 0.86, 95 % interval 0.84 to 0.88"]])
        {'perplexity before': 85.2, 'perplexity after': 73.7, 'ratio': 0.86, 'ratio low': 0.84, 'ratio high': 0.88}
    """
    reader = _Reader()
    for lines in printed:
        reader.heading, reader.columns = "", ()
        for line in lines:
            reader.read(line)
    return reader.found


@dataclass
class _Reader:
    found: dict[str, float | str] = field(default_factory=dict)
    heading: str = ""
    columns: tuple[str, ...] = ()
    base: str = ""  # name of the last measurement, which an interval belongs to
    row: str = ""  # label of the last row of a table

    def read(self, line: str) -> None:
        """Take the numbers of one line."""
        parts = [part for part in PARTS.split(line.strip().removeprefix("->").strip()) if part]
        if not HAS_NUMBER.search(line):
            self.heading, self.columns = " ".join(parts), tuple(parts)
            return
        if self._read_row(line):
            return
        if not line[0].isspace():
            self.heading = ""
        words, label = self.heading, ""  # of the whole line, and of the next number only
        for part in parts:
            before, colon, rest = part.rpartition(":")
            if colon and not rest:
                label = before
            elif colon and "interval" not in before:
                words = f"{words} {before}"
                self._read_part(rest.strip(), words)
            elif not HAS_NUMBER.search(part):
                words = f"{words} {part}"
            else:
                self._read_part(part, f"{words} {label}")
                label = ""

    def _read_row(self, line: str) -> bool:
        """Read a row of a table whose head was the last line without a number."""
        label, *cells = re.split(r"\s{2,}", line.strip())
        known = [RANGE.match(cell) or re.fullmatch(rf"{NUMBER}%?", cell) for cell in cells]
        if not cells or len(cells) != len(self.columns) or not all(known):
            return False
        for column, cell in zip(self.columns, cells, strict=True):
            if match := RANGE.match(cell):
                self._keep(f"{self.row} {column} low", match[1])
                self._keep(f"{self.row} {column} high", match[2])
            else:
                self.row = label
                self._keep(f"{label} {column}", cell.rstrip("%"), cell[len(cell.rstrip("%")) :])
        return True

    def _read_part(self, part: str, words: str) -> None:
        """Take the numbers of one part of a line, which stands under some words."""
        if match := PAIR.match(part):
            base = self._keep(f"{words} {match[1]}", match[2], match[4], after=" before")
            self._keep(f"{words} {match[1]}", match[3], match[4], after=" after")
            self.base = base
        elif (match := RANGE.match(part)) and self.base:
            self._keep(self.base, match[1], after=" low")
            self._keep(self.base, match[2], after=" high")
        elif (match := LAST.match(part)) and not match[1].endswith(" of"):
            unit = match[4] if not match[1] and match[4] else ""
            name = f"{words} {match[1]} {unit}".strip()
            if not name or name == self.heading:  # nothing but a number: it says more of the one before
                name = f"{self.base} change" if match[2][0] in "+-" else self.base
            self.base = self._keep(name, match[2], match[3])
        elif match := FIRST.match(part):
            self.base = self._keep(f"{words} {OF_NUMBER.sub('', match[3])}", match[1], match[2])

    def _keep(self, name: str, number: str, percent: str = "", *, after: str = "") -> str:
        """Keep a number under a name, and return the name without what comes after it."""
        value = float(number.replace(",", ""))
        base = " ".join(f"{name} {percent}".split()) or "result"
        free, count = f"{base}{after}", 1
        while free in self.found:
            count += 1
            free = f"{base}{after} {count}"
        if not math.isfinite(value):
            self.found[free] = str(value)  # JSON has no other way to write it
        else:
            self.found[free] = int(value) if value.is_integer() and "." not in number else value
        return base
