"""An assignment as the notebook that `otter assign` takes.

Its raw cells: https://otter-grader.readthedocs.io/en/latest/otter_assign/notebook_format.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import nbformat
from nbformat import NotebookNode

from mlmtutor.teach.assignments import notebooks
from mlmtutor.teach.assignments.notebooks import Edition
from mlmtutor.teach.assignments.source import Assignment, Exercise, Test


def compose_master(
    assignment: Assignment, edition: Edition, expected: Sequence[Sequence[Any]]
) -> NotebookNode:
    """Make the notebook, with answers and hidden tests between otter's raw cells."""
    config = [
        f"name: {assignment.slug}",
        "init_cell: false",
        "export_cell: false",
        "check_all_cell: false",
        "files: []",
    ]
    cells = [_raw("# ASSIGNMENT CONFIG", *config), *notebooks.write_head(assignment, edition)]
    for exercise, values in zip(assignment.exercises, expected, strict=True):
        answer = [
            notebooks.name_answer(exercise),
            exercise.start,
            "# BEGIN SOLUTION NO PROMPT",
            exercise.answer,
            "# END SOLUTION",
        ]
        cells += [
            _raw("# BEGIN QUESTION", f"name: {name_question(exercise)}", f"points: {exercise.points}"),
            notebooks.write_task(exercise, edition),
            _raw("# BEGIN SOLUTION"),
            notebooks.new_code("\n".join(answer), f"answer-{exercise.name}"),
            _raw("# END SOLUTION"),
            _raw("# BEGIN TESTS"),
            *(
                notebooks.new_code(_write_test(test, value, edition), f"test-{exercise.name}-{number}")
                for number, (test, value) in enumerate(zip(exercise.tests, values, strict=True), start=1)
            ),
            _raw("# END TESTS"),
            _raw("# END QUESTION"),
            notebooks.new_code(notebooks.write_check(exercise, edition), f"check-{exercise.name}"),
        ]
    return notebooks.new_notebook(assignment, edition, cells)


def name_question(exercise: Exercise) -> str:
    """Return otter's name of an exercise, which is a name in Python as well."""
    return f"exercise_{exercise.name.replace('.', '_')}"


def _write_test(test: Test, expected: Any, edition: Edition) -> str:
    message = json.dumps(test.hint[edition.lang], ensure_ascii=False)
    head = [
        '""" # BEGIN TEST CONFIG',
        "hidden: true",
        f"points: {test.points}",
        f"failure_message: {message}",
        '""" # END TEST CONFIG',
    ]
    return "\n".join([*head, notebooks.write_test(test, expected, edition)])


def _raw(*lines: str) -> NotebookNode:
    return nbformat.v4.new_raw_cell("\n".join(lines))
