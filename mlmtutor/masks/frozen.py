"""Masks drawn once, so that models can be compared on them."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlmtutor.masks.collator import ChunkRows
from mlmtutor.masks.masking import MaskingSettings, kinds_of, mask_batch
from mlmtutor.masks.outcome import MaskOutcome, measure_outcome
from mlmtutor.model.doubts import Doubt
from mlmtutor.model.masked_lm import IGNORED
from mlmtutor.texts.words import TokenTable

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, eq=False)
class FrozenMasks:
    """An evaluation set whose masks were drawn once. Models may be compared on it, and on it only.

    Attributes:
        input_ids: ``(num_draws * num_chunks, chunk_size) int32``, what the model sees, one draw after the other.
        labels: ``(num_draws * num_chunks, chunk_size) int32``, the true ids where a token is masked, -100 elsewhere.
        text_index: ``(num_draws * num_chunks,) int32``, which text each chunk begins in.
        settings: How they were drawn.
        seed: Seed of the draws.
        mask_id: Id of the mask token.
        pad_id: Id of the padding token, or None.
        sha256: Digest of ``input_ids`` and ``labels``: equal digests mean the same test.
        outcome: What the draw came to, to be compared with the settings; None where it was not drawn here.
        num_draws: How often the same chunks were masked.
    """

    input_ids: np.ndarray
    labels: np.ndarray
    text_index: np.ndarray
    settings: MaskingSettings
    seed: int
    mask_id: int
    pad_id: int | None
    sha256: str
    outcome: MaskOutcome | None = None
    num_draws: int = 1

    def __len__(self) -> int:
        return len(self.input_ids)

    def kinds(self) -> np.ndarray:
        """Return ``(num_chunks, chunk_size) int8``: 0 not masked, 1 shown as [MASK], 2 as a random token, 3 kept."""
        return kinds_of(self.input_ids, self.labels, mask_id=self.mask_id)

    def batches(self, batch_size: int) -> Iterator[dict[str, torch.Tensor]]:
        """Yield the chunks as a model takes them: int64 tensors ``(batch_size, chunk_size)`` on the CPU."""
        import torch

        for start in range(0, len(self), batch_size):
            rows = slice(start, start + batch_size)
            arrays = {"input_ids": self.input_ids[rows], "labels": self.labels[rows]}
            if (padding := arrays["input_ids"] == self.pad_id).any():
                arrays["attention_mask"] = ~padding
            yield {name: torch.from_numpy(array.astype(np.int64)) for name, array in arrays.items()}

    def describe(self) -> dict[str, Any]:
        """Return the settings, seed, size and digest as a plain dictionary, for reports."""
        return {
            **asdict(self.settings),
            "seed": self.seed,
            "num_draws": self.num_draws,
            "num_chunks": len(self) // self.num_draws,
            "num_masked": int((self.labels != IGNORED).sum()),
            "sha256": self.sha256,
        }


def freeze_masks(
    dataset: Dataset,
    *,
    tokenizer: PreTrainedTokenizerBase,
    settings: MaskingSettings,
    seed: int,
    num_draws: int = 1,
) -> FrozenMasks:
    """Draw the masks of an evaluation set once.

    Frozen masks ask every model the same questions. Which questions those are is still chance: several draws of the same
    chunks ask more of them, and their losses are pooled.

    Args:
        dataset: Chunks as :func:`mlmtutor.texts.chunking.chunk_texts` makes them.
        tokenizer: The tokenizer that made them.
        settings: What to mask and how.
        seed: Seed of the draws.
        num_draws: How often the chunks are masked, independently. An evaluation takes as many times longer.

    Returns:
        The masked chunks with their digest. The same arguments give the same digest on every machine.

    Raises:
        ValueError: If there are no chunks, nothing in them can be masked, or what was masked is so far from what was
            asked that a measurement would mean nothing, see :meth:`mlmtutor.masks.outcome.MaskOutcome.check`.

    Warns:
        UserWarning: If what was masked is doubtful, as with many unknown tokens.

    Example:
        >>> from mlmtutor.texts.chunking import chunk_texts
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
    if len(dataset) == 0:
        raise ValueError("expected at least one chunk to freeze masks for, found an empty data set")
    if num_draws < 1:
        raise ValueError(f"num_draws must be at least 1, got {num_draws}")
    rows = ChunkRows(dataset)[:]
    table = TokenTable.from_tokenizer(tokenizer)
    drawing = {"table": table, "settings": settings, "word_starts": rows.get("word_starts")}
    draws = [
        mask_batch(rows["input_ids"], seed=seed, epoch=draw, index=rows["index"], **drawing)
        for draw in range(num_draws)
    ]
    masked_ids, labels = (np.concatenate(arrays).astype(np.int32) for arrays in zip(*draws, strict=True))
    repeated = {
        name: np.tile(rows[name], (num_draws, 1)) for name in ("input_ids", "word_starts") if name in rows
    }
    outcome = measure_outcome(
        repeated["input_ids"], labels, **drawing | {"word_starts": repeated.get("word_starts")}
    )
    outcome.check()
    for doubt in outcome.doubts():
        warnings.warn(doubt, Doubt, stacklevel=2)
    digest = hashlib.sha256()
    for array in (masked_ids, labels):
        digest.update(str(array.shape).encode() + array.astype("<i4").tobytes())
    text_index = np.tile(rows.get("text_index", rows["index"]), num_draws).astype(np.int32)
    return FrozenMasks(
        masked_ids,
        labels,
        text_index,
        settings,
        seed,
        table.mask_id,
        table.pad_id,
        digest.hexdigest(),
        outcome,
        num_draws,
    )


def check_masks(masks: FrozenMasks) -> None:
    """Check that masks are frozen and that the model cannot see all masked tokens.

    Raises:
        TypeError: If they are not frozen.
        ValueError: If nothing is masked, or every masked token is kept.
    """
    if not isinstance(masks, FrozenMasks):
        raise TypeError(
            f"expected FrozenMasks, found {type(masks).__name__}: masks drawn again at each evaluation "
            "measure luck, so draw them once with mlmtutor.freeze_masks"
        )
    kinds = masks.kinds()
    if not kinds.any():
        raise ValueError(f"expected at least one masked token, found none in {kinds.size:,} tokens")
    if not np.isin(kinds, (1, 2)).any():
        raise ValueError(
            f"expected tokens hidden from the model, found all {np.count_nonzero(kinds):,} tokens to predict "
            "in plain sight: unmasked text has a perplexity near 1"
        )
