"""Whether a person is watching: a bar in a terminal and in a notebook, silence in tests and in CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


def is_watched(progress: bool | None = None) -> bool:
    """Decide whether to show progress.

    Bars are text on standard error. Notebooks show that as well as terminals do, and it needs neither widgets nor
    cleared output, which papermill and nbval do not handle.

    Args:
        progress: True or False settle it. None: the environment variable ``MLMTUTOR_PROGRESS`` (1 or 0)
            settles it; else yes in a terminal and in a notebook, but no under pytest, nbval and CI.

    Returns:
        Whether to show a bar.

    Example:
        >>> is_watched(False)
        False

    Source: chapter 06_fine_tuning.
    """
    if progress is not None:
        return progress
    if (asked := os.environ.get("MLMTUTOR_PROGRESS")) in ("0", "1"):
        return asked == "1"
    # nbval starts its kernels inside a pytest run, and they inherit the variable
    if "PYTEST_CURRENT_TEST" in os.environ or os.environ.get("CI"):
        return False
    ipython = sys.modules.get("IPython")
    in_notebook = ipython is not None and hasattr(ipython.get_ipython(), "kernel")
    return in_notebook or sys.stderr.isatty()


def bar(
    items: Iterable[Item], *, name: str, unit: str, total: int, progress: bool | None = None
) -> Iterator[Item]:
    """Iterate under a progress bar, which appears after a second: short work needs none.

    Args:
        items: What to iterate over.
        name: What is being done, before the bar.
        unit: What is counted.
        total: How many there will be.
        progress: As in :func:`is_watched`.

    Example:
        >>> list(bar("ab", name="reading", unit="letter", total=2))
        ['a', 'b']
    """
    from tqdm import tqdm

    shown = is_watched(progress)
    return iter(tqdm(items, desc=name, unit=unit, total=total, mininterval=1.0, delay=1.0, disable=not shown))


@contextmanager
def no_library_bars() -> Iterator[None]:
    """Keep transformers from showing a bar for each file that it reads or writes."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
