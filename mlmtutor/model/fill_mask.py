"""What a masked language model would write in the place of each mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


BATCH_SIZE = 32  # texts per forward pass


@dataclass(frozen=True)
class Candidate:
    """One token for one mask.

    Attributes:
        token: The token as the vocabulary spells it, ``##ing`` for a continuation.
        token_id: Its id.
        probability: Its share of the whole vocabulary, in [0, 1].
        text: The text with this mask filled and the others left open.
    """

    token: str
    token_id: int
    probability: float
    text: str


def fill_masks(
    texts: str | Sequence[str],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    top_k: int = 5,
    targets: Sequence[str] | None = None,
) -> list[list[list[Candidate]]]:
    """Return the most probable tokens for every mask in every text.

    Args:
        texts: One or more texts, each with at least one mask token.
        model: A masked language model, on any device.
        tokenizer: Its tokenizer.
        top_k: Candidates per mask.
        targets: If given, rank these words only; each must be a single token of the vocabulary.

    Returns:
        ``result[text][mask][rank]`` is a :class:`Candidate`, ranked by probability. The probability is always
        that among the whole vocabulary. Several masks in a text are judged each on its own.

    Raises:
        ValueError: If a text has no mask or is too long, ``top_k`` is out of range, or a target is several tokens.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> ((candidates,),) = fill_masks("the [MASK]", model=tiny_model(), tokenizer=tiny_tokenizer(), top_k=2)
        >>> [c.text for c in candidates] == [f"the {c.token}" for c in candidates]
        True

    Source: chapter 01_fill_mask.
    """
    import torch

    from mlmtutor.model.masked_lm import IGNORED, score_batches

    texts = [texts] if isinstance(texts, str) else list(texts)
    wanted = None if targets is None else torch.tensor(find_single_tokens(targets, tokenizer))
    if wanted is None and not 1 <= top_k <= len(tokenizer):
        raise ValueError(f"top_k must be in [1, {len(tokenizer)}], got {top_k}")
    limit = getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length
    num_masks: list[int] = []

    def encode(texts: list[str]) -> dict[str, torch.Tensor]:
        encoded = tokenizer(texts, padding=True, truncation=False, return_tensors="pt", verbose=False)
        is_mask = encoded["input_ids"] == tokenizer.mask_token_id  # (batch_size, num_tokens)
        num_masks.extend(is_mask.sum(1).tolist())
        for text, found, num_tokens in zip(
            texts, is_mask.any(1).tolist(), encoded["attention_mask"].sum(1).tolist(), strict=True
        ):
            if not found:
                raise ValueError(f"expected a text with {tokenizer.mask_token}, found {text!r:.80}")
            if num_tokens > limit:
                raise ValueError(f"expected at most {limit} tokens, found {num_tokens} in {text!r:.60}")
        labels = torch.where(is_mask, 0, IGNORED)  # which positions to score; their truth is not known
        return {name: encoded[name] for name in ("input_ids", "attention_mask")} | {"labels": labels}

    batches = (encode(texts[start : start + BATCH_SIZE]) for start in range(0, len(texts), BATCH_SIZE))
    ranked: list[tuple[list[int], list[float]]] = []  # ids and probabilities, mask by mask
    for logits, _ in score_batches(model, batches):  # (num_masks, vocab_size)
        probabilities = logits.softmax(-1).cpu()
        if wanted is None:
            ids = probabilities.topk(top_k).indices
        else:
            ids = wanted[probabilities[:, wanted].argsort(-1, descending=True)]
        ranked += zip(ids.tolist(), probabilities.gather(1, ids).tolist(), strict=True)
    per_mask = iter(ranked)
    return [
        [_candidates(text, number, *next(per_mask), tokenizer) for number in range(found)]
        for text, found in zip(texts, num_masks, strict=True)
    ]


def find_single_tokens(words: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the ids of words that are one token each.

    Raises:
        ValueError: If a word is several tokens, or unknown.
    """
    ids = []
    for word in words:
        pieces = tokenizer.tokenize(word)
        if len(pieces) != 1 or pieces[0] == tokenizer.unk_token:
            raise ValueError(
                f"expected words that are one token, found {word!r}, which is {len(pieces)}: {' '.join(pieces)}"
            )
        ids.append(tokenizer.convert_tokens_to_ids(pieces[0]))
    return ids


def _candidates(text, mask, ids, probabilities, tokenizer) -> list[Candidate]:
    """Make the candidates of mask number ``mask`` of ``text``."""
    before, after = _split_at(text, tokenizer.mask_token, mask)
    candidates = []
    for token_id, probability in zip(ids, probabilities, strict=True):
        token = tokenizer.convert_ids_to_tokens(token_id)
        shown = tokenizer.decode([token_id]).strip()
        candidates.append(Candidate(token, token_id, probability, before + shown + after))
    return candidates


def _split_at(text: str, mark: str, number: int) -> tuple[str, str]:
    parts = text.split(mark)
    return mark.join(parts[: number + 1]), mark.join(parts[number + 1 :])
