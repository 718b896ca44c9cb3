"""The files that a run writes: checked before it starts, and never half written."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from mlmtutor.model.messages import show
from mlmtutor.teach.sources import Refused

SPARE_BYTES = 1_000_000  # there must be room for, beside the notebook without outputs


def prepare_files(output: Path, result: Path, notebook: NotebookNode) -> None:
    """Make the folder, put the notebook there, with room for what it will hold, and take away an earlier result.

    Raises:
        Refused: If that cannot be done, or if another file would be lost.
    """
    if output.suffix != ".ipynb":
        raise Refused([f"expected a name that ends in .ipynb for the notebook, got {show(output)}"])
    if output.is_dir():
        raise Refused([f"expected a file for the notebook, found the folder {show(output)}"])
    for path, mark in ((output, '"papermill"'), (result, '"has_result"')):
        if path.exists() and not (path.is_file() and _is_own(path, mark)):
            raise Refused([f"{show(path)} is there and was not written by this command: choose another name"])
    text = nbformat.writes(notebook)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output.parent) as probe:
            probe.write(text.encode() + bytes(SPARE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
        _make_room(output, result)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused([f"cannot write to {show(output)}: {error.strerror or error}"]) from None


def _is_own(path: Path, mark: str) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return not text or mark in text  # of a write that broke off, nothing may be left


def _make_room(output: Path, result: Path) -> None:
    """Take away the result of an earlier run, or give it the name of its notebook if that is another one."""
    try:
        notebook = json.loads(result.read_text(encoding="utf-8"))["notebook"]
    except (OSError, ValueError, KeyError, TypeError):
        notebook = output.name
    if notebook != output.name and (result.parent / notebook).exists():
        result.replace(result.with_name(f"{Path(notebook).stem}.result.json"))
    result.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file in one step, so that there is never a part of it."""
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
