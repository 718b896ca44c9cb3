"""How much a mean varies between samples of texts: the bootstrap."""

from __future__ import annotations

import numpy as np

NUM_SAMPLES = 1000
INTERVAL = (0.025, 0.975)  # the quantiles between which 95 % of the samples lie


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
