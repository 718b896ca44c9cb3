"""Perplexity on frozen masks: a sum and a count, divided once, with an interval."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlmtutor.bootstrap import bootstrap_means, tails
from mlmtutor.masking import IGNORED, KINDS, FrozenMasks

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What a model made of an evaluation set: sums and counts per chunk, from which every figure follows.

    Attributes:
        loss_sum: ``(num_chunks,) float64``, cross-entropy in nats, summed over each chunk's masked tokens.
        num_masked: ``(num_chunks,) int64``, how many those are.
        num_correct: ``(num_chunks,) int64``, for how many of them the model's first choice is right.
        text_index: ``(num_chunks,) int32``, the text in which each chunk begins.
        by_kind: ``{kind: (loss_sum, num_masked)}`` for tokens shown as ``mask``, as ``random`` or ``kept``.
        sha256: Digest of the masks.

    Example:
        >>> result = Evaluation(
        ...     loss_sum=np.array([20.0, 160.0]), num_masked=np.array([10, 40]), num_correct=np.array([4, 4]),
        ...     text_index=np.array([0, 1]), by_kind={"mask": (180.0, 50)}, sha256="",
        ... )
        >>> result  # losses 2.0 on 10 tokens and 4.0 on 40: the mean of the two means would give 20.1
        perplexity 36.60, accuracy 16.0 %, over 50 masked tokens

    Source: chapter 07_perplexity.
    """

    loss_sum: np.ndarray
    num_masked: np.ndarray
    num_correct: np.ndarray
    text_index: np.ndarray
    by_kind: dict[str, tuple[float, int]]
    sha256: str

    @property
    def count(self) -> int:
        """Number of masked tokens."""
        return int(self.num_masked.sum())

    @property
    def loss(self) -> float:
        """Mean cross-entropy per masked token, in nats."""
        return float(self.loss_sum.sum() / self.count)

    @property
    def perplexity(self) -> float:
        """Exponential of the loss: as unsure as between that many equally likely tokens."""
        return math.exp(self.loss)

    @property
    def accuracy(self) -> float:
        """Share of masked tokens that are the model's first choice."""
        return float(self.num_correct.sum() / self.count)

    def interval(self, *, level: float = 0.95, num_samples: int = 1000, seed: int = 0) -> tuple[float, float]:
        """Give a bootstrap interval of the perplexity: how it varies if other such texts had been drawn.

        Whole texts are drawn with replacement, since tokens of one text are not independent. A chunk counts
        to the text it begins in.

        Args:
            level: Share of the samples inside the interval.
            num_samples: Samples of the bootstrap.
            seed: Seed of the draw.

        Returns:
            Lower and upper perplexity.

        Raises:
            ValueError: If there are fewer than two texts.
        """
        losses = bootstrap_means(
            self.loss_sum[None], self.num_masked, groups=self.text_index, num_samples=num_samples, seed=seed
        )
        low, high = np.exp(np.quantile(losses, tails(level)))
        return float(low), float(high)

    def to_dict(self) -> dict[str, Any]:
        """Give all figures as plain numbers, for a report in JSON; the interval is None for a single text."""
        num_texts = len(np.unique(self.text_index[self.num_masked > 0]))
        return {
            "perplexity": self.perplexity,
            "loss": self.loss,
            "accuracy": self.accuracy,
            "num_masked": self.count,
            "num_chunks": len(self.loss_sum),
            "num_texts": num_texts,
            "interval_95": list(self.interval()) if num_texts > 1 else None,
            "by_kind": {
                kind: {"loss": total / count, "num_masked": count}
                for kind, (total, count) in self.by_kind.items()
                if count
            },
            "masks_sha256": self.sha256,
        }

    def __repr__(self) -> str:
        return (
            f"perplexity {self.perplexity:.2f}, accuracy {100 * self.accuracy:.1f} %, "
            f"over {self.count:,} masked tokens"
        )


def evaluate(
    model: PreTrainedModel,
    masks: FrozenMasks,
    *,
    batch_size: int = 64,
    precision: Literal["fp32", "bf16", "fp16"] = "fp32",
    progress: bool | None = None,
) -> Evaluation:
    """Measure a model on frozen masks.

    The vocabulary head runs on masked positions only, and no logits are kept.

    Args:
        model: A model with a masked-LM head, on the device to use. Comes back in the mode it was in.
        masks: From :func:`mlmtutor.masking.freeze_masks`.
        batch_size: Chunks per forward pass. Changes the time, not the result.
        precision: Arithmetic of the forward pass; losses are summed in float64 in any case.
        progress: Show a bar. None: where a person is watching, see :func:`mlmtutor.progress.is_watched`.

    Returns:
        The :class:`Evaluation`.

    Raises:
        TypeError: If ``masks`` are not frozen ones: masks drawn anew measure luck.
        ValueError: If the model has no masked-LM head or cannot read the chunks, if nothing is masked, or if
            no masked token is hidden from the model.

    Example:
        >>> from mlmtutor.chunking import chunk_texts
        >>> from mlmtutor.masking import MaskingSettings, freeze_masks
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> tokenizer = tiny_tokenizer()
        >>> chunks = chunk_texts(["the film was good"] * 40, tokenizer, chunk_size=8).dataset
        >>> masks = freeze_masks(chunks, tokenizer=tokenizer, settings=MaskingSettings(), seed=0)
        >>> 10 < evaluate(tiny_model(), masks).perplexity < 30  # a random model of 18 tokens
        True

    Source: chapter 07_perplexity.
    """
    import torch
    from torch.nn.functional import cross_entropy
    from tqdm import tqdm

    from mlmtutor.device import autocast, check_precision
    from mlmtutor.heads import check_chunks_fit, check_masked_lm, score_masked
    from mlmtutor.progress import is_watched

    check_masked_lm(model)
    check_masks(masks)
    check_chunks_fit(model, masks.input_ids)
    precision = check_precision(precision, device=model.device)
    losses, correct = [], []
    starts = range(0, len(masks), batch_size)
    bar = tqdm(starts, desc="evaluating", unit="batch", mininterval=1.0, disable=not is_watched(progress))
    with torch.inference_mode(), as_loaded(model), autocast(model.device, precision=precision):
        for start in bar:
            rows = slice(start, start + batch_size)
            if (masks.labels[rows] == IGNORED).all():
                continue
            logits, targets = score_masked(model, **to_tensors(masks, rows, model.device))
            losses.append(cross_entropy(logits.float(), targets, reduction="none").cpu().double().numpy())
            correct.append((logits.argmax(dim=-1) == targets).cpu().numpy())
    return _gather(masks, np.concatenate(losses), np.concatenate(correct))


def check_masks(masks: FrozenMasks) -> None:
    """Make sure that masks are frozen and that they hide something.

    Raises:
        TypeError: If they are not frozen.
        ValueError: If nothing is masked, or no masked token is hidden from the model.
    """
    if not isinstance(masks, FrozenMasks):
        raise TypeError(
            f"expected FrozenMasks, found {type(masks).__name__}: masks drawn anew at each evaluation "
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


@contextmanager
def as_loaded(model: nn.Module) -> Iterator[None]:
    """Put a model in evaluation mode for a while, without the autocast of a training that may be going on."""
    was_training = model.training
    # subtle: accelerate replaces the forward of the model that it trains, and leaves it replaced
    wrapped = model.__dict__.pop("forward") if "_original_forward" in model.__dict__ else None
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
        if wrapped is not None:
            model.forward = wrapped


def to_tensors(masks: FrozenMasks, rows: slice, device: torch.device) -> dict[str, torch.Tensor]:
    """Give some rows of frozen masks as a model takes them."""
    import torch

    arrays = {"input_ids": masks.input_ids[rows], "labels": masks.labels[rows]}
    if (padding := arrays["input_ids"] == masks.pad_id).any():
        arrays["attention_mask"] = ~padding
    return {name: torch.from_numpy(array.astype(np.int64)).to(device) for name, array in arrays.items()}


def _gather(masks: FrozenMasks, losses: np.ndarray, correct: np.ndarray) -> Evaluation:
    """Sum ``(num_masked,)`` losses and hits, in reading order, per chunk and per kind."""
    if not np.isfinite(losses).all():
        raise ValueError(
            f"expected finite losses, found {np.count_nonzero(~np.isfinite(losses)):,} others: diverged?"
        )
    masked = masks.labels != IGNORED
    row = np.nonzero(masked)[0]
    kind = masks.kinds()[masked]
    return Evaluation(
        loss_sum=np.bincount(row, weights=losses, minlength=len(masks)),
        num_masked=masked.sum(axis=1),
        num_correct=np.bincount(row, weights=correct, minlength=len(masks)).astype(np.int64),
        text_index=masks.text_index,
        by_kind={
            name: (float(losses[kind == number].sum()), int((kind == number).sum()))
            for number, name in enumerate(KINDS, start=1)
        },
        sha256=masks.sha256,
    )
