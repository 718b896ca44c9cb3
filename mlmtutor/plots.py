"""Figures: bars, curves, shares, changes, candidates, lengths, losses, perplexities and their ratios with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from mlmtutor.model.fill_mask import Candidate
    from mlmtutor.scores.perplexity import Comparison, Evaluation

STYLE = Path(__file__).parent / "data" / "plots.mplstyle"


def _new_axes() -> Axes:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    if not plt.get_fignums():
        # subtle: a notebook's backend, started inside the context, would not stay interactive after it
        plt.switch_backend(mpl.get_backend())
    with plt.style.context(STYLE):
        return plt.subplots()[1]


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
    ax = _new_axes() if ax is None else ax
    for drawn in _draw_bars(ax, bars, labels):
        ax.bar_label(drawn, fmt="{:.1f}", padding=3)
    ax.margins(x=0.1)
    ax.set_xlabel("probability (%)")
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
    ax.set_ylabel("number of texts")
    return ax


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
    ax = _new_axes() if ax is None else ax
    ax.hist(array, bins=num_bins)
    for name, mark in (marks or {}).items():
        ax.axvline(mark, color="black", linestyle="--")
        # above the axes, where no bar hides it
        ax.annotate(name, (mark, 1.01), xycoords=("data", "axes fraction"), va="bottom", ha="center")
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
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
    ax = _new_axes() if ax is None else ax
    if are_ratios:
        from matplotlib.ticker import LogLocator, NullLocator

        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter("{x:g}")
        ax.axvline(1, color="black", linestyle="-", linewidth=1)
    _draw_bars(ax, groups, labels, intervals=intervals or {}, start=1 if are_ratios else 0)
    ax.set_xlabel(xlabel)
    return ax


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
    return ax


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
    ax = _new_axes() if ax is None else ax
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
    return ax


def plot_changes(
    changes: Mapping[str, tuple[float, float]],
    *,
    xlabel: str,
    truth: Mapping[str, float] | None = None,
    errors: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw numbers before and after as two points joined by a line, one label in each row.

    Args:
        changes: Label to the number before and the number after.
        xlabel: What the numbers are, with their unit.
        truth: The true numbers, drawn as upright lines, for the labels where they are known.
        errors: Half the length of a bar around each of those, such as two standard errors.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: numbers to the right, labels downwards.

    Raises:
        ValueError: If there is no number.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_changes({"film": (0.3, 0.6)}, xlabel="share (%)", truth={"film": 0.7}, ax=Figure().subplots())
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['film']

    Source: chapter 08_adapted_model.
    """
    if not changes:
        raise ValueError("expected at least one number, found none")
    ax = _new_axes() if ax is None else ax
    rows = range(len(changes))
    before, after = zip(*changes.values(), strict=True)
    ax.hlines(rows, before, after, color="grey", linewidth=1.5)
    ax.plot(before, rows, "o", markerfacecolor="white", color="C0", label="before")
    ax.plot(after, rows, "o", color="C0", label="after")
    known = [(row, label) for row, label in enumerate(changes) if label in (truth or {})]
    if known:
        values = [truth[label] for _, label in known]
        ends = [errors[label] for _, label in known] if errors else None
        ax.errorbar(values, [row + 0.25 for row, _ in known], xerr=ends, fmt="|", color="C1", markersize=14,
                    markeredgewidth=2, elinewidth=1, linestyle="", label="truth")  # fmt: skip
    ax.legend()
    ax.set_yticks(rows, list(changes))
    ax.invert_yaxis()
    ax.set_xlabel(xlabel)
    return ax


def plot_ratios(comparisons: Mapping[str, Comparison], *, ax: Axes | None = None) -> Axes:
    """Draw ratios of perplexities as points with their intervals, on a logarithmic axis around 1.

    Args:
        comparisons: Name to comparison, from top to bottom.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: ratio to the right, names downwards; the side below 1, where the second model is better, is shaded.

    Raises:
        ValueError: If there is no comparison.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from mlmtutor.scores.perplexity import Comparison
        >>> plot_ratios({"reviews": Comparison(100, 80, 0.8, 0.7, 0.9)}, ax=Figure().subplots()).get_xscale()
        'log'

    Source: chapter 08_adapted_model.
    """
    if not comparisons:
        raise ValueError("expected at least one comparison, found none")
    ax = _new_axes() if ax is None else ax
    for row, found in enumerate(comparisons.values()):
        ends = [[found.ratio - found.low], [found.high - found.ratio]]
        ax.errorbar(found.ratio, row, xerr=ends, fmt="o", color="C0", capsize=4, linestyle="")
        ax.annotate(
            f"{found.ratio:.2f}", (found.ratio, row), xytext=(0, 8), textcoords="offset points", ha="center"
        )
    ax.set_yticks(range(len(comparisons)), list(comparisons))
    ax.set_ylim(len(comparisons) - 0.5, -0.7)
    _center_on_one(ax.xaxis, [end for found in comparisons.values() for end in (found.low, found.high)])
    ax.axvspan(ax.get_xlim()[0], 1, color="C2", alpha=0.1, linewidth=0)
    ax.axvline(1, color="black", linestyle="--", linewidth=1)
    for side, name in ((0.02, "better"), (0.98, "worse")):
        ax.annotate(
            name, (side, 0.97), xycoords="axes fraction", ha="left" if side < 0.5 else "right", va="top"
        )
    ax.set_xlabel("perplexity after / before (95 % interval over texts)")
    return ax


def plot_tradeoff(
    points: Mapping[str, tuple[Comparison, Comparison]],
    *,
    path: Sequence[str] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw what recipes gain on the domain against what they lose on general texts.

    Args:
        points: Name of the recipe to two comparisons with the same starting model: on texts of the domain, and on
            general texts.
        path: Names of recipes to join by a line that begins at the model before, such as weight averages in the order of
            their shares.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes, both logarithmic: ratio on general texts to the right, ratio on the domain upwards, with 95 % intervals.
        The model before is where the dashed lines cross.

    Raises:
        ValueError: If there is no recipe.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from mlmtutor.scores.perplexity import Comparison
        >>> point = Comparison(100, 80, 0.8, 0.7, 0.9), Comparison(20, 22, 1.1, 1.0, 1.2)
        >>> plot_tradeoff({"adapted": point}, ax=Figure().subplots()).texts[0].get_text()
        'adapted'

    Source: chapter 08_adapted_model.
    """
    if not points:
        raise ValueError("expected at least one recipe, found none")
    ax = _new_axes() if ax is None else ax
    for number, (name, (gain, loss)) in enumerate(points.items()):
        ax.errorbar(
            loss.ratio, gain.ratio, fmt="os^D"[number % 4], linestyle="", color="C0", alpha=0.9, elinewidth=0.8,
            xerr=[[loss.ratio - loss.low], [loss.high - loss.ratio]],
            yerr=[[gain.ratio - gain.low], [gain.high - gain.ratio]],
        )  # fmt: skip
        ax.annotate(
            name, (loss.ratio, gain.ratio), xytext=(5, 4), textcoords="offset points", fontsize="small"
        )
    if path:
        gains, losses = ([1.0, *(points[name][which].ratio for name in path)] for which in (0, 1))
        ax.plot(losses, gains, color="grey", linestyle="-", linewidth=1, zorder=0)
    for axis, which in ((ax.xaxis, 1), (ax.yaxis, 0)):
        ends = [end for pair in points.values() for end in (pair[which].low, pair[which].high)]
        _center_on_one(axis, ends)
    ax.axvline(1, color="black", linestyle="--", linewidth=1)
    ax.axhline(1, color="black", linestyle="--", linewidth=1)
    ax.set_xlabel("general texts: perplexity after / before (right is worse)")
    ax.set_ylabel("domain: after / before (down is better)")
    return ax


def _center_on_one(axis: Axis, ends: Iterable[float]) -> None:
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
