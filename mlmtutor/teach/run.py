"""One run of a chapter with other parameters, by papermill: a notebook, and a file with its results beside it."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import platform
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import papermill
from nbclient.exceptions import DeadKernelError
from papermill.engines import NBClientEngine, papermill_engines

import mlmtutor
from mlmtutor.model.messages import show
from mlmtutor.model.packages import find_version
from mlmtutor.teach.chapters import Chapter, list_headings
from mlmtutor.teach.failures import CellFailed, describe_death, describe_error
from mlmtutor.teach.files import prepare_files, write_text
from mlmtutor.teach.metrics import list_printed, read_metrics
from mlmtutor.teach.notebooks import compose
from mlmtutor.teach.parameters import Value, read_parameters

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # it filled up while the chapter ran
VERSIONS = ("torch", "transformers", "datasets", "papermill")
# no bars in the notebook, and no warning of the debugger
KERNEL_VARIABLES = {"MLMTUTOR_PROGRESS": "0", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


class Watch(Protocol):
    """Is told which cell runs."""

    def start(self, number: int, total: int, heading: str) -> None: ...

    def end(self, number: int, total: int, heading: str, seconds: float) -> None: ...


class _Engine(NBClientEngine):
    """Papermill's own engine, which tells a watch about each code cell."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, *, watch: Watch, headings: list[str], **options):
        places, cells = {}, nb_man.nb.cells
        code = [index for index, cell in enumerate(cells) if cell.cell_type == "code"]
        for number, index in enumerate(code, start=1):
            # papermill's cell with the values comes right behind that of the parameters, under the same heading
            if "injected-parameters" in cells[index].metadata.get("tags", []):
                headings.insert(number - 1, headings[number - 2])
            places[index] = (number, len(code), headings[number - 1])
        begin, complete, started = nb_man.cell_start, nb_man.cell_complete, [0.0]

        def cell_start(cell, cell_index=None, **named):
            begin(cell, cell_index, **named)
            if cell_index in places:
                started[0] = time.perf_counter()
                watch.start(*places[cell_index])

        def cell_complete(cell, cell_index=None, **named):
            complete(cell, cell_index, **named)
            if cell_index in places:
                watch.end(*places[cell_index], time.perf_counter() - started[0])

        nb_man.cell_start, nb_man.cell_complete = cell_start, cell_complete
        return super().execute_managed_notebook(nb_man, kernel_name, **options)


papermill_engines.register("mlmtutor", _Engine)
logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it says is said here in one line


def run_chapter(
    chapter: Chapter,
    values: Mapping[str, Value],
    *,
    lang: str,
    output: Path,
    result: Path,
    watch: Watch,
) -> dict[str, Any]:
    """Run a chapter in the current folder.

    Args:
        chapter: The chapter.
        values: Values of some of its parameters, checked; the others keep their defaults.
        lang: Language of the prose.
        output: Where the executed notebook goes.
        result: Where its results go, as JSON.
        watch: Is told about each cell.

    Returns:
        The results: parameters, metrics, printed lines, versions, seed and seconds.

    Raises:
        Refused: If the files cannot be written.
        CellFailed: If a cell raises, or the kernel dies; the notebook up to there is in `output`.
    """
    parameters = complete(chapter, values)
    key = make_key(
        chapter, parameters, lang=lang
    )  # of the source that runs, whatever becomes of the file meanwhile
    notebook = compose(chapter, lang)
    notebook.metadata.papermill = {"parameters": {}}  # the mark of a notebook that may be written over
    prepare_files(output, result, notebook)
    began = time.perf_counter()
    path = (
        str(output.absolute()).replace("{", "{{").replace("}", "}}")
    )  # subtle: papermill puts values into braces
    try:
        with _variables(KERNEL_VARIABLES):
            done = papermill.execute_notebook(
                path,
                path,
                dict(values),
                engine_name="mlmtutor",
                progress_bar=False,
                watch=watch,
                headings=list_headings(chapter, lang),
                extra_arguments=["--IPKernelApp.log_level=50"],
            )
    except papermill.PapermillExecutionError as error:
        raise CellFailed(*describe_error(error, output)) from None
    except DeadKernelError:
        raise CellFailed(*describe_death(output)) from None
    except OSError as error:
        if error.errno not in DISK:
            raise
        raise OSError(f"cannot write to {show(output)}: {error.strerror}") from None
    except KeyboardInterrupt as stop:
        raise type(stop)(f"stopped; what ran is in {show(output)}") from None
    printed = list_printed(done)
    found = {
        "chapter": chapter.slug,
        "lang": lang,
        "parameters": parameters,
        "seed": parameters.get("seed"),
        "metrics": read_metrics(printed),
        "printed": [line for lines in printed for line in lines],
        "has_result": bool(printed),
        "seconds": round(time.perf_counter() - began, 1),
        "notebook": output.name,
        "versions": {"mlmtutor": mlmtutor.__version__, "python": platform.python_version()}
        | {package: find_version(package) for package in VERSIONS},
        "key": key,
    }
    write_text(result, json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    return found


def complete(chapter: Chapter, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values of all parameters of a chapter: those given, and the defaults."""
    return {parameter.name: parameter.default for parameter in read_parameters(chapter)} | dict(values)


def make_key(chapter: Chapter, parameters: Mapping[str, Value], *, lang: str) -> str:
    """Return a digest of what decides about the results of a run: source, parameters, version of the package."""
    facts = [
        chapter.path.read_text(encoding="utf-8"),
        sorted(parameters.items()),
        lang,
        mlmtutor.__version__,
    ]
    return sha256(json.dumps(facts).encode()).hexdigest()


@contextlib.contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables that are not set, for the kernel to inherit."""
    new = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            del os.environ[name]
