"""What a model expects in many blanks at once: blank by blank, and token by token over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlmtutor.masking import IGNORED, FrozenMasks
from mlmtutor.perplexity import as_loaded, check_masks, to_tensors

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, eq=False, repr=False)
class BlankPredictions:
    """What a model expected in the blanks of frozen masks.

    Attributes:
        expected: ``(vocab_size,) float64``, the probability of each token, averaged over all blanks.
        true_log_prob: ``(num_masked,) float64``, log-probability in nats of the token that stood there, in
            reading order: row by row, from left to right.
        sha256: Digest of the masks.
    """

    expected: np.ndarray
    true_log_prob: np.ndarray
    sha256: str

    def __repr__(self) -> str:
        return f"predictions for {len(self.true_log_prob):,} blanks"


def predict_blanks(model: PreTrainedModel, masks: FrozenMasks, *, batch_size: int = 16) -> BlankPredictions:
    """Predict every blank of frozen masks, and keep what two models can be compared by.

    Args:
        model: A model with a masked-LM head, on the device to use. Comes back in the mode it was in.
        masks: From :func:`mlmtutor.masking.freeze_masks`.
        batch_size: Chunks per forward pass. Changes time and memory, not the result.

    Returns:
        The :class:`BlankPredictions`.

    Raises:
        TypeError: If ``masks`` are not frozen ones.
        ValueError: If the model has no masked-LM head or cannot read the chunks, or if nothing is hidden.

    Example:
        >>> from mlmtutor.chunking import chunk_texts
        >>> from mlmtutor.masking import MaskingSettings, freeze_masks
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> tokenizer = tiny_tokenizer()
        >>> chunks = chunk_texts(["the film was good"] * 40, tokenizer, chunk_size=8).dataset
        >>> masks = freeze_masks(chunks, tokenizer=tokenizer, settings=MaskingSettings(), seed=0)
        >>> round(float(predict_blanks(tiny_model(), masks).expected.sum()), 3)
        1.0

    Source: chapter 08_adapted_model.
    """
    import torch

    from mlmtutor.heads import check_chunks_fit, check_masked_lm, score_masked

    check_masked_lm(model)
    check_masks(masks)
    check_chunks_fit(model, masks.input_ids)
    total, true_log_prob = 0.0, []
    with torch.inference_mode(), as_loaded(model):
        for start in range(0, len(masks), batch_size):
            rows = slice(start, start + batch_size)
            if (masks.labels[rows] == IGNORED).all():
                continue
            logits, targets = score_masked(model, **to_tensors(masks, rows, model.device))
            log_probs = logits.float().log_softmax(-1)  # (num_masked, vocab_size)
            true_log_prob.append(log_probs.gather(1, targets[:, None])[:, 0].cpu().double().numpy())
            total = total + log_probs.exp().sum(0).cpu().double().numpy()
    true_log_prob = np.concatenate(true_log_prob)
    return BlankPredictions(total / len(true_log_prob), true_log_prob, masks.sha256)


def show_context(
    masks: FrozenMasks, blank: int, *, tokenizer: PreTrainedTokenizerBase, width: int = 6
) -> str:
    """Show one blank among its neighbours, with the true token in brackets and ``_`` for other masks.

    Args:
        masks: Frozen masks.
        blank: Number of the blank in reading order, as in :attr:`BlankPredictions.true_log_prob`.
        tokenizer: The tokenizer that made the chunks.
        width: Tokens on either side.

    Returns:
        One line of text.

    Raises:
        ValueError: If there is no such blank.

    Example:
        >>> from mlmtutor.chunking import chunk_texts
        >>> from mlmtutor.masking import MaskingSettings, freeze_masks
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> tokenizer = tiny_tokenizer()
        >>> chunks = chunk_texts(["the film was good"] * 9, tokenizer, chunk_size=6).dataset
        >>> masks = freeze_masks(chunks, tokenizer=tokenizer, settings=MaskingSettings(), seed=0)
        >>> "[" in show_context(masks, 0, tokenizer=tokenizer)
        True

    Source: chapter 08_adapted_model.
    """
    rows, columns = np.nonzero(masks.labels != IGNORED)
    if not 0 <= blank < len(rows):
        raise ValueError(f"expected a blank from 0 to {len(rows) - 1}, found {blank}")
    row, column = rows[blank], columns[blank]
    tokens = tokenizer.convert_ids_to_tokens(masks.input_ids[row].tolist())
    true = tokenizer.convert_ids_to_tokens(int(masks.labels[row, column]))
    shown = ["_" if token == tokenizer.mask_token else token for token in tokens]
    before, after = shown[max(0, column - width) : column], shown[column + 1 : column + 1 + width]
    return " ".join([*before, f"[{true}]", *after]).replace(" ##", "")
