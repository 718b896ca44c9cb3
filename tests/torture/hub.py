"""Let the Hub fail in every way, and ask it for a model, a tokenizer and a data set."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.hub.faults import EXPECTED, FAULTS, LIMIT, make_repositories, try_fault

LONGEST_MESSAGE = 300


def hub_cases(work: Path) -> list[tuple[str, Callable[[], str]]]:
    """Return the names of all failures, each with a call that tries it and says what is wrong, if anything is."""
    make_repositories(work)
    return [(f"{mode} / {what}", partial(_try, mode, what, work)) for mode, what in FAULTS]


def _try(mode: str, what: str, work: Path) -> str:
    seconds, message = try_fault(mode, what, root=work)
    message = message.partition(": ")[2]
    if EXPECTED[mode] not in message:
        return f"expected {EXPECTED[mode]!r}, found {message}"
    if seconds >= LIMIT or len(message) > LONGEST_MESSAGE or "\n" in message:
        return f"expected one line within {LIMIT} s, found after {seconds:.1f} s: {message}"
    return ""
