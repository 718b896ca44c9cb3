"""For readers of a chapter: is an answer right, a measurement as expected, and is the chapter as it was printed?"""

from __future__ import annotations

import math
import re
import reprlib
import textwrap
from collections.abc import Mapping, Sequence, Set
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
PARAMETERS, ANSWERS = DATA / "parameters.yml", DATA / "answers.yml"
WIDTH = 80  # of a printed line, as on the pages of the book
TOLERANCE = 0.01  # of the expected number, where it has a decimal point


def check_answer(name: str, answer: Any) -> None:
    """Say whether an answer is right. A right one is explained; a wrong one gets a hint and can be tried again.

    What counts is what is meant: ``0.69`` is right for the logarithm of 2, ``"4 %"`` for a share of 0.04, and a list, a
    tuple, an array or a tensor with the right numbers for a pair. Case and spaces do not matter in a text.

    Args:
        name: The question, by chapter and number, such as ``"3.1"``.
        answer: The reader's answer. None or ``...`` is an answer not given yet.

    Raises:
        ValueError: If there is no such question.

    Example:
        >>> check_answer("6.2", "0.7")
        Right. Half the perplexity is ln 2 = 0.69 nats less, wherever it starts.
        >>> check_answer("6.2", 2)
        Not yet: 2. Perplexity is the exponential of the loss; what does halving an
        exponential take off its exponent?

    Source: chapter 01_fill_mask.
    """
    questions = _read(ANSWERS)
    if name not in questions:
        raise ValueError(f"question must be one of {', '.join(questions)}, got {name!r}")
    question = questions[name]
    if answer is None or answer is ...:
        said = "No answer yet: replace the ... and run the cell again."
    else:
        given, is_share = make_plain(answer), question.get("is_share", False)
        meant = [question["expected"], *question.get("also", [])]
        if any(means(given, expected, is_share=is_share) for expected in meant):
            said = f"Right. {question['why']}"
        else:
            form = "" if _has_form(given, expected=meant[0]) else f"{_name_form(meant[0])} is asked for. "
            said = f"Not yet: {reprlib.repr(given)}. {form}{question['hint']}"
    print(textwrap.fill(said, WIDTH, break_long_words=False, break_on_hyphens=False))


def means(answer: Any, expected: Any, *, is_share: bool = False, any_order: bool = False) -> bool:
    """Return whether an answer means the expected one, whatever its type and form.

    Args:
        answer: Text, number, list, tuple, array, tensor or table column, or lists of these.
        expected: A truth value, a text, a number or a list of these. A whole number must be met exactly; a number with a
            decimal point may be off by a hundredth of itself, or rounded to two digits or more.
        is_share: Per cent are right as well: 4 and ``"4 %"`` for 0.04.
        any_order: The order of a list does not matter, and a set will do.

    Example:
        >>> import numpy as np
        >>> [means(answer, 7) for answer in (7.0, np.int64(7), "7", 7.1, True)]
        [True, True, True, False, False]
        >>> means(np.array([8.0, 0.0]), [8, 0]), means("4 %", 0.04, is_share=True), means([2, 1], [1, 2], any_order=True)
        (True, True, True)
    """
    given = list(answer) if any_order and isinstance(answer, Set) else answer
    return _is_right(make_plain(given), expected=expected, is_share=is_share, any_order=any_order)


def make_plain(answer: Any) -> Any:
    """Return arrays, tensors and columns of tables as numbers and lists of them, and everything else as it is."""
    if isinstance(answer, Mapping):
        return {key: make_plain(one) for key, one in answer.items()}
    if isinstance(answer, Sequence) and not isinstance(answer, str | bytes):
        return [make_plain(one) for one in answer]
    if hasattr(answer, "detach"):
        answer = answer.detach()
    return answer.tolist() if hasattr(answer, "tolist") else answer


def _is_right(answer: Any, *, expected: Any, is_share: bool = False, any_order: bool = False) -> bool:
    if isinstance(expected, list):
        given = _split_list(answer)
        if len(given) != len(expected):
            return False
        left = list(given)
        for place, other in enumerate(expected):
            candidates = range(len(left)) if any_order else [place]
            found = [one for one in candidates if _is_right(left[one], expected=other, is_share=is_share)]
            if not found:
                return False
            if any_order:
                left.pop(found[0])
        return True
    if isinstance(expected, bool):
        return isinstance(answer, bool) and answer == expected
    if isinstance(expected, str):
        return isinstance(answer, str) and _simplify(answer) == _simplify(expected)
    number = _read_number(answer)
    if number is None:
        return False
    if isinstance(expected, int):
        return math.isclose(number, expected, rel_tol=1e-6, abs_tol=1e-6)
    meant = [expected, 100 * expected] if is_share else [expected]
    return any(_rounds_to(number, value) for value in meant)


def _has_form(answer: Any, *, expected: Any) -> bool:
    """Whether an answer is at least of the right kind."""
    if isinstance(expected, list):
        return len(_split_list(answer)) == len(expected)
    return isinstance(answer, str) if isinstance(expected, str) else _read_number(answer) is not None


def _name_form(expected: Any) -> str:
    if isinstance(expected, list):
        return f"A list of {len(expected)}"
    return "A text" if isinstance(expected, str) else "A number"


def _split_list(answer: Any) -> list[Any]:
    if isinstance(answer, str):
        return [part for part in re.split(r"[\s,;()\[\]]+", answer) if part]
    return answer if isinstance(answer, list) else [answer]


def _simplify(text: str) -> str:
    return " ".join(text.split()).strip(" '\"“”‘’`.").casefold()


def _read_number(answer: Any) -> float | None:
    """Return the number that an answer is, whatever its type; None if it is none.

    A text may have a per cent sign, which divides by 100, or a unit, which is left out: ``"4 %"``, ``"134 MB"``.
    """
    if isinstance(answer, bool):
        return None
    try:
        if not isinstance(answer, str):
            number = float(answer)
        else:
            shape = re.fullmatch(r"([-+]?[\d.,_/eE+-]+)\s*([%％]?)\s*[^\W\d]*", answer.strip())
            if shape is None:
                return None
            number = float(Fraction(_read_commas(shape[1]))) / (100 if shape[2] else 1)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None


def _read_commas(digits: str) -> str:
    """Take out the commas between thousands; a comma that cannot be one of those is a decimal point."""
    if re.fullmatch(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", digits):
        return digits.replace(",", "")
    return digits.replace(",", ".").replace("_", "")


def _rounds_to(number: float, expected: float) -> bool:
    """Whether a number is within a hundredth of the expected one, or is what it rounds to with two or more digits."""
    return abs(number - expected) <= TOLERANCE * abs(expected) or any(
        math.isclose(number, float(f"{expected:.{digits}g}"), rel_tol=1e-9) for digits in range(2, 10)
    )


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
    chapters = _read(PARAMETERS)
    if chapter not in chapters:
        raise ValueError(f"chapter must be one of {', '.join(chapters)}, got {chapter!r}")
    defaults = {name: facts["default"] for name, facts in chapters[chapter].items() if name != "PROFILE"}
    if missing := defaults.keys() - values.keys():
        raise ValueError(
            f"expected all parameters of {chapter}, found none called {', '.join(sorted(missing))}"
        )
    return profile == "mini" and all(values[name] == default for name, default in defaults.items())


@cache
def _read(path: Path) -> dict[str, dict[str, Any]]:
    import yaml

    return yaml.safe_load(path.read_text(encoding="utf-8"))
