"""Pseudo-perplexity: every token of a text hidden in turn, with or without the rest of its word."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mlmtutor.masking import IGNORED
from mlmtutor.perplexity import Evaluation, as_loaded
from mlmtutor.words import TokenTable, starts_from_word_ids, word_heads

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class ScoredText:
    """A text whose tokens were hidden and predicted one after the other; special tokens are left out.

    Attributes:
        text: The text.
        tokens: Its tokens, as the vocabulary spells them.
        log_probs: Log-probability in nats that the model gave to each token.
        is_first_choice: For each token, whether it was the model's first choice.
        begins_word: For each token, whether a word begins with it.
        sha256: Digest of the tokens and of what was hidden with each: equal digests mean the same questions.
    """

    text: str
    tokens: tuple[str, ...]
    log_probs: tuple[float, ...]
    is_first_choice: tuple[bool, ...]
    begins_word: tuple[bool, ...]
    sha256: str

    @property
    def log_prob(self) -> float:
        """Sum over the tokens, in nats: the pseudo-log-likelihood of the text."""
        return float(np.sum(self.log_probs))

    @property
    def words(self) -> tuple[tuple[str, float], ...]:
        """Each word, its pieces joined by ``|``, with the log-probability of all its pieces together."""
        number = np.cumsum(self.begins_word)
        return tuple(
            (
                "|".join(np.array(self.tokens)[number == word]),
                float(np.array(self.log_probs)[number == word].sum()),
            )
            for word in np.unique(number)
        )


class _Row(NamedTuple):
    """One question: a text with some tokens hidden, of which one is asked for."""

    text: int
    position: int
    input_ids: list[int]


def score_texts(
    texts: Sequence[str],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    hide_rest_of_word: bool = True,
    batch_size: int = 64,
) -> list[ScoredText]:
    """Hide every token of each text in turn and ask the model for it, with all the other words in sight.

    One forward pass per token, so it is for sentences. Special tokens, the unknown token among them, are not asked for.

    Args:
        texts: The texts, not longer than the model can read.
        model: A model with a masked-LM head, on the device to use. Comes back in the mode it was in.
        tokenizer: Its fast tokenizer.
        hide_rest_of_word: Hide with each token the later pieces of its word too (Kauf and Ivanova 2023).
            False leaves them in sight (Salazar et al. 2020), where they give the earlier pieces away.
        batch_size: Hidden tokens per forward pass. Changes the time, not the result.

    Returns:
        A :class:`ScoredText` for each text, in order.

    Raises:
        ValueError: If the model has no masked-LM head, or a text is too long or has nothing to hide.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> (scored,) = score_texts(["the films"], model=tiny_model(), tokenizer=tiny_tokenizer())
        >>> scored.tokens, [word for word, _ in scored.words]
        (('the', 'film', '##s'), ['the', 'film|##s'])

    Source: Salazar et al. 2020, arXiv:1910.14659; Kauf and Ivanova 2023, arXiv:2305.10588; chapter 07_perplexity.
    """
    import torch
    from torch.nn.functional import cross_entropy

    from mlmtutor.heads import check_masked_lm, score_masked

    check_masked_lm(model)
    texts = list(texts)
    encoded, heads = _encode(texts, model, tokenizer)
    order = sorted(range(len(texts)), key=lambda number: len(encoded[number]))  # little padding
    rows = [row for number in order for row in _hide_in_turn(number, encoded[number], heads[number],
            mask_id=tokenizer.mask_token_id, hide_rest_of_word=hide_rest_of_word)]  # fmt: skip
    log_probs = [np.zeros(len(ids)) for ids in encoded]
    is_first_choice = [np.zeros(len(ids), dtype=bool) for ids in encoded]
    with torch.inference_mode(), as_loaded(model):
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            tensors = _to_tensors(batch, encoded, pad_id=tokenizer.pad_token_id or 0)
            logits, targets = score_masked(model, **{k: v.to(model.device) for k, v in tensors.items()})
            losses = cross_entropy(logits.float(), targets, reduction="none").cpu().tolist()
            hits = (logits.argmax(-1) == targets).cpu().tolist()
            for row, loss, hit in zip(batch, losses, hits, strict=True):
                log_probs[row.text][row.position] = -loss
                is_first_choice[row.text][row.position] = hit
    return [
        _gather(
            text, np.array(ids), head, values, hits, tokenizer=tokenizer, hide_rest_of_word=hide_rest_of_word
        )
        for text, ids, head, values, hits in zip(
            texts, encoded, heads, log_probs, is_first_choice, strict=True
        )
    ]


def _encode(
    texts: list[str], model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> tuple[list[list[int]], list[np.ndarray]]:
    """Give the ids of each text and, for every token, the position of the first token of its word."""
    from mlmtutor.heads import check_chunks_fit

    table = TokenTable.from_tokenizer(tokenizer)
    encoded, heads = [], []
    for text in texts:
        encoding = tokenizer(text, truncation=False, verbose=False)
        ids = np.array([encoding["input_ids"]], dtype=np.int64)
        if table.is_special[ids].all():
            raise ValueError(f"expected a text with at least one token to hide, found {text!r:.60}")
        check_chunks_fit(model, ids)
        starts = None if table.continues_word is not None else starts_from_word_ids(encoding.word_ids())[None]
        encoded.append(ids[0].tolist())
        heads.append(word_heads(ids, table=table, word_starts=starts)[0])
    return encoded, heads


def _hide_in_turn(
    number: int, ids: list[int], heads: np.ndarray, *, mask_id: int, hide_rest_of_word: bool
) -> Iterator[_Row]:
    for position in np.flatnonzero(heads >= 0):
        hidden = np.arange(len(ids)) == position
        if hide_rest_of_word:
            hidden |= (heads == heads[position]) & (np.arange(len(ids)) > position)
        yield _Row(number, int(position), np.where(hidden, mask_id, ids).tolist())


def _to_tensors(batch: list[_Row], encoded: list[list[int]], *, pad_id: int) -> dict[str, torch.Tensor]:
    import torch

    width = max(len(row.input_ids) for row in batch)
    input_ids = torch.full((len(batch), width), pad_id)
    labels, attention_mask = torch.full_like(input_ids, IGNORED), torch.zeros_like(input_ids)
    for number, row in enumerate(batch):
        length = len(row.input_ids)
        input_ids[number, :length] = torch.tensor(row.input_ids)
        attention_mask[number, :length] = 1
        labels[number, row.position] = encoded[row.text][row.position]
    return {"input_ids": input_ids, "labels": labels, "attention_mask": attention_mask}


def _gather(text, ids, heads, log_probs, hits, *, tokenizer, hide_rest_of_word) -> ScoredText:
    asked = heads >= 0
    digest = hashlib.sha256(ids.astype("<i4").tobytes())
    # what is hidden follows from the words, unless each token is hidden alone
    digest.update(heads.astype("<i4").tobytes() if hide_rest_of_word else b"alone")
    return ScoredText(
        text,
        tuple(tokenizer.convert_ids_to_tokens(ids[asked].tolist())),
        tuple(log_probs[asked].tolist()),
        tuple(hits[asked].tolist()),
        tuple((heads == np.arange(len(ids)))[asked].tolist()),
        digest.hexdigest(),
    )


def summarize_scores(scores: Sequence[ScoredText]) -> Evaluation:
    """Add scored texts up: pseudo-perplexity with its interval, ready to be compared.

    Args:
        scores: From :func:`score_texts`; each text is a row of its own.

    Returns:
        An :class:`mlmtutor.perplexity.Evaluation`, whose perplexity is the pseudo-perplexity per token.
        :func:`mlmtutor.comparison.compare` takes two of the same texts, scored in the same way.

    Raises:
        ValueError: If there is no text.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> scores = score_texts(["the film", "a good actor"], model=tiny_model(), tokenizer=tiny_tokenizer())
        >>> summarize_scores(scores).num_masked.tolist()
        [2, 3]

    Source: chapter 07_perplexity.
    """
    if not scores:
        raise ValueError("expected at least one scored text, found none")
    losses = np.array([-score.log_prob for score in scores])
    counts = np.array([len(score.tokens) for score in scores])
    digest = hashlib.sha256("".join(score.sha256 for score in scores).encode())
    return Evaluation(
        loss_sum=losses,
        num_masked=counts,
        num_correct=np.array([sum(score.is_first_choice) for score in scores]),
        text_index=np.arange(len(scores), dtype=np.int32),
        by_kind={"mask": (float(losses.sum()), int(counts.sum()))},
        sha256=digest.hexdigest(),
    )
