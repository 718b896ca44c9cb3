"""Doubts: what can be computed but may not mean what it seems is said loudly, and noted in reports."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


class Doubt(UserWarning):
    """A warning of a result that may not mean what its reader will take it for."""


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
    with warnings.catch_warnings():
        warnings.simplefilter("always", Doubt)
        show = warnings.showwarning

        def note(message: Warning | str, category: type[Warning], *place, **more) -> None:
            if not issubclass(category, Doubt):
                show(message, category, *place, **more)
            elif str(message) not in doubts:
                doubts.append(str(message))
                logger.warning("%s", message)

        warnings.showwarning = note
        yield doubts
