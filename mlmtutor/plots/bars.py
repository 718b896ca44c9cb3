"""Bars: candidates for a mask, and labelled numbers of one series or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlmtutor.plots.axes import new_axes
from mlmtutor.plots.fonts import legible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlmtutor.model.fill_mask import Candidate


def plot_candidates(
    groups: Mapping[str, Sequence[Candidate]], *, show_rest: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw the probabilities of the candidates for a mask in per cent, for one model or for several.

    Args:
        groups: Name of the model to its candidates; a token that a model does not list has no bar there.
        show_rest: Add a bar for what all the other tokens of the vocabulary have together.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: probability to the right, tokens downwards in the order of their first appearance. Each bar carries
        its number.

    Raises:
        ValueError: If there is no candidate.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from mlmtutor.model.fill_mask import Candidate
        >>> candidates = {"mini": [Candidate("film", 2143, 0.3, "a film")]}
        >>> ax = plot_candidates(candidates, show_rest=True, ax=Figure().subplots())
        >>> [text.get_text() for text in ax.texts], ax.get_xlabel()
        (['30.0', '70.0'], 'probability (%)')

    Source: chapter 01_fill_mask.
    """
    if not any(groups.values()):
        raise ValueError("expected at least one candidate, found none")
    bars = {name: {c.token: 100 * c.probability for c in candidates} for name, candidates in groups.items()}
    labels = _list_labels(bars)
    if show_rest:
        labels.append(rest := "all other tokens")  # no token has a blank in it
        bars = {name: shares | {rest: 100 - sum(shares.values())} for name, shares in bars.items()}
    ax = new_axes(num_rows=len(labels) * len(groups)) if ax is None else ax
    for drawn in _draw_bars(ax, bars, labels):
        ax.bar_label(drawn, fmt="{:.1f}", padding=3)
    ax.margins(x=0.1)
    ax.set_xlabel("probability (%)")
    return legible(ax)


def plot_bars(
    groups: Mapping[str, Mapping[str, float]],
    *,
    xlabel: str,
    intervals: Mapping[str, Mapping[str, tuple[float, float]]] | None = None,
    are_ratios: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw labelled numbers as horizontal bars, for one series or for several side by side.

    Args:
        groups: Name of the series to its numbers by label; a label that a series lacks has no bar there.
        xlabel: What the numbers are, with their unit.
        intervals: Low and high end for the numbers that have an interval, in the same shape.
        are_ratios: Draw on a logarithmic axis with bars that start at 1, so that a half is as long as a double.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: numbers to the right, labels downwards in the order of their first appearance.

    Raises:
        ValueError: If there is no number, or a ratio is not above 0.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_bars({"reviews": {"film": 0.6, "movie": 0.7}}, xlabel="share (%)", ax=Figure().subplots())
        >>> [float(bar.get_width()) for bar in ax.patches]
        [0.6, 0.7]

    Source: chapter 02_reviews.
    """
    labels = _list_labels(groups)
    if not labels:
        raise ValueError("expected at least one number, found none")
    if are_ratios and (wrong := [v for values in groups.values() for v in values.values() if not v > 0]):
        raise ValueError(f"ratios must be above 0, got {wrong[0]}")
    ax = new_axes(num_rows=len(labels) * len(groups)) if ax is None else ax
    if are_ratios:
        from matplotlib.ticker import LogLocator, NullLocator

        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter("{x:g}")
        ax.axvline(1, color="black", linestyle="-", linewidth=1)
    _draw_bars(ax, groups, labels, intervals=intervals or {}, start=1 if are_ratios else 0)
    ax.set_xlabel(xlabel)
    return legible(ax)


def _list_labels(groups: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The labels of all series in the order of their first appearance."""
    return list(dict.fromkeys(label for values in groups.values() for label in values))


def _draw_bars(
    ax: Axes, groups, labels: list[str], *, intervals=MappingProxyType({}), start: float = 0
) -> list:
    """Draw the bars of each series from ``start``, one row per label downwards; return those of each series."""
    height = 0.8 / len(groups)
    drawn = []
    for number, (name, values) in enumerate(groups.items()):
        rows = [labels.index(label) + (number - (len(groups) - 1) / 2) * height for label in values]
        hatch = ["", "///", "..."][number % 3]
        widths = [value - start for value in values.values()]
        drawn.append(ax.barh(rows, widths, height, left=start, label=name, hatch=hatch))
        ends = intervals.get(name, {})
        for row, label in zip(rows, values, strict=True):
            if label in ends:
                ax.plot(ends[label], [row, row], color="black", linewidth=1.5, linestyle="-", marker="|")
    if len(groups) > 1:
        ax.legend()
    ax.set_yticks(range(len(labels)), labels)
    ax.invert_yaxis()
    return drawn
