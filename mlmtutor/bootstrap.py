"""How far a mean would move if other texts had been drawn."""

from __future__ import annotations

import numpy as np


def bootstrap_means(
    sums: np.ndarray, counts: np.ndarray, *, groups: np.ndarray, num_samples: int = 1000, seed: int = 0
) -> np.ndarray:
    """Draw whole groups with replacement, many times, and give the mean per counted thing each time.

    Args:
        sums: ``(num_quantities, num_rows) float64``. Quantities share their draws, which makes it paired.
        counts: ``(num_rows,)`` integers, what each row of the sums adds up.
        groups: ``(num_rows,)`` integers, the group of each row, such as its text.
        num_samples: Draws.
        seed: Seed of the draws.

    Returns:
        ``(num_samples, num_quantities) float64``.

    Raises:
        ValueError: If there are fewer than two groups to draw from, or no draws.

    Example:
        >>> sums, counts = np.array([[2.0, 2.0, 2.0]]), np.array([1, 1, 1])
        >>> bootstrap_means(sums, counts, groups=np.array([0, 1, 1]), num_samples=2).tolist()
        [[2.0], [2.0]]

    Source: chapter 07_perplexity.
    """
    if num_samples < 1:
        raise ValueError(f"num_samples must be at least 1, got {num_samples}")
    sums, counts, groups = sums[:, counts > 0], counts[counts > 0], groups[counts > 0]
    _, group = np.unique(groups, return_inverse=True)
    num_groups = int(group.max(initial=-1)) + 1
    if num_groups < 2:
        raise ValueError(f"expected at least 2 texts with masked tokens for an interval, found {num_groups}")
    rows = (*sums, counts)
    totals = np.array([np.bincount(group, weights=row) for row in rows])  # (num_quantities + 1, num_groups)
    generator = np.random.default_rng(seed)
    means = np.empty((num_samples, len(sums)))
    block = max(1, 2_000_000 // num_groups)  # samples at a time: some 16 MB of indices
    for start in range(0, num_samples, block):
        stop = min(start + block, num_samples)
        drawn = totals[:, generator.integers(num_groups, size=(stop - start, num_groups))].sum(axis=2)
        means[start:stop] = (drawn[:-1] / drawn[-1]).T
    return means


def tails(level: float) -> tuple[float, float]:
    """Give the two quantiles between which the share ``level`` lies.

    Example:
        >>> tails(0.5)
        (0.25, 0.75)
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    return (1 - level) / 2, (1 + level) / 2
