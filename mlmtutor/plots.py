"""Figures: bars, curves, candidates, lengths, losses, perplexities with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlmtutor.model.fill_mask import Candidate
    from mlmtutor.scores.perplexity import Evaluation

STYLE = Path(__file__).parent / "data" / "plots.mplstyle"


def _new_axes() -> Axes:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    if not plt.get_fignums():
        # subtle: a notebook's backend, started inside the context, would not stay interactive after it
        plt.switch_backend(mpl.get_backend())
    with plt.style.context(STYLE):
        return plt.subplots()[1]


def plot_candidates(groups: Mapping[str, Sequence[Candidate]], *, ax: Axes | None = None) -> Axes:
    """Draw the probabilities of the candidates for a mask, for one model or for several.

    Args:
        groups: Name of the model to its candidates; a token that a model does not list has no bar there.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: probability to the right, tokens downwards in the order of their first appearance.

    Raises:
        ValueError: If there is no candidate.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from mlmtutor.model.fill_mask import Candidate
        >>> ax = plot_candidates({"mini": [Candidate("film", 2143, 0.3, "a film")]}, ax=Figure().subplots())
        >>> ax.get_xlabel()
        'probability'

    Source: chapter 01_fill_mask.
    """
    if not any(groups.values()):
        raise ValueError("expected at least one candidate, found none")
    bars = {name: {c.token: c.probability for c in candidates} for name, candidates in groups.items()}
    ax = plot_bars(bars, xlabel="probability", ax=ax)
    ax.set_ylabel("token")
    return ax


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
    ax = _new_axes() if ax is None else ax
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
    return ax


def plot_lengths(lengths: Iterable[int], *, marks: Iterable[int] = (), ax: Axes | None = None) -> Axes:
    """Draw a histogram of lengths, without the longest one in a hundred.

    Args:
        lengths: Number of tokens of each text.
        marks: Lengths to mark by a vertical line, such as the chunk size.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: length to the right, number of texts upwards.

    Raises:
        ValueError: If there is no length.

    Example:
        >>> from matplotlib.figure import Figure
        >>> plot_lengths([363, 304, 133], marks=[128], ax=Figure().subplots()).get_xlabel()
        'length (tokens)'

    Source: chapter 02_reviews.
    """
    array = np.fromiter(lengths, dtype=np.int64)
    if array.size == 0:
        raise ValueError("expected at least one length, found none")
    ax = _new_axes() if ax is None else ax
    ax.hist(array, bins=60, range=(0, float(np.quantile(array, 0.99))))
    for mark in marks:
        ax.axvline(mark, color="black", linestyle="--")
        # above the axes, where no bar hides it
        ax.annotate(f"{mark}", (mark, 1.01), xycoords=("data", "axes fraction"), va="bottom", ha="center")
    ax.set_xlabel("length (tokens)")
    ax.set_ylabel("texts")
    return ax


def plot_perplexities(evaluations: Mapping[str, Evaluation], *, ax: Axes | None = None) -> Axes:
    """Draw the perplexities of several models on the same masks, with 95 % intervals.

    Args:
        evaluations: Name of the model to its evaluation, from top to bottom.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: perplexity to the right on a logarithmic scale, models downwards.

    Raises:
        ValueError: If there is none, or they were not measured on the same masks.

    Example:
        >>> plot_perplexities({})
        Traceback (most recent call last):
            ...
        ValueError: expected evaluations on the same masks, found 0 different digests

    Source: chapter 07_perplexity.
    """
    digests = {evaluation.sha256 for evaluation in evaluations.values()}
    if len(digests) != 1:
        raise ValueError(f"expected evaluations on the same masks, found {len(digests)} different digests")
    ax = _new_axes() if ax is None else ax
    for row, evaluation in enumerate(evaluations.values()):
        middle, (low, high) = evaluation.perplexity, evaluation.interval()
        ends = [[middle - low], [high - middle]]
        ax.errorbar(middle, row, xerr=ends, fmt="o", capsize=4, linestyle="")
        ax.annotate(f"{middle:.1f}", (middle, row), xytext=(0, 8), textcoords="offset points", ha="center")
    ax.set_yticks(range(len(evaluations)), list(evaluations))
    ax.set_ylim(len(evaluations) - 0.5, -0.5)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.xaxis.set_minor_formatter("{x:.0f}")
    ax.set_xlabel("perplexity (95 % interval over texts)")
    return ax


def plot_before_after(
    pairs: Mapping[str, tuple[float, float]], *, xlabel: str, xformat: str = "{x:g}", ax: Axes | None = None
) -> Axes:
    """Draw how numbers changed: an empty dot before, a full one after, a line between them, on a logarithmic scale.

    On this scale equal lengths are equal factors, so changes can be compared however large the numbers are.

    Args:
        pairs: Label to its number before and after, both above 0, from top to bottom.
        xlabel: What the numbers are, with their unit.
        xformat: How to write the numbers at the axis, such as ``"{x:.0%}"``.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: numbers to the right on a logarithmic scale, labels downwards.

    Raises:
        ValueError: If there is no pair, or a number is not above 0.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_before_after({"movie": (0.001, 0.1)}, xlabel="probability", ax=Figure().subplots())
        >>> ax.get_xscale()
        'log'

    Source: chapter 06_fine_tuning.
    """
    if not pairs:
        raise ValueError("expected at least one pair, found none")
    if wrong := [label for label, pair in pairs.items() if min(pair) <= 0]:
        raise ValueError(f"expected numbers above 0, found {pairs[wrong[0]]} for {wrong[0]!r}")
    ax = _new_axes() if ax is None else ax
    rows = range(len(pairs))
    before, after = zip(*pairs.values(), strict=True)
    ax.hlines(rows, before, after, color="grey", linewidth=2, zorder=1)
    ax.scatter(before, rows, facecolors="white", edgecolors="black", s=50, label="before", zorder=2)
    ax.scatter(after, rows, color="black", s=50, label="after", zorder=2)
    ax.set_yticks(rows, list(pairs))
    ax.set_ylim(len(pairs) - 0.5, -0.5)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(xformat)
    if max(before + after) < 10 * min(before + after):
        ax.xaxis.set_minor_formatter(xformat)  # within one decade there is hardly a major tick
    else:
        ax.xaxis.set_minor_formatter("")
    ax.set_xlabel(xlabel)
    ax.legend()
    return ax


def plot_bars(
    groups: Mapping[str, Mapping[str, float]],
    *,
    xlabel: str,
    intervals: Mapping[str, Mapping[str, tuple[float, float]]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw labelled numbers as horizontal bars, for one series or for several side by side.

    Args:
        groups: Name of the series to its numbers by label; a label that a series lacks has no bar there.
        xlabel: What the numbers are, with their unit.
        intervals: Low and high end for the numbers that have an interval, in the same shape.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: numbers to the right, labels downwards in the order of their first appearance.

    Raises:
        ValueError: If there is no number.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_bars({"reviews": {"film": 0.6, "movie": 0.7}}, xlabel="share (%)", ax=Figure().subplots())
        >>> [float(bar.get_width()) for bar in ax.patches]
        [0.6, 0.7]

    Source: chapter 02_reviews.
    """
    labels = list(dict.fromkeys(label for values in groups.values() for label in values))
    if not labels:
        raise ValueError("expected at least one number, found none")
    ax = _new_axes() if ax is None else ax
    height = 0.8 / len(groups)
    for number, (name, values) in enumerate(groups.items()):
        rows = [labels.index(label) + (number - (len(groups) - 1) / 2) * height for label in values]
        hatch = ["", "///", "..."][number % 3]
        ax.barh(rows, list(values.values()), height, label=name, hatch=hatch)
        ends = (intervals or {}).get(name, {})
        for row, label in zip(rows, values, strict=True):
            if label in ends:
                ax.plot(ends[label], [row, row], color="black", linewidth=1.5, linestyle="-", marker="|")
    if len(groups) > 1:
        ax.legend()
    ax.set_yticks(range(len(labels)), labels)
    ax.invert_yaxis()
    ax.set_xlabel(xlabel)
    return ax


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
    ax = _new_axes() if ax is None else ax
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
    return ax
