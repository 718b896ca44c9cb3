"""Numbers of each student's own: drawn from a seed and the student's name, the same on every machine."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any

from mlmtutor.teach.assignments.source import Assignment


def draw_numbers(assignment: Assignment, *, student: str, seed: int, attempt: int = 0) -> dict[str, Any]:
    """Draw the values that differ from one student to the next.

    Args:
        assignment: The assignment.
        student: The student.
        seed: Of the class.
        attempt: Another draw for the same student.

    Returns:
        The values by name.
    """
    generator = random.Random(f"{seed}/{student}/{assignment.slug}/{attempt}")
    return {name: generator.choice(values) for name, values in assignment.vary.items()}


def set_numbers(code: str, values: Mapping[str, Any]) -> str:
    """Put values into the lines that assign them.

    Example:
        >>> set_numbers("size = 96  # tokens per chunk", {"size": 48})
        'size = 48  # tokens per chunk'
    """
    for name, value in values.items():
        code = re.sub(
            rf"^{name} = (?:[^#\n]*?)(?=\s*(?:#|$))",
            lambda _, name=name, value=value: f"{name} = {value!r}",
            code,
            flags=re.MULTILINE,
        )
    return code
