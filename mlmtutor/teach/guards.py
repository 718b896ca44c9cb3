"""The check that a chapter makes of its own parameters, made before anything runs: some rules join several of them."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from mlmtutor.teach.chapters import Chapter
from mlmtutor.teach.parameters import Value


def find_problem(chapter: Chapter, values: Mapping[str, Value]) -> str | None:
    """Return what a chapter says to the values of all its parameters; None if it takes them.

    Only statements like ``if batch_size % 2: raise ValueError(...)`` in the folded cell after the parameters are looked at. One that
    needs more than the parameters is left to the run.
    """
    place = next(number for number, cell in enumerate(chapter.code) if "parameters" in cell.tags)
    guards = [cell for cell in chapter.code[place + 1 : place + 2] if "remove-cell" in cell.tags]
    for node in [node for cell in guards for node in ast.parse(cell.source).body]:
        if not (isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise)):
            continue
        try:
            exec(compile(ast.Module([node], []), chapter.slug, "exec"), dict(values))
        except ValueError as error:
            return str(error)
        except Exception:
            continue
    return None
