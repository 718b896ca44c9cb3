"""For readers of a chapter: is an answer right, a measurement as expected, and is the chapter as it was printed?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

PARAMETERS = Path(__file__).parent / "data" / "parameters.yml"


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
    """Check that a measurement is where it was on other machines.

    Results of a training run differ a little from one processor to the next. Where the book shows one, it checks
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


def as_printed(chapter: str, values: Mapping[str, Any], *, profile: str) -> bool:
    """Return whether a chapter runs with the parameters that the results in the book were made with.

    Only then can a result be compared with the book's. Values are compared with the package's table of parameters, so
    it does not matter whether they were changed by papermill or by hand.

    Args:
        chapter: Its slug, such as ``"06_fine_tuning"``.
        values: Parameters by name, as ``globals()`` has them before the chapter changes any.
        profile: Name of the profile; the book's results are of ``"mini"``.

    Raises:
        ValueError: If there is no such chapter, or a parameter is missing.

    Example:
        >>> as_printed("01_fill_mask", {"text": "This is a great [MASK].", "top_k": 5}, profile="mini")
        True
        >>> as_printed("01_fill_mask", {"text": "This is a great [MASK].", "top_k": 6}, profile="mini")
        False

    Source: chapter 06_fine_tuning.
    """
    chapters = _read_parameters()
    if chapter not in chapters:
        raise ValueError(f"chapter must be one of {', '.join(chapters)}, got {chapter!r}")
    defaults = {name: facts["default"] for name, facts in chapters[chapter].items() if name != "PROFILE"}
    if missing := defaults.keys() - values.keys():
        raise ValueError(
            f"expected all parameters of {chapter}, found none called {', '.join(sorted(missing))}"
        )
    return profile == "mini" and all(values[name] == default for name, default in defaults.items())


@cache
def _read_parameters() -> dict[str, dict[str, dict[str, Any]]]:
    import yaml

    return yaml.safe_load(PARAMETERS.read_text(encoding="utf-8"))
