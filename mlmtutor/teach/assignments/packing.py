"""An answer on its way from the kernel that found it to the process that marks it."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Set
from typing import Any

from mlmtutor.exercises import make_plain

MOST_CHARACTERS = 1_000_000


def pack(find: Callable[[], Any]) -> str:
    """Return an answer as JSON: its value, or if that is more than texts, numbers and lists of them, what kind it is.

    Raises:
        ValueError: If it is too long to be an answer.
    """
    value = find()
    plain = make_plain(list(value) if isinstance(value, Set) else value)
    facts = {"kind": type(value).__name__, "shown": reprlib.repr(plain)}
    try:
        text = json.dumps({**facts, "value": plain, "is_answer": value is not None and value is not ...})
    except (TypeError, ValueError, RecursionError):
        text = json.dumps({**facts, "value": None, "is_answer": value is not ...})
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"expected an answer of at most {MOST_CHARACTERS:,} characters, got {len(text):,}")
    return text
