"""Masking: single tokens or whole words, 80/10/10, drawn by (seed, epoch, row) and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlmtutor.masks.hash_random import NUM_BITS, draw_bits, mix_rows, threshold
from mlmtutor.model.masked_lm import IGNORED
from mlmtutor.texts.words import TokenTable, find_words

KINDS = ("none", "mask", "random", "kept")  # how a token is shown to the model; "none" is not masked


@dataclass(frozen=True)
class MaskingSettings:
    """How much is masked, in which units, and what the model sees instead.

    Example:
        >>> MaskingSettings(mask_prob=1.5)
        Traceback (most recent call last):
            ...
        ValueError: mask_prob must be in (0, 1], got 1.5

    Source: chapters 04_token_masking and 05_word_masking.
    """

    unit: Literal["token", "word"] = "word"  # what is drawn: each token alone, or all pieces of a word
    mask_prob: float = 0.2  # share of units that are masked; 0.15 in BERT, 0.2 in the original notebook
    mask_share: float = 0.8  # of the masked tokens, the share shown as [MASK]; the rest is random or kept
    random_share: float = 0.1  # of the masked tokens, the share shown as a random token
    replace_by: Literal["token", "word"] = "token"  # whether 80/10/10 is drawn per token or once per word

    def __post_init__(self) -> None:
        for name in ("unit", "replace_by"):
            if getattr(self, name) not in ("token", "word"):
                raise ValueError(f"{name} must be 'token' or 'word', got {getattr(self, name)!r}")
        if not 0 < self.mask_prob <= 1:
            raise ValueError(f"mask_prob must be in (0, 1], got {self.mask_prob}")
        for name in ("mask_share", "random_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        if self.mask_share + self.random_share > 1 + 1e-9:
            total = self.mask_share + self.random_share
            raise ValueError(f"mask_share + random_share must be at most 1, got {total:g}")


def mask_batch(
    input_ids: np.ndarray,
    *,
    table: TokenTable,
    settings: MaskingSettings,
    seed: int,
    epoch: int = 0,
    index: np.ndarray | None = None,
    word_starts: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Mask a share of the tokens or words of each row. The input stays as it is.

    If the draw masks nothing in the whole batch, the unit with the smallest number is masked.

    Args:
        input_ids: ``(batch_size, chunk_size)`` integers.
        table: The tokenizer's :class:`TokenTable`.
        settings: What to mask and how.
        seed: Seed of the draw.
        epoch: Epoch number; the same row is masked differently in another epoch.
        index: ``(batch_size,)`` row numbers in the data set; ``0 .. batch_size - 1`` if None.
        word_starts: ``(batch_size, chunk_size) bool`` or None, see :func:`mlmtutor.texts.words.find_first_pieces`.

    Returns:
        Two int64 arrays ``(batch_size, chunk_size)``: the ids that the model sees, and the labels,
        which are the true ids where a token is masked and -100 elsewhere.

    Raises:
        ValueError: If the batch holds nothing that can be masked.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> tokenizer = tiny_tokenizer()
        >>> ids = np.array(tokenizer(["the films was good"]).input_ids)
        >>> settings = MaskingSettings(mask_share=1, random_share=0)
        >>> seen, labels = mask_batch(ids, table=TokenTable.from_tokenizer(tokenizer), settings=settings, seed=3)
        >>> tokenizer.decode(seen[0])
        '[CLS] [MASK] film ##s was good [SEP]'
        >>> labels.tolist()
        [[-100, 5, -100, -100, -100, -100, -100]]

    Source: Devlin et al. 2019, arXiv:1810.04805; chapters 04_token_masking and 05_word_masking.
    """
    input_ids = np.asarray(input_ids)
    if input_ids.ndim != 2:
        raise ValueError(f"input_ids must have two dimensions (batch_size, chunk_size), got {input_ids.ndim}")
    if input_ids.size and not (input_ids.min() >= 0 and input_ids.max() < len(table.is_special)):
        raise ValueError(
            f"expected token ids in [0, {len(table.is_special)}) for this tokenizer, found "
            f"{input_ids.min()} to {input_ids.max()}: were the texts tokenised by another one?"
        )
    index = np.arange(len(input_ids)) if index is None else np.asarray(index)
    width = input_ids.shape[1]
    masked_ids = np.array(input_ids, dtype=np.int64, order="C")
    flat_ids = masked_ids.reshape(-1)  # (num_tokens,), a view
    # the first token of each unit, whether it can be masked, and the unit that each token belongs to
    if settings.unit == "word":
        first, can_be_masked, unit = find_words(masked_ids, table=table, word_starts=word_starts)
    else:
        first = unit = np.arange(flat_ids.size)
        can_be_masked = ~table.is_special.take(flat_ids)
    # each row's number for three draws: which units are masked, as what, and by which random token
    rows = mix_rows(seed, epoch, (0, 1, 2), index)
    draw = draw_bits(rows[0][:, None], np.arange(width, dtype=np.uint64))  # (batch_size, width)
    draw = draw.reshape(-1).take(first)  # (num_units,)
    chosen = (draw < threshold(settings.mask_prob)) & can_be_masked
    if not chosen.any():
        if not can_be_masked.any():
            raise ValueError(
                f"expected at least one {settings.unit} that can be hidden, found only special tokens "
                f"in a batch of {input_ids.shape[0]} x {width} tokens"
            )
        chosen = (draw <= draw[can_be_masked].min()) & can_be_masked

    masked = np.flatnonzero(chosen.take(unit))  # (num_masked,), as are the next four
    row, column = divmod(masked, width)
    true_ids = flat_ids.take(masked)
    position = first.take(unit.take(masked)) % width if settings.replace_by == "word" else column
    kind = draw_bits(rows[1].take(row), position)
    shown = np.where(kind < threshold(settings.mask_share), table.mask_id, true_ids)
    swapped = np.flatnonzero(
        (kind >= threshold(settings.mask_share))
        & (kind < threshold(settings.mask_share + settings.random_share))
    )
    draw = draw_bits(rows[2].take(row.take(swapped)), column.take(swapped)) * 2.0**-NUM_BITS
    shown[swapped] = table.ordinary_ids.take((draw * len(table.ordinary_ids)).astype(np.int64))

    labels = np.full(flat_ids.size, IGNORED, dtype=np.int64)
    flat_ids[masked], labels[masked] = shown, true_ids
    return masked_ids, labels.reshape(input_ids.shape)


def kinds_of(seen: np.ndarray, labels: np.ndarray, *, mask_id: int) -> np.ndarray:
    """Return how each token is shown to the model: numbers in :data:`KINDS`, int8 of the shape of the arguments.

    Example:
        >>> kinds_of(np.array([5, 4, 9, 7]), np.array([-100, 8, 6, 7]), mask_id=4).tolist()
        [0, 1, 2, 3]
    """
    return np.select([labels == IGNORED, seen == mask_id, seen != labels], [0, 1, 2], 3).astype(np.int8)
