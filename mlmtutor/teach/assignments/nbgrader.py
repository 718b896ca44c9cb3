"""An assignment as nbgrader's source: what `nbgrader generate_assignment` and `nbgrader autograde` take.

Metadata and markers: https://nbgrader.readthedocs.io/en/stable/user_guide/creating_and_grading_assignments.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbformat import NotebookNode

from mlmtutor.teach.assignments import notebooks
from mlmtutor.teach.assignments.notebooks import ANSWER_HERE, Edition
from mlmtutor.teach.assignments.source import Assignment

CONFIG = f"""# for nbgrader; run its commands in this folder
c = get_config()
c.ClearSolutions.code_stub = {{"python": "{ANSWER_HERE}"}}
c.ExecutePreprocessor.timeout = 900  # seconds for a cell
"""


def compose_source(
    assignment: Assignment, edition: Edition, expected: Sequence[Sequence[Any]]
) -> NotebookNode:
    """Make the source, with answers and hidden tests between nbgrader's markers."""
    cells = [_lock(cell) for cell in notebooks.write_head(assignment, edition)]
    for exercise, values in zip(assignment.exercises, expected, strict=True):
        answer = [
            notebooks.name_answer(exercise),
            exercise.start,
            "### BEGIN SOLUTION",
            exercise.answer,
            "### END SOLUTION",
        ]
        cells += [
            _lock(notebooks.write_task(exercise, edition)),
            _mark(
                notebooks.new_code("\n".join(answer), f"answer-{exercise.name}"), solution=True, locked=False
            ),
            _lock(notebooks.new_code(notebooks.write_check(exercise, edition), f"check-{exercise.name}")),
        ]
        for number, (test, value) in enumerate(zip(exercise.tests, values, strict=True), start=1):
            code = [
                notebooks.name_test(exercise, number),
                "### BEGIN HIDDEN TESTS",
                notebooks.write_test(test, value, edition),
                "### END HIDDEN TESTS",
            ]
            cell = notebooks.new_code("\n".join(code), f"test-{exercise.name}-{number}")
            cells.append(_mark(cell, grade=True, points=test.points))
    return notebooks.new_notebook(assignment, edition, cells)


def _lock(cell: NotebookNode) -> NotebookNode:
    return _mark(cell)


def _mark(cell: NotebookNode, **facts: Any) -> NotebookNode:
    first = {
        "grade": False,
        "grade_id": cell.id,
        "locked": True,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    cell.metadata["nbgrader"] = {**first, **facts}
    return cell
