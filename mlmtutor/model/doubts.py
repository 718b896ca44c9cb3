"""Doubts: what can be computed but may not mean what it seems is said loudly, and noted in reports."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


class Doubt(UserWarning):
    """A result that can be computed, but that may not mean what its reader will take it for."""


@contextmanager
def recorded_doubts() -> Iterator[list[str]]:
    """Collect the doubts that arise inside, each once, and log them instead of warning; other warnings pass.

    Example:
        >>> with recorded_doubts() as doubts:
        ...     warnings.warn("few texts", Doubt, stacklevel=1)
        >>> doubts
        ['few texts']
    """
    doubts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", Doubt)
        yield doubts
    for warning in caught:
        if not issubclass(warning.category, Doubt):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif str(warning.message) not in doubts:
            doubts.append(str(warning.message))
            logger.warning("%s", warning.message)
