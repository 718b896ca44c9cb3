"""Hiding tokens: single tokens or whole words, 80/10/10, drawn by (seed, epoch, row) and by nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlmtutor.draws import NUM_BITS, draw_bits, mix_rows, threshold
from mlmtutor.words import TokenTable, find_words

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

IGNORED = -100  # the label that the loss passes over
KINDS = ("mask", "random", "kept")


@dataclass(frozen=True)
class MaskingSettings:
    """How much is hidden, in which units, and what stands in its place.

    Example:
        >>> MaskingSettings(mask_prob=1.5)
        Traceback (most recent call last):
            ...
        ValueError: mask_prob must be in (0, 1], got 1.5

    Source: chapters 04_token_masking and 05_word_masking.
    """

    unit: Literal["token", "word"] = "word"  # what is drawn: each token alone, or all pieces of a word
    mask_prob: float = 0.2  # share of units that are hidden; 0.15 in BERT, 0.2 in the original notebook
    mask_share: float = 0.8  # of the hidden, the share shown as [MASK]; the rest after random_share is kept
    random_share: float = 0.1  # of the hidden, the share shown as a random token
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
    """Hide a share of the tokens or words of each row. The input stays as it is.

    If the draw hides nothing in the whole batch, the unit with the smallest number is hidden.

    Args:
        input_ids: ``(batch_size, chunk_size)`` integers.
        table: The tokenizer's :class:`TokenTable`.
        settings: What to hide and how.
        seed: Seed of the draw.
        epoch: Epoch number; the same row is hidden differently in another epoch.
        index: ``(batch_size,)`` row numbers in the data set; ``0 .. batch_size - 1`` if None.
        word_starts: ``(batch_size, chunk_size) bool`` or None, see :func:`mlmtutor.words.word_heads`.

    Returns:
        Two int64 arrays ``(batch_size, chunk_size)``: the ids that the model sees, and the labels,
        which are the true ids where a token was hidden and -100 elsewhere.

    Raises:
        ValueError: If the batch holds nothing that could be hidden.

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
    index = np.arange(len(input_ids)) if index is None else np.asarray(index)
    width = input_ids.shape[1]
    masked_ids = np.array(input_ids, dtype=np.int64, order="C")
    flat_ids = masked_ids.reshape(-1)  # (num_tokens,), a view
    # the first token of each unit, whether it can be hidden, and the unit that each token belongs to
    if settings.unit == "word":
        first, can_be_hidden, unit = find_words(masked_ids, table=table, word_starts=word_starts)
    else:
        first = unit = np.arange(flat_ids.size)
        can_be_hidden = ~table.is_special.take(flat_ids)
    # each row's number for three draws: which units are hidden, as what, and by which random token
    rows = mix_rows(seed, epoch, (0, 1, 2), index)
    draw = draw_bits(rows[0][:, None], np.arange(width, dtype=np.uint64))  # (batch_size, width)
    draw = draw.reshape(-1).take(first)  # (num_units,)
    chosen = (draw < threshold(settings.mask_prob)) & can_be_hidden
    if not chosen.any():
        if not can_be_hidden.any():
            raise ValueError(
                f"expected at least one {settings.unit} that can be hidden, found only special tokens "
                f"in a batch of {input_ids.shape[0]} x {width} tokens"
            )
        chosen = (draw <= draw[can_be_hidden].min()) & can_be_hidden

    hidden = np.flatnonzero(chosen.take(unit))  # (num_hidden,), as are the next four
    row, column = divmod(hidden, width)
    true_ids = flat_ids.take(hidden)
    position = first.take(unit.take(hidden)) % width if settings.replace_by == "word" else column
    kind = draw_bits(rows[1].take(row), position)
    shown = np.where(kind < threshold(settings.mask_share), table.mask_id, true_ids)
    swapped = np.flatnonzero(
        (kind >= threshold(settings.mask_share))
        & (kind < threshold(settings.mask_share + settings.random_share))
    )
    draw = draw_bits(rows[2].take(row.take(swapped)), column.take(swapped)) * 2.0**-NUM_BITS
    shown[swapped] = table.ordinary_ids.take((draw * len(table.ordinary_ids)).astype(np.int64))

    labels = np.full(flat_ids.size, IGNORED, dtype=np.int64)
    flat_ids[hidden], labels[hidden] = shown, true_ids
    return masked_ids, labels.reshape(input_ids.shape)


class MaskingCollator:
    """Turn rows into a masked batch, for Trainer or any ``DataLoader``.

    Args:
        tokenizer: The model's tokenizer.
        settings: What to hide and how; whole words at 20 % with 80/10/10 if None.
        seed: Seed of the draw.

    Called with what :class:`mlmtutor.rows.ChunkRows` gives, or with a list of such rows, it returns int64
    tensors ``(batch_size, chunk_size)``: ``input_ids``, ``labels`` (-100 where nothing is to be predicted) and,
    only if the batch holds padding, ``attention_mask``. It never changes what it is given.

    Raises:
        ValueError: If rows carry no ``index``, or a batch holds nothing that could be hidden.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> tokenizer = tiny_tokenizer()
        >>> row = {"input_ids": tokenizer("the film was good").input_ids, "index": 0, "epoch": 0}
        >>> batch = MaskingCollator(tokenizer, seed=3)([row])
        >>> sorted(batch), tuple(batch["labels"].shape)
        (['input_ids', 'labels'], (1, 6))

    Source: chapters 04_token_masking and 05_word_masking.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, *, settings: MaskingSettings | None = None, seed: int = 0
    ) -> None:
        self.table = TokenTable.from_tokenizer(tokenizer)
        self.settings = MaskingSettings() if settings is None else settings
        self.seed = seed

    def __call__(self, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        import torch

        if not isinstance(rows, Mapping):
            rows = {name: np.asarray([row[name] for row in rows]) for name in rows[0]}
        if "index" not in rows:
            raise ValueError(
                f"expected rows with an 'index', found {sorted(rows)}: "
                "wrap the data set in mlmtutor.ChunkRows, and leave remove_unused_columns off"
            )
        masked_ids, labels = mask_batch(
            rows["input_ids"],
            table=self.table,
            settings=self.settings,
            seed=self.seed,
            epoch=int(np.max(rows.get("epoch", 0))),
            index=rows["index"],
            word_starts=rows.get("word_starts"),
        )
        arrays = {"input_ids": masked_ids, "labels": labels}
        if (padding := np.asarray(rows["input_ids"]) == self.table.pad_id).any():
            arrays["attention_mask"] = (~padding).astype(np.int64)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}


@dataclass(frozen=True, eq=False)
class FrozenMasks:
    """An evaluation set whose masks were drawn once. Models may be compared on it, and on it only.

    Attributes:
        input_ids: ``(num_chunks, chunk_size) int32``, what the model sees.
        labels: ``(num_chunks, chunk_size) int32``, the true ids where a token is hidden, -100 elsewhere.
        text_index: ``(num_chunks,) int32``, which text each chunk begins in.
        settings: How they were drawn.
        seed: Seed of the draw.
        mask_id: Id of the mask token.
        pad_id: Id of the padding token, or None.
        sha256: Digest of ``input_ids`` and ``labels``: equal digests mean the same test.
    """

    input_ids: np.ndarray
    labels: np.ndarray
    text_index: np.ndarray
    settings: MaskingSettings
    seed: int
    mask_id: int
    pad_id: int | None
    sha256: str

    def __len__(self) -> int:
        return len(self.input_ids)

    def kinds(self) -> np.ndarray:
        """Give ``(num_chunks, chunk_size) int8``: 0 not hidden, 1 shown as [MASK], 2 as a random token, 3 kept."""
        kinds = np.select([self.input_ids == self.mask_id, self.input_ids != self.labels], [1, 2], 3)
        return np.where(self.labels == IGNORED, 0, kinds).astype(np.int8)

    def describe(self) -> dict[str, Any]:
        """Give the settings, seed, size and digest as a plain dictionary, for reports."""
        return {
            **asdict(self.settings),
            "seed": self.seed,
            "num_chunks": len(self),
            "num_masked": int((self.labels != IGNORED).sum()),
            "sha256": self.sha256,
        }


def freeze_masks(
    dataset: Dataset, *, tokenizer: PreTrainedTokenizerBase, settings: MaskingSettings, seed: int
) -> FrozenMasks:
    """Draw the masks of an evaluation set once and for all.

    Args:
        dataset: Chunks as :func:`mlmtutor.chunking.chunk_texts` makes them.
        tokenizer: The tokenizer that made them.
        settings: What to hide and how.
        seed: Seed of the draw.

    Returns:
        The masked chunks with their digest. The same arguments give the same digest on every machine.

    Raises:
        ValueError: If there are no chunks, or nothing in them can be hidden.

    Example:
        >>> from mlmtutor.chunking import chunk_texts
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> tokenizer = tiny_tokenizer()
        >>> chunks = chunk_texts(["the film was good"] * 20, tokenizer, chunk_size=8).dataset
        >>> first, again = (
        ...     freeze_masks(chunks, tokenizer=tokenizer, settings=MaskingSettings(), seed=0) for _ in range(2)
        ... )
        >>> first.sha256 == again.sha256
        True

    Source: chapter 07_perplexity.
    """
    from mlmtutor.rows import ChunkRows

    if len(dataset) == 0:
        raise ValueError("expected at least one chunk to freeze masks for, found an empty data set")
    rows = ChunkRows(dataset)[:]
    table = TokenTable.from_tokenizer(tokenizer)
    drawn = mask_batch(
        rows["input_ids"],
        table=table,
        settings=settings,
        seed=seed,
        index=rows["index"],
        word_starts=rows.get("word_starts"),
    )
    masked_ids, labels = (array.astype(np.int32) for array in drawn)
    digest = hashlib.sha256()
    for array in (masked_ids, labels):
        digest.update(str(array.shape).encode() + array.astype("<i4").tobytes())
    text_index = rows.get("text_index", rows["index"]).astype(np.int32)
    return FrozenMasks(
        masked_ids, labels, text_index, settings, seed, table.mask_id, table.pad_id, digest.hexdigest()
    )
