"""A cell that failed: what there is to see of it, in one screen."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from papermill.exceptions import PapermillExecutionError

from mlmtutor.model.messages import flatten, printable, show

ANSI = re.compile(r"\x1b\[[0-9;]*m")
HEAD = "Traceback (most recent call last)"
MOST_LINES, WIDTH = 20, 110  # of the traceback


class CellFailed(RuntimeError):
    """A cell raised, or the kernel died; `screen` shows the cell and its error."""

    def __init__(self, message: str, screen: str) -> None:
        super().__init__(message)
        self.screen = screen


def describe_error(error: PapermillExecutionError, output: Path) -> tuple[str, str]:
    """Return a line and a screen about a cell that raised; the notebook up to there is in `output`."""
    message = (
        f"cell In [{error.exec_count}] raised {error.ename}: {flatten(error.evalue, longest=150)}; "
        f"what ran is in {show(output)}"
    )
    lines = ANSI.sub("", "\n".join(error.traceback)).splitlines()
    lines = [line for line in lines if not (line.startswith("-----") or HEAD in line)]
    if len(lines) < 3:  # an error that shows itself in one line, without the cell
        lines = [*error.source.splitlines(), "", *lines]
    return message, _fit(lines)


def describe_death(output: Path) -> tuple[str, str]:
    """Return a line and a screen about a cell in which the kernel died."""
    running = [cell for cell in nbformat.read(output, as_version=4).cells if _has_started(cell)]
    source = running[-1].source if running else ""
    message = f"the kernel died, most likely for lack of memory; what ran is in {show(output)}"
    return message, _fit(source.splitlines())


def _has_started(cell: nbformat.NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.metadata.get("papermill", {}).get("start_time"))


def _fit(lines: list[str]) -> str:
    """Return lines that fit one screen: neither too many nor too wide."""
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES // 2], "    ...", *lines[-MOST_LINES // 2 :]]
    lines = [printable(line.expandtabs()) for line in lines]
    return "\n".join(line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..." for line in lines)
