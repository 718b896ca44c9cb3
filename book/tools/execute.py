"""Run a chapter's code once, keep the outputs, and run it again only when something it depends on changed."""

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from mlmtutor.teach.chapters import Cell, Chapter, list_headings
from mlmtutor.teach.notebooks import write_notebook

from .pictures import KERNEL_ARGUMENTS, settings_for_pictures, tidy

PROGRESS_BAR = re.compile(r"\d+%\||^\s*$")  # a bar, or the line break that ends one
ANSI_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# how the mini weights were made and their card, the table of all parameters, of which a chapter has its own in its code, and
# what no chapter imports: the commands
NO_INFLUENCE = {"__pycache__", "make", "README.md", "parameters.yml", "teach", "cli.py"}
Say = Callable[[str], None]


class ChapterFailed(RuntimeError):
    """A cell of a chapter raised; the message names chapter, line, cell and error."""


def run_chapter(chapter: Chapter, *, root: Path, say: Say, **options: object) -> list[list[NotebookNode]]:
    """Return the outputs of each code cell, from the last run where it still holds.

    Prose has no part in the decision: a chapter runs again when its code, the package ``mlmtutor``, the
    pinned packages or the profile changed.

    Args:
        chapter: The chapter.
        root: The repository; outputs are kept in its ``_build/runs``.
        say: Receives the progress as text, to be shown at once and without a line break added.
        **options: Of `execute`.

    Returns:
        One list of outputs per code cell, in order.

    Raises:
        ChapterFailed: If a cell raises. Outputs of an earlier run are then left as they were.
    """
    kept = root / "_build" / "runs" / f"{chapter.slug}.ipynb"
    key = run_key(chapter, root=root)
    if kept.exists():
        notebook = nbformat.read(kept, as_version=4)
        if notebook.metadata.get("key") == key:
            say(f"{chapter.slug}: nothing it depends on changed since its last run\n")
            return [cell.outputs for cell in notebook.cells]
    outputs = execute(chapter, say=say, **options)
    notebook = nbformat.v4.new_notebook(metadata={"key": key})
    notebook.cells = [nbformat.v4.new_code_cell(id=str(i), outputs=found) for i, found in enumerate(outputs)]
    write_notebook(notebook, kept)
    return outputs


def run_key(chapter: Chapter, *, root: Path) -> str:
    """Hash of all that a chapter's outputs depend on."""
    digest = hashlib.sha256(os.environ.get("MLMTUTOR_PROFILE", "auto").encode())
    for cell in chapter.code:
        digest.update(f"\n{cell.tags}\n{cell.source}".encode())
    package = [path for path in (root / "mlmtutor").rglob("*") if path.is_file()]
    package = [path for path in package if not NO_INFLUENCE.intersection(path.relative_to(root).parts)]
    runners = [Path(__file__), Path(__file__).with_name("pictures.py")]
    for path in sorted([*package, root / "constraints.txt", *runners]):
        if path.exists():
            digest.update(f"\n{path.name}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def execute(
    chapter: Chapter, *, say: Say, show_bar: Say | None = None, num_threads: int | None = None
) -> list[list[NotebookNode]]:
    """Run all code cells of a chapter in one fresh kernel, in an empty folder of their own.

    Args:
        chapter: The chapter.
        say: Receives the progress as text.
        show_bar: Receives what a bar of the running cell shows; None: `say` does.
        num_threads: Threads that share the arithmetic; None: as the environment says.

    Returns:
        One list of outputs per code cell, in order.

    Raises:
        ChapterFailed: If a cell raises.
    """
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(c.source, id=c.id, metadata=c.metadata) for c in chapter.code]
    )
    headings = list_headings(chapter)
    started = 0.0

    def announce(cell: NotebookNode, cell_index: int) -> None:
        nonlocal started
        started = time.perf_counter()
        say(f"{chapter.slug}: cell {cell_index + 1} of {len(headings)} | {headings[cell_index]} ...")

    def report(cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        say(f" {time.perf_counter() - started:.1f} s\n")

    with tempfile.TemporaryDirectory() as folder, settings_for_pictures() as settings:
        client = _Client(
            notebook,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            timeout=None,
            coalesce_streams=True,
            record_timing=False,
            store_widget_state=False,
            extra_arguments=[
                "--IPKernelApp.log_level=40",
                *KERNEL_ARGUMENTS,
            ],  # no warning about TCP for each chapter
            on_cell_start=announce,
            on_cell_executed=report,
        )
        client.show_bar = show_bar or say
        environment = os.environ | settings | {"MLMTUTOR_PROGRESS": "1"}
        if num_threads:
            environment["OMP_NUM_THREADS"] = str(num_threads)
        try:
            client.execute(env=environment)
        except (CellExecutionError, DeadKernelError) as error:
            raise ChapterFailed(_describe_failure(chapter, notebook, error)) from None
    for output in [output for cell in notebook.cells for output in cell.outputs]:
        if drawing := output.get("data", {}).get("image/svg+xml"):
            output.data["image/svg+xml"] = tidy("".join(drawing))
    return [cell.outputs for cell in notebook.cells]


class _Client(NotebookClient):
    """Shows the bars of a running cell to the person at the terminal, and keeps them out of the notebook."""

    show_bar: Say

    def process_message(self, msg: dict, cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        content = msg["content"]
        if (
            msg["msg_type"] == "stream"
            and content["name"] == "stderr"
            and PROGRESS_BAR.search(content["text"])
        ):
            self.show_bar(content["text"])
            return None
        return super().process_message(msg, cell, cell_index)


def _describe_failure(chapter: Chapter, notebook: NotebookNode, error: Exception) -> str:
    failed = next((i for i, c in enumerate(notebook.cells) if _raised(c)), None)
    if failed is None:  # the kernel died: the last cell that started is the one
        failed = sum(cell.execution_count is not None for cell in notebook.cells)
        failed = min(failed, len(notebook.cells) - 1)
    cell: Cell = chapter.code[failed]
    place = f"book/chapters/{chapter.at(cell)}: code cell {failed + 1} of {len(chapter.code)} failed"
    cause = ANSI_COLOUR.sub("", str(getattr(error, "traceback", error))).strip()
    return f"{place}\n\n{cell.source}\n\n{cause}"


def _raised(cell: NotebookNode) -> bool:
    return any(output.output_type == "error" for output in cell.outputs)
