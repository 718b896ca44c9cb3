"""Random numbers by hash: uniform, and without a pattern between neighbours."""

import numpy as np

from mlmtutor.masks.hash_random import NUM_BITS, draw_bits, mix_rows


def draw_shares(seed, epoch, stream, index, position):
    """Numbers in [0, 1) that depend on the arguments alone."""
    (rows,) = mix_rows(seed, epoch, (stream,), index)
    return draw_bits(rows, position) * 2.0**-NUM_BITS


def test_draws_are_uniform():
    draws = draw_shares(0, 0, 0, np.arange(1000)[:, None], np.arange(200)).ravel()
    counts = np.histogram(draws, bins=100, range=(0, 1))[0]
    chi_square = ((counts - 2000) ** 2 / 2000).sum()  # 99 degrees of freedom: mean 99, sd 14.1
    assert abs(chi_square - 99) < 5 * 14.1


def test_draws_of_neighbours_are_uncorrelated():
    draws = draw_shares(0, 0, 0, np.arange(500)[:, None], np.arange(400))
    for a, b in [
        (draws[:, :-1], draws[:, 1:]),
        (draws[:-1], draws[1:]),
        (draws, draw_shares(0, 1, 0, np.arange(500)[:, None], np.arange(400))),
        (draws, draw_shares(1, 0, 0, np.arange(500)[:, None], np.arange(400))),
        (draws, draw_shares(0, 0, 1, np.arange(500)[:, None], np.arange(400))),
    ]:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / np.sqrt(a.size)
