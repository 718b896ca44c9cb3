"""How much a mean varies between samples of texts: the bootstrap."""

from __future__ import annotations

import warnings

import numpy as np

from mlmtutor.model.doubts import Doubt

NUM_SAMPLES = 1000
LEVEL = 0.95
ENOUGH_TEXTS = 30  # below, even the corrected interval is a rough one


def find_quantiles(num_groups: int) -> tuple[float, float]:
    """Return the quantiles of the bootstrap samples that make a 95 % interval from so many groups.

    The plain 2.5 % and 97.5 % give too narrow an interval when there are few groups: their spread is that of a sample, and
    it is too small by the root of ``(n - 1) / n``, and the normal distribution has thinner tails than the right one, Student's t.
    The quantiles are moved outwards to make up for both.

    Args:
        num_groups: Groups that are drawn from, at least 2.

    Returns:
        The lower and the upper quantile.

    Example:
        >>> [[round(q, 4) for q in find_quantiles(n)] for n in (5, 15, 1000)]
        [[0.001, 0.999], [0.0132, 0.9868], [0.0248, 0.9752]]

    Source: Hesterberg 2015, *What Teachers Should Know About the Bootstrap*, section 3.2.1, arXiv:1411.5279.
    """
    from scipy.stats import norm, t

    tail = (1 - LEVEL) / 2
    low = float(norm.cdf(t.ppf(tail, num_groups - 1) * np.sqrt(num_groups / (num_groups - 1))))
    return low, 1 - low


def bootstrap_interval(samples: np.ndarray, *, num_groups: int) -> tuple[float, float]:
    """Return the 95 % interval of a quantity from its bootstrap samples.

    Args:
        samples: ``(num_samples,)``, such as a column of :func:`bootstrap_means`.
        num_groups: Groups that each sample was drawn from.

    Warns:
        Doubt: If there are fewer than 30 groups.

    Example:
        >>> [round(end) for end in bootstrap_interval(np.arange(1001.0), num_groups=1000)]
        [25, 975]
    """
    if num_groups < ENOUGH_TEXTS:
        warnings.warn(
            f"the interval rests on {num_groups} texts: with fewer than {ENOUGH_TEXTS} it is a rough one, so do not argue "
            "about where it ends; more texts are better than more chunks of the same",
            Doubt,
            stacklevel=3,
        )
    low, high = np.quantile(samples, find_quantiles(num_groups))
    return float(low), float(high)


def bootstrap_means(values: np.ndarray, *, groups: np.ndarray) -> np.ndarray:
    """Draw whole groups with replacement, 1,000 times, and return the mean over the rows drawn each time.

    Args:
        values: ``(num_quantities, num_rows) float64``. Quantities share their draws, which makes it paired.
        groups: ``(num_rows,)`` integers, the group of each row, such as the text of a masked token.

    Returns:
        ``(num_samples, num_quantities) float64``; the same arguments give the same draws.

    Raises:
        ValueError: If there are fewer than two groups to draw from.

    Example:
        >>> means = bootstrap_means(np.array([[2.0, 2.0, 2.0]]), groups=np.array([0, 1, 1]))
        >>> means.shape, set(means.ravel().tolist())
        ((1000, 1), {2.0})

    Source: chapter 07_perplexity.
    """
    names, group = np.unique(groups, return_inverse=True)
    num_groups = len(names)
    if num_groups < 2:
        raise ValueError(f"expected at least 2 texts with masked tokens for an interval, found {num_groups}")
    rows = (*values, np.ones(len(group)))
    totals = np.array([np.bincount(group, weights=row) for row in rows])  # (num_quantities + 1, num_groups)
    generator = np.random.default_rng(0)
    means = np.empty((NUM_SAMPLES, len(values)))
    block = max(1, 2_000_000 // num_groups)  # samples at a time: some 16 MB of indices
    for start in range(0, NUM_SAMPLES, block):
        stop = min(start + block, NUM_SAMPLES)
        drawn = totals[:, generator.integers(num_groups, size=(stop - start, num_groups))].sum(axis=2)
        means[start:stop] = (drawn[:-1] / drawn[-1]).T
    return means
