"""Before against after: perplexities and their ratios with intervals, changes, gain against loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlmtutor.plots.axes import BLUE, GREEN, ORANGE, center_on_one, new_axes
from mlmtutor.plots.fonts import legible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlmtutor.scores.perplexity import Comparison, Evaluation


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
    ax = new_axes() if ax is None else ax
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
    return legible(ax)


def plot_changes(
    changes: Mapping[str, tuple[float, float]],
    *,
    xlabel: str,
    xformat: str = "{x:g}",
    as_factors: bool = False,
    truth: Mapping[str, float] | None = None,
    errors: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how numbers changed: an empty dot before, a full one after, a line between them, one label in each row.

    Args:
        changes: Label to the number before and the number after, from top to bottom.
        xlabel: What the numbers are, with their unit.
        xformat: How to write the numbers at the axis, such as ``"{x:.0%}"``.
        as_factors: Draw on a logarithmic scale, where equal lengths are equal factors, so that changes can be compared
            however large the numbers are.
        truth: The true numbers, drawn as upright lines, for the labels where they are known.
        errors: Half the length of a bar around each of those, such as two standard errors.
        ax: Where to draw; a new figure if None.

    Returns:
        The axes: numbers to the right, labels downwards.

    Raises:
        ValueError: If there is no number, or one that is not above 0 on a logarithmic scale.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_changes({"film": (0.3, 0.6)}, xlabel="share (%)", truth={"film": 0.7}, ax=Figure().subplots())
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['film']

    Source: chapter 08_adapted_model.
    """
    if not changes:
        raise ValueError("expected at least one number, found none")
    if as_factors and (wrong := [label for label, pair in changes.items() if not min(pair) > 0]):
        raise ValueError(f"expected numbers above 0, found {changes[wrong[0]]} for {wrong[0]!r}")
    ax = new_axes(num_rows=len(changes)) if ax is None else ax
    rows = range(len(changes))
    before, after = zip(*changes.values(), strict=True)
    ax.hlines(rows, before, after, color="grey", linewidth=1.5)
    ax.plot(before, rows, "o", markerfacecolor="white", color=BLUE, label="before")
    ax.plot(after, rows, "o", color=BLUE, label="after")
    known = [(row, label) for row, label in enumerate(changes) if label in (truth or {})]
    if known:
        values = [truth[label] for _, label in known]
        ends = [errors[label] for _, label in known] if errors else None
        ax.errorbar(values, [row + 0.25 for row, _ in known], xerr=ends, fmt="|", color=ORANGE, markersize=14,
                    markeredgewidth=2, elinewidth=1, linestyle="", label="truth")  # fmt: skip
    if as_factors:
        ax.set_xscale("log")
        # within one decade there is hardly a major tick
        ax.xaxis.set_minor_formatter(xformat if max(before + after) < 10 * min(before + after) else "")
    ax.xaxis.set_major_formatter(xformat)
    ax.legend()
    ax.set_yticks(rows, list(changes))
    ax.set_ylim(len(changes) - 0.5, -0.5)
    ax.set_xlabel(xlabel)
    return legible(ax)


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
    ax = new_axes() if ax is None else ax
    for row, found in enumerate(comparisons.values()):
        ends = [[found.ratio - found.low], [found.high - found.ratio]]
        ax.errorbar(found.ratio, row, xerr=ends, fmt="o", color=BLUE, capsize=4, linestyle="")
        ax.annotate(
            f"{found.ratio:.2f}", (found.ratio, row), xytext=(0, 8), textcoords="offset points", ha="center"
        )
    ax.set_yticks(range(len(comparisons)), list(comparisons))
    ax.set_ylim(len(comparisons) - 0.5, -0.7)
    center_on_one(ax.xaxis, [end for found in comparisons.values() for end in (found.low, found.high)])
    ax.axvspan(ax.get_xlim()[0], 1, color=GREEN, alpha=0.1, linewidth=0)
    ax.axvline(1, color="black", linestyle="--", linewidth=1)
    for side, name in ((0.02, "better"), (0.98, "worse")):
        ax.annotate(
            name, (side, 0.97), xycoords="axes fraction", ha="left" if side < 0.5 else "right", va="top"
        )
    ax.set_xlabel("perplexity after / before (95 % interval over texts)")
    return legible(ax)


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
    ax = new_axes() if ax is None else ax
    for number, (name, (gain, loss)) in enumerate(points.items()):
        ax.errorbar(
            loss.ratio, gain.ratio, fmt="os^D"[number % 4], linestyle="", color=BLUE, alpha=0.9, elinewidth=0.8,
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
        center_on_one(axis, ends)
    ax.axvline(1, color="black", linestyle="--", linewidth=1)
    ax.axhline(1, color="black", linestyle="--", linewidth=1)
    ax.set_xlabel("general texts: perplexity after / before (right is worse)")
    ax.set_ylabel("domain: after / before (down is better)")
    return legible(ax)
