"""Curves: losses by step, one number against another, and over sizes that double."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlmtutor.plots.axes import new_axes
from mlmtutor.plots.fonts import legible

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_losses(
    steps: Sequence[int],
    losses: Sequence[float],
    *,
    evaluations: Mapping[int, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the training loss by step, and over it the loss on frozen masks.

    Args:
        steps: The steps at which a loss was logged.
        losses: Those losses, in nats per masked token.
        evaluations: Loss on frozen masks by step, 0 for before the training; the training loss is then drawn faintly.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: steps to the right, nats per masked token upwards.

    Raises:
        ValueError: If no loss was logged.

    Example:
        >>> from matplotlib.figure import Figure
        >>> plot_losses([10, 20], [5.0, 4.0], ax=Figure().subplots()).get_xlabel()
        'step'

    Source: chapter 06_fine_tuning.
    """
    if len(steps) == 0 or len(steps) != len(losses):
        raise ValueError(f"expected one loss per logged step, found {len(losses)} for {len(steps)} steps")
    ax = new_axes() if ax is None else ax
    ax.plot(
        steps, losses, marker=".", label="training, new masks in each step", alpha=0.5 if evaluations else 1
    )
    if evaluations:
        ax.plot(
            list(evaluations),
            list(evaluations.values()),
            marker="o",
            label="test, frozen masks",
            color="black",
        )
        ax.legend()
    ax.set_xlabel("step")
    ax.set_ylabel("loss (nats per masked token)")
    return legible(ax)


def plot_curves(
    curves: Mapping[str, Mapping[float, float]],
    *,
    xlabel: str,
    ylabel: str,
    bands: Mapping[str, Mapping[float, tuple[float, float]]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one number against another, for one curve or for several, with bands where they are known.

    Args:
        curves: Name of the curve to its points, y by x.
        xlabel: What x is, with its unit.
        ylabel: What y is, with its unit.
        bands: Low and high end of y by x, for the curves that have an interval.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes; curves differ in marker and line as well as in colour.

    Raises:
        ValueError: If there is no point.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_curves({"mini": {64: 1.5, 128: 1.0}}, xlabel="x", ylabel="y", ax=Figure().subplots())
        >>> ax.lines[0].get_xdata().tolist()
        [64, 128]

    Source: chapter 03_chunking.
    """
    if not any(curves.values()):
        raise ValueError("expected at least one point, found none")
    ax = new_axes() if ax is None else ax
    for number, (name, points) in enumerate(curves.items()):
        style = {"marker": "os^D"[number % 4], "linestyle": ["-", "--", ":", "-."][number % 4]}
        (line,) = ax.plot(list(points), list(points.values()), label=name, **style)
        band = (bands or {}).get(name, {})
        if band:
            low, high = zip(*band.values(), strict=True)
            ax.fill_between(list(band), low, high, color=line.get_color(), alpha=0.2)
    if len(curves) > 1:
        ax.legend()
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return legible(ax)


def plot_doublings(
    curves: Mapping[str, Mapping[int, float]], *, xlabel: str, ylabel: str, ax: Axes | None = None
) -> Axes:
    """Draw curves over sizes that double, such as 16, 32, 64, at equal distances.

    Args:
        curves: Name of the curve to its points, y by x; each x above 0.
        xlabel: What x is, with its unit.
        ylabel: What y is, with its unit.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes of :func:`plot_curves`, with a logarithmic x axis to base 2 and one tick at each x.

    Raises:
        ValueError: If there is no point, or an x is not above 0.

    Example:
        >>> from matplotlib.figure import Figure
        >>> points = {16: 4.9, 32: 4.6, 64: 4.4}
        >>> ax = plot_doublings({"mini": points}, xlabel="x", ylabel="y", ax=Figure().subplots())
        >>> ax.get_xscale(), ax.get_xticks().tolist()
        ('log', [16, 32, 64])

    Source: chapter 03_chunking.
    """
    ticks = sorted({x for points in curves.values() for x in points})
    if ticks and ticks[0] <= 0:
        raise ValueError(f"expected sizes above 0, found {ticks[0]}")
    ax = plot_curves(curves, xlabel=xlabel, ylabel=ylabel, ax=ax)
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks, [f"{x:g}" for x in ticks])
    ax.minorticks_off()
    return legible(ax)
