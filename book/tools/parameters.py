"""The parameters of a chapter: read from its source, set to other values, swept."""

import ast
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from mlmtutor.teach.chapters import Chapter, ChapterError
from mlmtutor.teach.notebooks import write_notebook

from .chapter import compose

TRUTH = {"true": True, "false": False}
READERS = {"int": int, "float": float, "str": str, "bool": lambda text: TRUTH[text.lower()]}


@dataclass(frozen=True)
class Parameter:
    """One line of a chapter's parameters cell."""

    name: str
    type: str  # int, float, str or bool
    default: int | float | str | bool
    meaning: str  # the comment behind it


def read_parameters(chapter: Chapter) -> list[Parameter]:
    """Return the parameters of a chapter, in order; `check_parameters` says what such a line must look like."""
    (cell,) = (cell for cell in chapter.code if "parameters" in cell.tags)
    lines = cell.source.splitlines()
    return [
        Parameter(
            name=node.target.id,
            type=node.annotation.id,
            default=ast.literal_eval(node.value),
            meaning=lines[node.lineno - 1][node.end_col_offset :].partition("#")[2].strip(),
        )
        for node in ast.parse(cell.source).body
    ]


def read_values(chapter: Chapter, given: Mapping[str, object]) -> dict[str, object]:
    """Convert values to the types of their parameters, which papermill's command line does not do.

    Args:
        chapter: The chapter.
        given: Values by name, as typed at a command line or written in a table: ``"2e-4"`` and ``2e-4`` are one.

    Returns:
        The same names with an int, float, str or bool each.

    Raises:
        ChapterError: If the chapter has no parameter of that name, or the value is not of its type.
    """
    parameters = {parameter.name: parameter for parameter in read_parameters(chapter)}
    values = {}
    for name, value in given.items():
        if name not in parameters:
            there = ", ".join(parameters)
            raise ChapterError(f"{chapter.slug} has no parameter {name!r}; there are: {there}")
        expected = parameters[name].type
        try:
            values[name] = READERS[expected](str(value))
        except (ValueError, KeyError):
            raise ChapterError(f"{name} of {chapter.slug} is of type {expected}, got {value!r}") from None
    return values


def run_with(chapter: Chapter, given: Mapping[str, object], *, output: Path) -> NotebookNode:
    """Run a chapter with other parameters, by papermill, in an empty folder.

    Args:
        chapter: The chapter.
        given: Values by name; the parameters not named keep their defaults.
        output: Where the executed notebook goes.

    Returns:
        The executed notebook.

    Raises:
        ChapterError: If a name or a type is wrong.
        RuntimeError: If a cell raises; the notebook up to there is in `output`.
    """
    import papermill

    values = read_values(chapter, given)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, output.name)
        write_notebook(compose(chapter, "en"), source)
        try:
            return papermill.execute_notebook(source, output, values, cwd=folder, progress_bar=False)
        except papermill.PapermillExecutionError as error:
            raise RuntimeError(f"{chapter.slug} with {values}: {error.ename}: {error.evalue}") from None


def sweep(
    chapter: Chapter, name: str, values: Sequence[str], *, fixed: Mapping[str, object], folder: Path
) -> Iterator[tuple[str, list[str]]]:
    """Run a chapter once for each value of one parameter.

    Args:
        chapter: The chapter.
        name: The parameter that varies.
        values: Its values.
        fixed: Values of other parameters, the same in every run.
        folder: The executed notebooks go here.

    Yields:
        What varied, e.g. ``"learning_rate=1e-4"``, and what the cells tagged ``result`` printed.
    """
    for value in values:
        read_values(chapter, {**fixed, name: value})  # a mistake in the last value shows before the first run
    for value in values:
        varied = f"{name}={value}"
        output = folder / f"{varied.replace('/', '_')}.ipynb"
        yield varied, result_lines(run_with(chapter, {**fixed, name: value}, output=output))


def result_lines(notebook: NotebookNode) -> list[str]:
    """Return what the cells tagged ``result`` printed: the numbers `make book` ends with."""
    found = []
    for cell in notebook.cells:
        if "result" in cell.metadata.get("tags", []):
            for output in cell.outputs:
                found += output.get("text", output.get("data", {}).get("text/plain", "")).splitlines()
    return found
