"""Whether figures mean anything: enough to measure on, and a model that does better than one that guesses."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

from mlmtutor.model.doubts import Doubt

if TYPE_CHECKING:
    from mlmtutor.scores.perplexity import Evaluation

TOO_FEW_MASKED = 20  # a mean over fewer tokens is chance: losses of single tokens lie between 0 and 15 nats
FEW_MASKED = 300  # with their standard deviation of some 3 nats, a perplexity may be off by a third
FEW_TEXTS = 5  # between so few, the interval over texts is hardly one
FEW_CHUNKS = (
    50  # to train on; with 12 of reviews the best rate that was tried gained 1 %, with 50 it gained 7 %
)


def check_basis(before: Evaluation) -> None:
    """Refuse to measure on next to nothing, and warn where it is little.

    Args:
        before: The evaluation of the model before training.

    Raises:
        ValueError: If there are fewer than 20 masked tokens.

    Source: chapter 11_your_domain.
    """
    if before.count < TOO_FEW_MASKED:
        raise ValueError(
            f"expected at least {TOO_FEW_MASKED} masked tokens to measure on, found {before.count}: "
            "give more text, or a larger --test-share, --eval-size or --mask-prob"
        )
    if before.count < FEW_MASKED:
        warnings.warn(
            f"masked tokens to measure on: only {before.count}; other masks could give quite another perplexity",
            Doubt,
            stacklevel=2,
        )
    if before.num_texts < FEW_TEXTS:
        warnings.warn(
            f"texts to measure on: only {before.num_texts}; what holds for so few may not hold for others",
            Doubt,
            stacklevel=2,
        )


def check_amount(num_chunks: int) -> None:
    """Warn where there is so little to train on that little can be learned from it.

    Args:
        num_chunks: Chunks to train on.

    Source: chapter 11_your_domain.
    """
    if num_chunks < FEW_CHUNKS:
        warnings.warn(
            f"chunks to train on: only {num_chunks}; so little text can hardly teach what other texts share, so collect more",
            Doubt,
            stacklevel=2,
        )


def check_gain(before: Evaluation, after: Evaluation, *, vocab_size: int, learning_rate: float) -> None:
    """Refuse a model that knows less than one that guesses, and warn where it has become worse.

    Args:
        before: The evaluation before training.
        after: The evaluation after training, on the same masks.
        vocab_size: Tokens of the vocabulary, to guess among.
        learning_rate: What it was trained with.

    Raises:
        ValueError: If its loss is above that of a guess and above that before.

    Source: chapter 11_your_domain.
    """
    if after.loss > max(before.loss, math.log(vocab_size)):
        raise ValueError(
            f"expected a model that learned something, found perplexity {after.perplexity:.4g} after {before.perplexity:.4g}, "
            f"worse than guessing among {vocab_size:,} tokens: take a learning rate below {learning_rate:g}"
        )
    if after.loss > before.loss:
        warnings.warn(
            f"the model became worse on texts it was not trained on: perplexity {before.perplexity:.1f} before and "
            f"{after.perplexity:.1f} after; take a smaller learning rate, or more text",
            Doubt,
            stacklevel=2,
        )
