"""Random numbers that depend on (seed, epoch, row, position) and on nothing else."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def draw_uniform(seed: int, epoch: int, stream: int, index: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Draw numbers in [0, 1) that depend on the arguments alone.

    The numbers are a hash (SplitMix64), not the next output of a generator: a row gets the same numbers
    whatever the batch it is in, the worker that loads it and the rank that trains on it.

    Args:
        seed: Any integer.
        epoch: Any integer; another epoch gives other numbers.
        stream: A small integer that keeps several draws of one epoch apart.
        index: Row numbers, integers that broadcast with ``position``.
        position: Positions in the row, integers.

    Returns:
        float64 of the broadcast shape.

    Example:
        >>> both = draw_uniform(1, 0, 0, np.array([[7], [8]]), np.arange(3))
        >>> bool((draw_uniform(1, 0, 0, np.array([[8]]), np.arange(3)) == both[1]).all())
        True

    Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"; chapter 04_token_masking.
    """
    rows = _mix(_key(seed, epoch, stream) + np.asarray(index).astype(np.uint64))
    state = _mix(rows + np.asarray(position).astype(np.uint64))
    state >>= np.uint64(11)
    return state * 2.0**-53


@lru_cache(maxsize=64)  # one draw after another has the same
def _key(seed: int, epoch: int, stream: int) -> np.ndarray:
    key = np.zeros(1, dtype=np.uint64)
    for part in (seed, epoch, stream):
        key = _mix(key + np.uint64(part % 2**64))
    return key


def _mix(state: np.ndarray) -> np.ndarray:
    """Scramble numbers in place, which is twice as fast as in new arrays."""
    state += np.uint64(1)
    state *= np.uint64(0x9E3779B97F4A7C15)
    state ^= state >> np.uint64(30)
    state *= np.uint64(0xBF58476D1CE4E5B9)
    state ^= state >> np.uint64(27)
    state *= np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return state
