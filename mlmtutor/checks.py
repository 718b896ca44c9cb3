"""Telling a reader whether an answer is right and a measurement as expected, and if not, why."""

from __future__ import annotations

from typing import Any


def check_answer(answer: Any, *, expected: Any, why: str) -> None:
    """Say whether an answer is right; explain it in either case.

    Args:
        answer: The reader's answer. None or ``...`` is an answer not given yet.
        expected: The right one; floats may differ by one part in a thousand.
        why: One sentence that explains it.

    Example:
        >>> check_answer(6, expected=6, why="800 // 128 is 6.")
        Right. 800 // 128 is 6.
        >>> check_answer(7, expected=6, why="800 // 128 is 6.")
        Not yet: you say 7. 800 // 128 is 6.

    Source: chapter 01_fill_mask.
    """
    if answer is None or answer is ...:
        print("No answer yet: replace the ... and run the cell again.")
    elif _is_equal(answer, expected):
        print(f"Right. {why}")
    else:
        print(f"Not yet: you say {answer}. {why}")


def _is_equal(answer: Any, expected: Any) -> bool:
    if isinstance(expected, float) and isinstance(answer, (int, float)):
        return abs(answer - expected) <= 1e-3 * abs(expected)
    return bool(answer == expected)


def check_range(value: float, *, low: float, high: float, name: str) -> None:
    """Make sure that a measurement is where it was on other machines.

    Results of a training differ a little from one processor to the next. Where the book shows one, it checks
    its range, so that a reader sees at once if something is really wrong.

    Args:
        value: The measurement.
        low: The least that is plausible.
        high: The most.
        name: What was measured.

    Raises:
        ValueError: If the value is outside.

    Example:
        >>> check_range(104.2, low=85, high=125, name="perplexity")
        perplexity is within 85 to 125, as expected

    Source: chapter 06_fine_tuning.
    """
    if not low <= value <= high:
        raise ValueError(f"expected {name} within {low:g} to {high:g}, found {value:g}")
    print(f"{name} is within {low:g} to {high:g}, as expected")
