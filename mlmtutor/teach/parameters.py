"""The parameters of a chapter: read from its source, and values for them checked before anything runs."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlmtutor.teach.chapters import Chapter
from mlmtutor.teach.sources import Refused, find_nearest

Value = int | float | str | bool
TRUTH = {"true": True, "false": False}
READERS = {"int": int, "float": float, "str": str, "bool": lambda text: TRUTH[text.lower()]}
KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}
LIMITS = ("min", "above", "max", "choices")  # keys of the table that say which values a chapter takes


@dataclass(frozen=True)
class Parameter:
    """One line of a chapter's parameters cell, and which values the chapter takes."""

    name: str
    type: str  # int, float, str or bool
    default: Value
    meaning: str  # the comment behind it
    limits: Mapping[str, Any] = field(default_factory=dict)  # of the table: min, above, max, choices

    def read(self, text: str) -> Value:
        """Convert a value as it was typed.

        Raises:
            ValueError: If it is of another type, or out of range; one line.
        """
        try:
            value = READERS[self.type](text)
        except (ValueError, KeyError):
            raise ValueError(f"{self.name} must be {KINDS[self.type]}, got {text!r}") from None
        if self.type == "float" and not math.isfinite(value):
            raise ValueError(f"{self.name} must be finite, got {text!r}")
        if not is_within(value, self.limits):
            raise ValueError(f"{self.name} must be {show_limits(self.limits)}, got {text!r}")
        return value


def read_parameters(
    chapter: Chapter, table: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Parameter]:
    """Return the parameters of a chapter, in order.

    Args:
        chapter: The chapter.
        table: What the package's table says of its parameters, by name; the limits are taken from there.

    Raises:
        Refused: If the chapter has no cell with parameters.
    """
    cell = next((cell for cell in chapter.code if "parameters" in cell.tags), None)
    if cell is None:
        raise Refused([f"{chapter.slug} has no parameters"])
    lines, table = cell.source.splitlines(), table or {}
    return [
        Parameter(
            name=node.target.id,
            type=node.annotation.id,
            default=ast.literal_eval(node.value),
            meaning=lines[node.lineno - 1][node.end_col_offset :].partition("#")[2].strip(),
            limits={key: value for key, value in table.get(node.target.id, {}).items() if key in LIMITS},
        )
        for node in ast.parse(cell.source).body
    ]


def is_within(value: Value, limits: Mapping[str, Any]) -> bool:
    """Whether a value is one that a chapter takes.

    Example:
        >>> is_within(8, {"min": 8}), is_within(0.0, {"above": 0, "max": 1}), is_within("big", {"choices": ["mini"]})
        (True, False, False)
    """
    return (
        ("min" not in limits or value >= limits["min"])
        and ("above" not in limits or value > limits["above"])
        and ("max" not in limits or value <= limits["max"])
        and ("choices" not in limits or value in limits["choices"])
    )


WORDS = {
    "en": (" to ", "at least ", "above ", "at most ", " or "),
    "zh": (" 到 ", "至少 ", "大于 ", "至多 ", " 或 "),
}


def show_limits(limits: Mapping[str, Any], lang: str = "en") -> str:
    """Return the limits in words; nothing where there are none.

    Example:
        >>> show_limits({"min": 8, "max": 512}), show_limits({"above": 0, "max": 1}), show_limits({"choices": ["a", "b", "c"]})
        ('8 to 512', 'above 0, at most 1', 'a, b or c')
    """
    to, at_least, above, at_most, either = WORDS[lang]
    if choices := limits.get("choices"):
        return f"{', '.join(choices[:-1])}{either}{choices[-1]}"
    if "min" in limits and "max" in limits:
        return f"{limits['min']}{to}{limits['max']}"
    words = {"min": at_least, "above": above, "max": at_most}
    return ", ".join(f"{word}{limits[key]}" for key, word in words.items() if key in limits)


def split_assignments(assignments: Iterable[str]) -> dict[str, list[str]]:
    """Return the values of each name, from texts such as ``"mask_prob=0.3"``.

    Raises:
        Refused: If one has another form.

    Example:
        >>> split_assignments(["seed=1", "text=a=b", "seed=2"])
        {'seed': ['1', '2'], 'text': ['a=b']}
    """
    found, problems = {}, []
    for assignment in assignments:
        name, sign, value = assignment.partition("=")
        if not sign or not name.strip():
            problems.append(f"-p must be followed by NAME=VALUE, got {assignment!r}")
        found.setdefault(name.strip(), []).append(value)
    if problems:
        raise Refused(problems)
    return found


def read_values(
    chapter: Chapter, parameters: Iterable[Parameter], given: Mapping[str, Iterable[str]]
) -> dict[str, list[Value]]:
    """Check values as they were typed, all of them.

    Args:
        chapter: The chapter.
        parameters: Its parameters.
        given: One or more values by name.

    Returns:
        The same names with values of the right types, each value once.

    Raises:
        Refused: With a line for each name that the chapter does not have, and for each value that it does not take.
    """
    known = {parameter.name: parameter for parameter in parameters}
    values, problems = {}, []
    for name, texts in given.items():
        if name not in known:
            nearest, there = find_nearest(name, known), ", ".join(known)
            problems.append(
                f"{chapter.slug} has no parameter {name!r}, the nearest is {nearest}; there are: {there}"
            )
            continue
        for text in texts:
            try:
                value = known[name].read(text)
            except ValueError as error:
                problems.append(str(error))
            else:
                if value not in values.setdefault(name, []):
                    values[name].append(value)
    if problems:
        raise Refused(problems)
    return values
