"""What a masked language model would write in the place of each mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlmtutor.model.encoding import check_mask_token, encode_texts, list_texts, pad_rows
from mlmtutor.model.limits import check_finite, check_ids, vocab_size
from mlmtutor.model.masked_lm import IGNORED, score_batches

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


BATCH_SIZE = 32  # texts per forward pass
SPACE_MARKS = ("Ġ", "▁")  # how byte-level BPE and SentencePiece write the space before a word


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
    targets: str | Sequence[str] | None = None,
) -> list[list[list[Candidate]]]:
    """Return the most probable tokens for every mask in every text.

    Args:
        texts: One or more texts, each with at least one mask token.
        model: A masked language model, on any device. It is returned to the mode it was in.
        tokenizer: Its tokenizer.
        top_k: Candidates per mask.
        targets: If given, rank these words only, or this word; each must be a single token where the mask stands, see
            :func:`find_single_tokens`.

    Returns:
        ``result[text][mask][rank]`` is a :class:`Candidate`, ranked by probability. The probability is always
        that among the whole vocabulary. Several masks in a text are judged each on its own.

    Raises:
        ValueError: If a text has no mask or is too long, ``top_k`` is out of range, a target is several tokens or a
            special one, or the model's weights are not finite.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> ((candidates,),) = fill_masks("the [MASK]", model=tiny_model(), tokenizer=tiny_tokenizer(), top_k=2)
        >>> [c.text for c in candidates] == [f"the {c.token}" for c in candidates]
        True

    Source: chapter 01_fill_mask.
    """
    import torch

    check_mask_token(tokenizer)
    mask, mask_id = tokenizer.mask_token, tokenizer.mask_token_id
    texts = list_texts(texts)
    rows = encode_texts(texts, model=model, tokenizer=tokenizer)
    for text, row in zip(texts, rows, strict=True):
        if mask_id not in row:
            raise ValueError(f"expected a text with {mask}, found {text!r:.80}")
    gaps = [_split_at(text, mask, number) for text, row in zip(texts, rows, strict=True)
            for number in range(row.count(mask_id))]  # fmt: skip
    # a model may have more rows than the tokenizer has tokens, and the other way round
    named = torch.tensor(sorted(i for i in tokenizer.get_vocab().values() if i < vocab_size(model)))
    if targets is None:
        if not 1 <= top_k <= len(named):
            raise ValueError(f"top_k must be in [1, {len(named)}], got {top_k}")
        wanted = [named] * len(gaps)
    else:
        top_k = None
        wanted = _find_targets(targets, gaps, model=model, tokenizer=tokenizer)

    def encode(rows: list[list[int]]) -> dict[str, torch.Tensor]:
        batch = pad_rows(rows, pad_id=tokenizer.pad_token_id)
        # which positions to score; their truth is not known
        return batch | {"labels": torch.where(batch["input_ids"] == mask_id, 0, IGNORED)}

    batches = (encode(rows[start : start + BATCH_SIZE]) for start in range(0, len(rows), BATCH_SIZE))
    remaining = iter(zip(gaps, wanted, strict=True))
    filled: list[list[Candidate]] = []
    for logits, _ in score_batches(model, batches):  # (num_masks, vocab_size)
        # subtle: the logits come first, so that no gap is taken after the last of them
        for probabilities, (gap, ids) in zip(logits.softmax(-1).cpu(), remaining, strict=False):
            shares, order = probabilities[ids].topk(top_k or len(ids))
            check_finite(shares, model=model, name="probabilities")
            filled.append(_candidates(*gap, ids[order].tolist(), shares.tolist(), tokenizer))
    per_mask = iter(filled)
    return [[next(per_mask) for _ in range(row.count(mask_id))] for row in rows]


def _find_targets(targets, gaps, *, model, tokenizer) -> list[torch.Tensor]:
    """Return the ids of the targets for each gap, given as the texts before and after it."""
    import torch

    targets = list_texts(targets)
    if not targets:
        raise ValueError("expected at least one target, found none")
    found = {}
    for before, _ in gaps:
        if before[-1:] not in found:
            ids = torch.tensor(find_single_tokens(targets, tokenizer, before=before)).unique()
            check_ids(ids, model=model)
            found[before[-1:]] = ids
    return [found[before[-1:]] for before, _ in gaps]


def find_single_tokens(
    words: str | Sequence[str], tokenizer: PreTrainedTokenizerBase, *, before: str = " "
) -> list[int]:
    """Return the ids of words that are one token each, in the place where they are to stand.

    Byte-level BPE and SentencePiece have two tokens for many a word: one that follows a space, such as ``Ġvalve``, and one
    that continues what stands before it, ``valve``. What stands before the gap decides which of them is meant, however the
    word was typed. At the start of a text it is what the tokenizer makes of a text that begins so. WordPiece has one token.

    Args:
        words: The words, or one word; a space around them does not count.
        tokenizer: The tokenizer.
        before: The text before the gap, of which the last character counts.

    Raises:
        ValueError: If a word is several tokens there, or none, unknown, or special.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> find_single_tokens([" film", "good"], tiny_tokenizer())
        [8, 10]
    """
    ids = []
    for word in list_texts(words):
        pieces = _pieces(word.strip(), tokenizer, before)
        token_id = tokenizer.convert_tokens_to_ids(pieces[0]) if len(pieces) == 1 else None
        if token_id is None:
            reason = f"{len(pieces)}: {' '.join(pieces)}" if pieces else "empty"
        elif token_id == tokenizer.unk_token_id:
            reason = "not in the vocabulary"
        elif token_id in tokenizer.all_special_ids:
            reason = "a special token"
        else:
            ids.append(token_id)
            continue
        raise ValueError(f"expected words that are one token, found {word!r:.60}, which is {reason:.180}")
    return ids


def _pieces(word: str, tokenizer: PreTrainedTokenizerBase, before: str) -> list[str]:
    """Return the pieces of a word behind a text; a token that was added stands for itself."""
    if not before or not word or word in tokenizer.get_added_vocab():
        return tokenizer.tokenize(word)
    space = before[-1]
    if space.isspace():
        pieces, alone = tokenizer.tokenize(space + word), tokenizer.tokenize(space)
        # a line end is a token of its own, a blank is a part of the word
        return pieces[len(alone) :] if space != " " and pieces[: len(alone)] == alone else pieces
    pieces = tokenizer.tokenize(f" {word}")
    if not pieces or not pieces[0].startswith(SPACE_MARKS):
        return pieces
    whole = "".join(pieces)[1:]
    vocabulary = tokenizer.get_vocab()
    return [whole] if whole in vocabulary else [piece for piece in (pieces[0][1:], *pieces[1:]) if piece]


def _candidates(before, after, ids, probabilities, tokenizer) -> list[Candidate]:
    """Make the candidates of the mask between two texts."""
    candidates = []
    for token_id, probability in zip(ids, probabilities, strict=True):
        token = tokenizer.convert_ids_to_tokens(token_id)
        shown = tokenizer.decode([token_id]).strip()
        candidates.append(Candidate(token, token_id, probability, before + shown + after))
    return candidates


def _split_at(text: str, mark: str, number: int) -> tuple[str, str]:
    parts = text.split(mark)
    return mark.join(parts[: number + 1]), mark.join(parts[number + 1 :])
