"""Near copies: texts of which large parts stand in other texts as well, such as a letter sent twice with another date."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from mlmtutor.texts.scripts import UNSPACED_LETTER

RUN_LENGTH = 8  # words; two texts on one subject seldom share one by chance
MIN_SHARED = 0.5  # a note of 25 words in which one is changed still shares more than half of its runs
ASCII_WORD = re.compile(r"[a-z0-9]+")
WORD = re.compile(rf"{UNSPACED_LETTER.pattern}|[^\W_]+")  # where no spaces are written, each character


def find_near_copies(
    texts: Sequence[str],
    others: Sequence[str],
    *,
    run_length: int = RUN_LENGTH,
    min_shared: float = MIN_SHARED,
) -> list[int]:
    """Find the texts that are largely in other texts too, as test texts should not be in training texts.

    All runs of eight words in a row are compared, without case and punctuation. A text shorter than that is one run.

    Args:
        texts: The texts to look at, such as those held out for testing.
        others: Where their runs are looked for, such as the texts to train on.
        run_length: Words in a run.
        min_shared: A text is a near copy if at least this share of its runs occurs in the other texts.

    Returns:
        Positions in ``texts``, in order. Texts without a word are no copies.

    Raises:
        ValueError: If ``run_length`` is below 1, or ``min_shared`` is not above 0 and at most 1.

    Example:
        >>> letter = "The meeting on {} is moved to the large room on the second floor, please bring the plans."
        >>> find_near_copies(["An answer.", letter.format("Monday")], [letter.format("Friday")])
        [1]

    Source: chapter 11_your_domain.
    """
    if run_length < 1:
        raise ValueError(f"run_length must be at least 1 word, got {run_length}")
    if not 0 < min_shared <= 1:
        raise ValueError(f"min_shared must be above 0 and at most 1, got {min_shared}")
    numbers: dict[str, int] = {}
    runs, owners = _hash_runs(texts, numbers, run_length)
    known, _ = _hash_runs(others, numbers, run_length)
    num_shared = np.bincount(owners, weights=np.isin(runs, known), minlength=len(texts))
    num_runs = np.bincount(owners, minlength=len(texts))
    return np.flatnonzero((num_runs > 0) & (num_shared >= min_shared * num_runs)).tolist()


def _hash_runs(
    texts: Sequence[str], numbers: dict[str, int], run_length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the runs of all texts as hashes, and the text of each; new words get numbers."""
    factors = np.random.default_rng(0).integers(2**63, size=run_length, dtype=np.uint64)
    padded, lengths = [], []  # words by number; 0 fills up what is shorter than a run
    for text in texts:
        words = (ASCII_WORD if text.isascii() else WORD).findall(text.lower())
        padded += [numbers.setdefault(word, len(numbers) + 1) for word in words]
        if 0 < len(words) < run_length:
            padded += [0] * (run_length - len(words))
        lengths.append(max(len(words), run_length) if words else 0)
    ids = np.array(padded, dtype=np.uint64)
    num_windows = max(len(ids) - run_length + 1, 0)
    # subtle: sums of products with large numbers wrap around at 2**64 and hardly ever coincide
    runs = np.zeros(num_windows, dtype=np.uint64)
    for place, factor in enumerate(factors):
        runs += ids[place : place + num_windows] * factor
    owners = np.repeat(np.arange(len(texts)), lengths)
    is_within = owners[:num_windows] == owners[run_length - 1 :]
    return runs[is_within], owners[:num_windows][is_within]
