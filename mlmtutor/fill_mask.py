"""What a masked language model would write in each blank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class Candidate:
    """One token for one blank.

    Attributes:
        token: The token as the vocabulary spells it, ``##ing`` for a continuation.
        token_id: Its id.
        probability: Its share of the whole vocabulary, in [0, 1].
        text: The text with this blank filled and the others left open.
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
    batch_size: int = 32,
) -> list[list[list[Candidate]]]:
    """Give the most probable tokens for every mask in every text.

    Args:
        texts: One or more texts, each with at least one mask token.
        model: A masked language model, on any device.
        tokenizer: Its tokenizer.
        top_k: Candidates per mask.
        targets: If given, rank these words only; each must be a single token of the vocabulary.
        batch_size: Texts per forward pass.

    Returns:
        ``result[text][mask][rank]`` is a :class:`Candidate`, ranked by probability. The probability is always
        that among the whole vocabulary. Several masks in a text are judged each on its own.

    Raises:
        ValueError: If a text has no mask or is too long, ``top_k`` is out of range, or a target is several tokens.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> ((blank,),) = fill_masks("the [MASK]", model=tiny_model(), tokenizer=tiny_tokenizer(), top_k=2)
        >>> [candidate.text for candidate in blank] == [f"the {candidate.token}" for candidate in blank]
        True

    Source: chapter 01_fill_mask.
    """
    import torch

    texts = [texts] if isinstance(texts, str) else list(texts)
    wanted = None if targets is None else single_tokens(targets, tokenizer)
    most = len(tokenizer) if wanted is None else len(wanted)
    if wanted is None and not 1 <= top_k <= most:
        raise ValueError(f"top_k must be in [1, {most}], got {top_k}")
    limit = getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length
    results: list[list[list[Candidate]]] = []
    for start in range(0, len(texts), batch_size):
        batch = texts[start : start + batch_size]
        encoded = tokenizer(batch, padding=True, truncation=False, return_tensors="pt", verbose=False)
        is_mask = encoded["input_ids"] == tokenizer.mask_token_id  # (batch_size, num_tokens)
        for text, has_mask, num_tokens in zip(
            batch, is_mask.any(1), encoded["attention_mask"].sum(1).tolist(), strict=True
        ):
            if not has_mask:
                raise ValueError(f"expected a text with {tokenizer.mask_token}, found {text!r:.80}")
            if num_tokens > limit:
                raise ValueError(f"expected at most {limit} tokens, found {num_tokens} in {text!r:.60}")
        with torch.inference_mode():
            logits = model(**encoded.to(model.device)).logits[is_mask]  # (num_masks, vocab_size)
        probabilities = logits.float().softmax(-1).cpu()
        if wanted is not None:
            order = probabilities[:, wanted].argsort(-1, descending=True)
            ids = torch.tensor(wanted)[order]
        else:
            ids = probabilities.topk(top_k).indices
        per_mask = zip(ids.tolist(), probabilities.gather(1, ids).tolist(), strict=True)
        for text, num_masks in zip(batch, is_mask.sum(1).tolist(), strict=True):
            filled = [_candidates(text, i, *next(per_mask), tokenizer) for i in range(num_masks)]
            results.append(filled)
    return results


def single_tokens(words: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Give the ids of words that are one token each.

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


def _candidates(text, blank, ids, probabilities, tokenizer) -> list[Candidate]:
    """Make the candidates of blank number ``blank`` of ``text``."""
    before, after = _split_at(text, tokenizer.mask_token, blank)
    candidates = []
    for token_id, probability in zip(ids, probabilities, strict=True):
        token = tokenizer.convert_ids_to_tokens(token_id)
        shown = tokenizer.decode([token_id]).strip()
        candidates.append(Candidate(token, token_id, probability, before + shown + after))
    return candidates


def _split_at(text: str, mark: str, number: int) -> tuple[str, str]:
    parts = text.split(mark)
    return mark.join(parts[: number + 1]), mark.join(parts[number + 1 :])
