"""New axes in the style of the course, and an axis of ratios."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

STYLE = Path(__file__).parents[1] / "data" / "plots.mplstyle"
BLUE, ORANGE, GREEN = (
    "#0072B2",
    "#D55E00",
    "#009E73",
)  # the first of its cycle, for parts drawn outside its context


def new_axes(*, num_rows: int = 0) -> Axes:
    """Return the axes of a new figure, tall enough for that many lines of text one below the other."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    if not plt.get_fignums():
        # subtle: a notebook's backend, started inside the context, would not stay interactive after it
        plt.switch_backend(mpl.get_backend())
    with plt.style.context(STYLE):
        width, height = plt.rcParams["figure.figsize"]
        return plt.subplots(figsize=(width, max(height, 0.7 + 0.2 * num_rows)))[1]


def center_on_one(axis: Axis, ends: Iterable[float]) -> None:
    """Make an axis of ratios logarithmic, with 1 on it and plain numbers at its ticks."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    finite = [end for end in ends if np.isfinite(end)]
    low, high = min([1.0, *finite]), max([1.0, *finite])
    room = (high / low) ** 0.08 if high > low else 1.05
    set_limits = axis.axes.set_xlim if axis.axis_name == "x" else axis.axes.set_ylim
    (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
    set_limits(low / room, high * room)
    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}"))
