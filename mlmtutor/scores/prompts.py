"""A task without a label: a sentence with a mask behind a text, and which of two words the model expects there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mlmtutor.model.encoding import check_mask_token, encode_texts, list_texts, pad_rows
from mlmtutor.model.fill_mask import find_single_tokens
from mlmtutor.model.limits import check_finite
from mlmtutor.model.masked_lm import IGNORED, score_batches
from mlmtutor.model.progress import bar
from mlmtutor.scores.bootstrap import find_quantiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from mlmtutor.model.device import AnyPrecision

BATCH_SIZE = 64  # texts per forward pass
NUM_SAMPLES = 1000  # of the bootstrap


def score_prompt(
    texts: str | Sequence[str],
    *,
    prompt: str,
    words: tuple[str, str],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    max_tokens: int = 128,
    keep: Literal["first", "last"] = "last",
    precision: AnyPrecision = "fp32",
    progress: bool | None = None,
) -> np.ndarray:
    """Put a prompt behind each text and return how much more the model expects one word than another at its mask.

    Args:
        texts: One or more texts.
        prompt: A sentence with one mask, such as ``"All in all, it was [MASK]."``.
        words: The word for the first class and that for the second, each a single token: ``("great", "terrible")``.
        model: A masked language model, on any device. It is returned to the mode it was in.
        tokenizer: Its tokenizer.
        max_tokens: Tokens read in all, those of the prompt and the special ones included.
        keep: Which tokens of a longer text are read: its first or its last.
        precision: Arithmetic of the forward pass: ``"fp32"``, ``"bf16"``, ``"fp16"``, or ``"auto"`` to ask the device.
        progress: Show a bar. None: where a person is watching, see :func:`mlmtutor.model.progress.is_watched`.

    Returns:
        ``(num_texts,) float32``: the logarithm of the first word's probability minus that of the second's. Models tend to
        prefer one of the words whatever the text says, so rank by it, or cut at its median, rather than at 0.

    Raises:
        ValueError: If the prompt has not exactly one mask, a word is not a single token, or there is no room for the text.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> asking = {"prompt": "the film was [MASK]", "words": ("good", "bad"), "max_tokens": 32}
        >>> score_prompt(["good films", "bad"], **asking, model=tiny_model(), tokenizer=tiny_tokenizer()).shape
        (2,)

    Source: Schick and Schuetze 2021, arXiv:2001.07676; chapter 10_downstream.
    """
    import torch

    from mlmtutor.model.device import settle_precision

    texts = list_texts(texts)
    if not texts:
        raise ValueError("expected at least one text, found none")
    check_mask_token(tokenizer)
    if prompt.count(tokenizer.mask_token) != 1:
        raise ValueError(f"prompt must have one {tokenizer.mask_token}, got {prompt!r}")
    before, _, _ = f" {prompt}".partition(tokenizer.mask_token)
    first, second = find_single_tokens(words, tokenizer, before=before)
    ending = tokenizer(f" {prompt}", add_special_tokens=False)["input_ids"]
    room = max_tokens - len(ending)
    if room < 8:
        raise ValueError(f"max_tokens must be at least {len(ending) + 8} for this prompt, got {max_tokens}")
    rows = encode_texts(texts, model=model, tokenizer=tokenizer, max_tokens=room, keep=keep)
    last = (
        tokenizer.num_special_tokens_to_add() > 1
    )  # a token that ends the text, behind which nothing may come
    rows = [[*row[:-1], *ending, row[-1]] if last else [*row, *ending] for row in rows]
    order = np.argsort([-len(row) for row in rows], kind="stable")  # alike lengths need little padding

    def batches() -> Iterator[dict[str, torch.Tensor]]:
        for start in range(0, len(order), BATCH_SIZE):
            batch = pad_rows(
                [rows[i] for i in order[start : start + BATCH_SIZE]], pad_id=tokenizer.pad_token_id
            )
            # the prompt's mask is the last one, since the text may have some of its own
            is_mask = batch["input_ids"] == tokenizer.mask_token_id
            column = is_mask.shape[1] - 1 - is_mask.flip(1).int().argmax(dim=1)
            labels = torch.full_like(batch["input_ids"], IGNORED)
            labels[torch.arange(len(column)), column] = first
            yield batch | {"labels": labels}

    total = -(-len(order) // BATCH_SIZE)
    watched = bar(batches(), name="prompting", unit="batch", total=total, progress=progress)
    scored = score_batches(model, watched, precision=settle_precision(precision, device=model.device))
    found = [(logits[:, first] - logits[:, second]).float().cpu().numpy() for logits, _ in scored]
    leaning = np.empty(len(texts), dtype=np.float32)
    leaning[order] = np.concatenate(found)
    check_finite(leaning, model=model, name="scores")
    return leaning


@dataclass(frozen=True)
class AUCDifference:
    """Two models that rank the same texts.

    Attributes:
        before: Area under the ROC curve of the first, the mean over the prompts: the probability that a text of class 1
            is ranked above one of class 0; 0.5 is chance.
        after: That of the second.
        low: Lower end of the 95 % interval of ``after - before``, over other texts of this kind.
        high: Upper end.
    """

    before: float
    after: float
    low: float
    high: float

    def __str__(self) -> str:
        gain = self.after - self.before
        return f"AUC {self.before:.3f} -> {self.after:.3f}, {gain:+.3f} (95 % interval {self.low:+.3f} to {self.high:+.3f})"


def compare_auc(labels: Sequence[int], before: np.ndarray, after: np.ndarray) -> AUCDifference:
    """Compare how well two models rank the same texts, by the area under the ROC curve, with a paired bootstrap over texts.

    Args:
        labels: ``(num_texts,)``, 0 or 1.
        before: ``(num_texts,)`` or ``(num_prompts, num_texts)``, the first model's scores; areas are averaged over prompts.
        after: The second model's, of the same shape.

    Returns:
        The :class:`AUCDifference`.

    Raises:
        ValueError: If the shapes differ, or a class is missing.

    Example:
        >>> labels = [0, 1] * 40
        >>> str(compare_auc(labels, np.zeros(80), np.array(labels, dtype=float)))
        'AUC 0.500 -> 1.000, +0.500 (95 % interval +0.500 to +0.500)'

    Source: chapter 10_downstream.
    """
    labels = np.asarray(labels)
    before, after = (np.atleast_2d(np.asarray(scores, dtype=float)) for scores in (before, after))
    if before.shape != after.shape or before.shape[1] != len(labels):
        raise ValueError(
            f"expected scores of the same {len(labels)} texts, found shapes {before.shape} and {after.shape}"
        )
    classes = [np.flatnonzero(labels == value) for value in (1, 0)]
    if len(labels) != sum(map(len, classes)) or not all(map(len, classes)):
        raise ValueError(f"expected labels 0 and 1, both, found {np.unique(labels).tolist()}")
    # how often each text of class 1 is above each of class 0, per prompt; a tie counts one half
    wins = []
    for scores in (before, after):
        pairs = scores[:, classes[0], None] - scores[:, None, classes[1]]
        wins.append(((np.sign(pairs) + 1) / 2).mean(axis=0))  # (num_good, num_bad)
    areas = [float(win.mean()) for win in wins]
    generator = np.random.default_rng(0)
    counts = [generator.multinomial(len(c), np.full(len(c), 1 / len(c)), size=NUM_SAMPLES) for c in classes]
    difference = wins[1] - wins[0]
    samples = ((counts[0] @ difference) * counts[1]).sum(axis=1) / difference.size  # (num_samples,)
    low, high = np.quantile(samples, find_quantiles(min(map(len, classes))))
    return AUCDifference(*areas, float(low), float(high))
