"""Random numbers that depend on (seed, epoch, row, position) and on nothing else.

They are a hash (SplitMix64), not the next output of a generator: a row gets the same numbers whatever the batch it is
in, the worker that loads it and the rank that trains on it. The script of the site draws the same ones.

Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"; chapter 04_token_masking.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

NUM_BITS = 53  # of a draw: as many as a float64 holds


def mix_rows(seed: int, epoch: int, streams: tuple[int, ...], index: np.ndarray) -> np.ndarray:
    """Return one hash state per stream and row.

    Args:
        seed: Any integer.
        epoch: Any integer; another epoch gives other numbers.
        streams: Small integers that keep several draws of one epoch apart.
        index: Row numbers.

    Returns:
        ``(num_streams, *index.shape) uint64``.

    Example:
        >>> both, alone = (mix_rows(1, 0, (0,), np.array(rows)) for rows in ([7, 8], [8]))
        >>> bool(both[0, 1] == alone[0, 0])
        True
    """
    keys = _keys(seed, epoch, streams).reshape(-1, *[1] * index.ndim)
    return _mix(keys + index.astype(np.uint64, copy=False))


def draw_bits(rows: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Draw integers in [0, 2**53) at positions of rows from :func:`mix_rows`: uint64 of the broadcast shape.

    The share of them below ``threshold(share)`` is that share, so comparing needs no division.
    """
    bits = _mix(rows + position.astype(np.uint64, copy=False))
    bits >>= np.uint64(64 - NUM_BITS)
    return bits


@lru_cache(maxsize=64)
def threshold(share: float) -> np.uint64:
    """Return the integer below which a share in [0, 1] of the numbers of :func:`draw_bits` lies."""
    return np.uint64(math.ceil(share * 2**NUM_BITS))


@lru_cache(maxsize=64)
def _keys(seed: int, epoch: int, streams: tuple[int, ...]) -> np.ndarray:
    key = np.zeros(1, dtype=np.uint64)
    for part in (seed, epoch):
        key = _mix(key + np.uint64(part % 2**64))
    return _mix(key + np.array(streams, dtype=np.uint64))


ONE, *SHIFTS = (np.uint64(number) for number in (1, 30, 27, 31))
FACTORS = [np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)]


def _mix(state: np.ndarray) -> np.ndarray:
    """Scramble numbers in place, which is twice as fast as in new arrays."""
    state += ONE
    for factor, shift in zip(FACTORS, SHIFTS, strict=True):
        state *= factor
        state ^= state >> shift
    return state
