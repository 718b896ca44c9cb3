"""Perplexity on frozen masks: one row per masked token, from which every figure follows; and two models compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlmtutor.masks.frozen import FrozenMasks, check_masks
from mlmtutor.masks.masking import KINDS
from mlmtutor.model.limits import check_chunks_fit, check_finite
from mlmtutor.model.masked_lm import IGNORED, score_batches
from mlmtutor.model.progress import bar
from mlmtutor.scores.bootstrap import bootstrap_interval, bootstrap_means

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What a model made of an evaluation set: one row per masked token, in reading order.

    Attributes:
        losses: ``(num_masked,) float64``, cross-entropy in nats; minus the log-probability of the true token.
        is_correct: ``(num_masked,) bool``, whether the true token is the model's first choice.
        kinds: ``(num_masked,) int8``, how the token was shown: 1 as [MASK], 2 as a random token, 3 kept.
        chunk_index: ``(num_masked,) int32``, the chunk that it is in.
        text_index: ``(num_masked,) int32``, the text in which that chunk begins.
        num_chunks: Number of chunks, those without a masked token included.
        sha256: Digest of the masks.
        expected: ``(vocab_size,) float64``, the probability of each token of the vocabulary, averaged over all rows;
            None unless it was asked for.
        num_draws: How often the same chunks were masked; the chunks of one draw follow those of the draw before.

    Example:
        >>> result = Evaluation(  # losses of 2.0 on 10 tokens and of 4.0 on 40: the mean of the two would give 20.1
        ...     losses=np.repeat([2.0, 4.0], [10, 40]), is_correct=np.arange(50) < 8, kinds=np.ones(50, dtype=np.int8),
        ...     chunk_index=np.repeat([0, 1], [10, 40]), text_index=np.repeat([0, 1], [10, 40]), num_chunks=2, sha256="",
        ... )
        >>> result
        perplexity 36.60, accuracy 16.0 %, over 50 masked tokens

    Source: chapter 07_perplexity.
    """

    losses: np.ndarray
    is_correct: np.ndarray
    kinds: np.ndarray
    chunk_index: np.ndarray
    text_index: np.ndarray
    num_chunks: int
    sha256: str
    expected: np.ndarray | None = None
    num_draws: int = 1

    @property
    def count(self) -> int:
        """Number of masked tokens."""
        return len(self.losses)

    @property
    def num_texts(self) -> int:
        """Number of texts with masked tokens."""
        return len(np.unique(self.text_index))

    @property
    def loss_sum(self) -> np.ndarray:
        """Sum of the losses of each chunk, ``(num_chunks,) float64``."""
        return np.bincount(self.chunk_index, weights=self.losses, minlength=self.num_chunks)

    @property
    def num_masked(self) -> np.ndarray:
        """Number of masked tokens in each chunk, ``(num_chunks,) int64``."""
        return np.bincount(self.chunk_index, minlength=self.num_chunks)

    @property
    def loss(self) -> float:
        """Mean cross-entropy per masked token, in nats."""
        return float(self.losses.sum() / self.count)

    @property
    def perplexity(self) -> float:
        """Exponential of the loss: as unsure as between that many equally likely tokens; infinite for a loss above 709."""
        return _exp(self.loss)

    @property
    def accuracy(self) -> float:
        """Share of masked tokens that are the model's first choice."""
        return float(self.is_correct.mean())

    @property
    def by_kind(self) -> dict[str, tuple[float, int]]:
        """Sum of the losses and number of the tokens shown as ``mask``, as ``random`` and ``kept``, where there are any."""
        sums = np.bincount(self.kinds, weights=self.losses, minlength=len(KINDS)).tolist()
        counts = np.bincount(self.kinds, minlength=len(KINDS)).tolist()
        return {kind: (sums[i], counts[i]) for i, kind in enumerate(KINDS) if counts[i]}

    def draws(self) -> list[Evaluation]:
        """Return one evaluation for each mask draw of the same chunks, in the order of the draws.

        Two models may be compared draw by draw: the same draw of the same masks has the same digest.
        """
        size = self.num_chunks // self.num_draws
        found = []
        for number in range(self.num_draws):
            rows = self.chunk_index // size == number
            found.append(
                Evaluation(
                    losses=self.losses[rows],
                    is_correct=self.is_correct[rows],
                    kinds=self.kinds[rows],
                    chunk_index=self.chunk_index[rows] - number * size,
                    text_index=self.text_index[rows],
                    num_chunks=size,
                    sha256=f"{self.sha256} draw {number}",
                )
            )
        return found

    def interval(self) -> tuple[float, float]:
        """Return the 95 % bootstrap interval of the perplexity: how it varies between samples of texts and mask draws.

        Whole texts are drawn with replacement, since tokens of one text are not independent. A chunk counts
        to the text it begins in. Each text brings the masks that were drawn in it, so the interval contains that chance too.

        Returns:
            Lower and upper perplexity.

        Raises:
            ValueError: If there are fewer than two texts.
        """
        means = bootstrap_means(self.losses[None], groups=self.text_index)
        low, high = bootstrap_interval(means[:, 0], num_groups=self.num_texts)
        return _exp(low), _exp(high)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain numbers, for a report in JSON; the interval is None for a single text."""
        return {
            "perplexity": self.perplexity,
            "loss": self.loss,
            "accuracy": self.accuracy,
            "num_masked": self.count,
            "num_chunks": self.num_chunks,
            "num_texts": self.num_texts,
            "interval_95": list(self.interval()) if self.num_texts > 1 else None,
            "by_kind": {
                kind: {"loss": total / count, "num_masked": count}
                for kind, (total, count) in self.by_kind.items()
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
    keep_expected: bool = False,
    progress: bool | None = None,
) -> Evaluation:
    """Measure a model on frozen masks, in float32.

    The vocabulary head runs on masked positions only, and no logits are kept.

    Args:
        model: A model with a masked-LM head, on the device to use. It is returned to the mode it was in.
        masks: From :func:`mlmtutor.masks.frozen.freeze_masks`.
        batch_size: Chunks per forward pass. Changes the time, not the result.
        keep_expected: Average the probabilities of the whole vocabulary too, for :attr:`Evaluation.expected`.
        progress: Show a bar. None: where a person is watching, see :func:`mlmtutor.model.progress.is_watched`.

    Returns:
        The :class:`Evaluation`.

    Raises:
        TypeError: If ``masks`` are not frozen ones: masks drawn again each time measure luck.
        ValueError: If the model has no masked-LM head or cannot read the chunks, if nothing is masked, if no masked
            token is hidden from the model, or if a loss is not finite.

    Example:
        >>> from mlmtutor.masks.frozen import freeze_masks
        >>> from mlmtutor.masks.masking import MaskingSettings
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> from mlmtutor.texts.chunking import chunk_texts
        >>> tokenizer = tiny_tokenizer()
        >>> chunks = chunk_texts(["the film was good"] * 40, tokenizer, chunk_size=8).dataset
        >>> masks = freeze_masks(chunks, tokenizer=tokenizer, settings=MaskingSettings(), seed=0)
        >>> 10 < evaluate(tiny_model(), masks).perplexity < 30  # a random model of 18 tokens
        True

    Source: chapter 07_perplexity.
    """
    from torch.nn.functional import cross_entropy

    check_masks(masks)
    check_chunks_fit(model, masks.input_ids)
    num_batches = math.ceil(len(masks) / batch_size)
    batches = bar(
        masks.batches(batch_size), name="evaluating", unit="batch", total=num_batches, progress=progress
    )
    losses, is_correct, expected = [], [], 0.0
    for logits, targets in score_batches(model, batches):
        losses.append(cross_entropy(logits, targets, reduction="none").cpu().double().numpy())
        is_correct.append((logits.argmax(dim=-1) == targets).cpu().numpy())
        if keep_expected:
            expected += logits.softmax(-1).sum(0).cpu().double().numpy()  # (vocab_size,)
    losses = np.concatenate(losses)
    check_finite(losses, model=model, name="losses")
    masked = masks.labels != IGNORED
    chunk_index = np.nonzero(masked)[0].astype(np.int32)
    return Evaluation(
        losses=losses,
        is_correct=np.concatenate(is_correct),
        kinds=masks.kinds()[masked],
        chunk_index=chunk_index,
        text_index=masks.text_index[chunk_index],
        num_chunks=len(masks),
        sha256=masks.sha256,
        expected=expected / len(losses) if keep_expected else None,
        num_draws=masks.num_draws,
    )


@dataclass(frozen=True)
class Comparison:
    """Two models on the same masks.

    Attributes:
        before: Perplexity of the first.
        after: Perplexity of the second.
        ratio: ``after / before``; below 1 the second is better.
        low: Lower end of the 95 % interval of the ratio.
        high: Upper end. An interval that leaves out 1 is a difference that other texts would show too.
    """

    before: float
    after: float
    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        return (
            f"perplexity {self.before:.2f} -> {self.after:.2f}, ratio {self.ratio:.3f} "
            f"(95 % interval {self.low:.3f} to {self.high:.3f})"
        )


def compare(before: Evaluation, after: Evaluation) -> Comparison:
    """Compare two models text by text, on the same masks.

    Both see the same bootstrap samples. What makes a text hard for both then cancels out, and the interval
    is much narrower than those of the two perplexities.

    Args:
        before: The first model's evaluation.
        after: The second model's, on the same masks.

    Returns:
        The :class:`Comparison`.

    Raises:
        ValueError: If the masks differ, or there are fewer than two texts.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> from mlmtutor.scores.pseudo_perplexity import score_texts
        >>> texts = ["the film was good", "a bad actor"]
        >>> scored = score_texts(texts, model=tiny_model(), tokenizer=tiny_tokenizer())
        >>> compare(scored, scored).ratio
        1.0

    Source: chapter 07_perplexity.
    """
    if before.sha256 != after.sha256:
        raise ValueError(
            f"expected two evaluations on the same masks, found digests {before.sha256[:12]} and "
            f"{after.sha256[:12]}: perplexities of different masks measure different tasks"
        )
    losses = np.stack([before.losses, after.losses])
    means = bootstrap_means(losses, groups=before.text_index)  # (num_samples, 2)
    low, high = bootstrap_interval(means[:, 1] - means[:, 0], num_groups=before.num_texts)
    ratio = _exp(after.loss - before.loss)
    return Comparison(before.perplexity, after.perplexity, ratio, _exp(low), _exp(high))


def spread_over_draws(
    evaluation: Evaluation,
    *,
    minus: Evaluation | None = None,
    num_chunks: int | None = None,
    num_pooled: int = 1,
) -> float:
    """Measure how much the loss of the same chunks varies from one mask draw to the next.

    The chunks are cut into small tests that follow each other. Within each the loss is computed for every draw, or for every
    pool of draws; what is left over is not used. The variance over the draws is averaged over the small tests, so that
    a few draws give a good estimate.

    Args:
        evaluation: Of masks with several draws.
        minus: Another model on the same masks; the spread is then that of the difference of the two losses, which is the
            logarithm of the paired ratio of their perplexities.
        num_chunks: Chunks in each small test; all chunks if None.
        num_pooled: Draws whose losses are pooled.

    Returns:
        The standard deviation in nats, which is the standard deviation of the logarithm of the perplexity.

    Raises:
        ValueError: If there are fewer than two draws or pools to compare, if a test has more chunks than there are
            or none of its tokens masked, or if the masks differ.

    Example:
        >>> result = Evaluation(  # two chunks, each masked twice, one token each time
        ...     losses=np.array([1.0, 5.0, 3.0, 5.0]), is_correct=np.zeros(4, dtype=bool), kinds=np.ones(4, dtype=np.int8),
        ...     chunk_index=np.arange(4), text_index=np.array([0, 1, 0, 1]), num_chunks=4, sha256="", num_draws=2,
        ... )
        >>> spread_over_draws(result)  # means of 3 and 4: variance 0.5
        0.7071067811865476
        >>> spread_over_draws(result, num_chunks=1)  # variances of 2 and 0: 1 on average
        1.0

    Source: chapter 07_perplexity.
    """
    if minus is not None and minus.sha256 != evaluation.sha256:
        raise ValueError("expected two evaluations on the same masks, found different digests")
    total = evaluation.num_chunks // evaluation.num_draws
    num_chunks = num_chunks or total
    num_tests, num_pools = total // num_chunks, evaluation.num_draws // num_pooled
    if num_pools < 2:
        raise ValueError(
            f"expected at least two pools of {num_pooled} draws, found {evaluation.num_draws} draws"
        )
    if num_tests == 0:
        raise ValueError(f"num_chunks must be at most {total}, the chunks of one draw, got {num_chunks}")

    def add_up(of_chunks: np.ndarray) -> np.ndarray:
        """``(num_pools, num_tests)``: the sum over the draws of each pool and the chunks of each test."""
        by_draw = of_chunks.reshape(evaluation.num_draws, total)
        by_draw = by_draw[: num_pools * num_pooled, : num_tests * num_chunks]
        return by_draw.reshape(num_pools, num_pooled, num_tests, num_chunks).sum(axis=(1, 3))

    counts = add_up(evaluation.num_masked)
    if not counts.all():
        raise ValueError(
            f"expected masked tokens in each test, found one of {num_chunks} chunks without: take more chunks"
        )
    sums = evaluation.loss_sum if minus is None else evaluation.loss_sum - minus.loss_sum
    return float(np.sqrt((add_up(sums) / counts).var(axis=0, ddof=1).mean()))


def _exp(value: float) -> float:
    """Return e to a power; infinity where that is more than a float holds."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
