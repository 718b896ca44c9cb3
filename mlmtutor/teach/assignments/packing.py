"""An answer on its way from the kernel that found it to the process that marks it."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Set
from typing import Any

from mlmtutor.exercises import make_plain

MOST_CHARACTERS = 1_000_000
PACKED = "application/x-mlmtutor"  # media type, which no other way of showing things touches


class Packed:
    """An answer as JSON, which the kernel shows as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {PACKED: self.text}


def pack(find: Callable[[], Any]) -> Packed:
    """Return an answer as JSON: its value, None if that is more than texts, numbers and lists of them, and how it looks.

    Raises:
        ValueError: If it is too long to be an answer.
    """
    value = find()
    plain = make_plain(list(value) if isinstance(value, Set) else value)
    facts = {"shown": reprlib.repr(plain), "is_answer": value is not None and value is not ...}
    try:
        text = json.dumps(facts | {"value": plain}, default=_simplify)
    except (TypeError, ValueError, RecursionError):
        text = json.dumps(facts | {"value": None})
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"expected an answer of at most {MOST_CHARACTERS:,} characters, got {len(text):,}")
    return Packed(text)


def _simplify(value: Any) -> Any:
    """Return a number of another kind, such as a fraction, as a float, and what can be gone through as a list."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return make_plain(list(value))
