"""What was counted: lengths, values, and shares beside those that are expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from mlmtutor.plots.axes import new_axes
from mlmtutor.plots.fonts import legible

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    ax = new_axes() if ax is None else ax
    ax.hist(array, bins=60, range=(0, float(np.quantile(array, 0.99))))
    for mark in marks:
        ax.axvline(mark, color="black", linestyle="--")
        # above the axes, where no bar hides it
        ax.annotate(f"{mark}", (mark, 1.01), xycoords=("data", "axes fraction"), va="bottom", ha="center")
    ax.set_xlabel("length (tokens)")
    ax.set_ylabel("number of texts")
    return legible(ax)


def plot_histogram(
    values: Iterable[float],
    *,
    xlabel: str,
    ylabel: str,
    num_bins: int = 40,
    marks: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often each value occurs.

    Args:
        values: The values.
        xlabel: What a value is, with its unit.
        ylabel: What is counted.
        num_bins: Number of bars.
        marks: Name of a value to mark by a vertical line, such as the mean, to that value.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: values to the right, counts upwards.

    Raises:
        ValueError: If there is no value.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = Figure().subplots()
        >>> ax = plot_histogram([0.1, 2.0, 9.0], xlabel="loss (nats)", ylabel="tokens", marks={"mean": 3.7}, ax=ax)
        >>> [text.get_text() for text in ax.texts]
        ['mean']

    Source: chapter 07_perplexity.
    """
    array = np.fromiter(values, dtype=np.float64)
    if array.size == 0:
        raise ValueError("expected at least one value, found none")
    ax = new_axes() if ax is None else ax
    ax.hist(array, bins=num_bins)
    for name, mark in (marks or {}).items():
        ax.axvline(mark, color="black", linestyle="--")
        # above the axes, where no bar hides it
        ax.annotate(name, (mark, 1.01), xycoords=("data", "axes fraction"), va="bottom", ha="center")
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return legible(ax)


def plot_shares(
    counts: Mapping[str, Mapping[str, int]],
    *,
    expected: Mapping[str, float],
    xlabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw counted shares as points on the ranges in which a correct program's shares lie.

    A range reaches 5 standard deviations of a share counted on that many to either side of the expected share. For a
    handful of counts it is only rough.

    Args:
        counts: Name of the sample to its counts by kind, from top to bottom.
        expected: The share that each kind should have.
        xlabel: What the shares are shares of.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: per cent to the right, samples downwards, one marker for each kind.

    Raises:
        ValueError: If there is no sample, or one in which nothing was counted.

    Example:
        >>> from matplotlib.figure import Figure
        >>> counts = {"100": {"head": 53, "tail": 47}, "10,000": {"head": 5_003, "tail": 4_997}}
        >>> ax = plot_shares(counts, expected={"head": 0.5, "tail": 0.5}, xlabel="%", ax=Figure().subplots())
        >>> [text.get_text() for text in ax.get_yticklabels()]
        ['100', '10,000']

    Source: chapter 04_token_masking.
    """
    if not counts:
        raise ValueError("expected at least one sample, found none")
    for name, sample in counts.items():
        if sum(sample.values()) == 0:
            raise ValueError(f"expected counts in every sample, found none in {name!r}")
    ax = new_axes() if ax is None else ax
    for number, (kind, share) in enumerate(expected.items()):
        rows = [row + (number - (len(expected) - 1) / 2) * 0.2 for row in range(len(counts))]
        totals = [sum(sample.values()) for sample in counts.values()]
        for row, total in zip(rows, totals, strict=True):
            reach = 5 * (share * (1 - share) / total) ** 0.5
            ends = [100 * max(0, share - reach), 100 * min(1, share + reach)]
            ax.plot(ends, [row, row], color="black", linewidth=1.5, linestyle="-", marker="|", zorder=1)
        found = [
            100 * sample.get(kind, 0) / total for sample, total in zip(counts.values(), totals, strict=True)
        ]
        ax.plot(found, rows, linestyle="", marker="os^D"[number % 4], label=kind, zorder=2)
    for share in set(expected.values()):
        ax.axvline(100 * share, color="black", linestyle="--", linewidth=0.8, zorder=0)
    ax.legend(loc="lower center")
    ax.set_yticks(range(len(counts)), list(counts))
    ax.set_ylim(len(counts) - 0.5, -0.5)
    ax.set_xlabel(xlabel)
    return legible(ax)
