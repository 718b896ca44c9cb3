"""Texts to rows of token ids that a model can read, and rows to padded tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from mlmtutor.model.limits import check_texts_fit

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def list_texts(texts: str | Iterable[str]) -> list[str]:
    """Return texts as a list; one string is one text.

    Raises:
        ValueError: If something is not a text.

    Example:
        >>> list_texts("the film"), list_texts(("the", "film"))
        (['the film'], ['the', 'film'])
    """
    if isinstance(texts, str):
        return [texts]
    texts = list(texts) if isinstance(texts, Iterable) else [texts]
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(
                f"expected texts, found {type(text).__name__} at position {number}: {text!r:.60}"
            )
    return texts


def encode_texts(
    texts: Sequence[str],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    max_tokens: int | None = None,
    keep: Literal["first", "last"] = "first",
) -> list[list[int]]:
    """Return the token ids of each text, special tokens included.

    Args:
        texts: The texts.
        model: The model that is to read them.
        tokenizer: Its tokenizer.
        max_tokens: Read so many tokens of each text; None reads all.
        keep: Which tokens of a longer text are read: its first or its last.

    Raises:
        ValueError: If the model has no masked-LM head, or cannot read a text: too many tokens, or unknown ids.
    """
    if not texts:
        return []
    side, tokenizer.truncation_side = tokenizer.truncation_side, {"first": "right", "last": "left"}[keep]
    options = {"truncation": max_tokens is not None, "max_length": max_tokens}
    try:
        rows = tokenizer(texts, **options, padding=False, verbose=False)["input_ids"]
    finally:
        tokenizer.truncation_side = side
    check_texts_fit(model, rows, texts=texts)
    return rows


def pad_rows(rows: Sequence[Sequence[int]], *, pad_id: int | None) -> dict[str, torch.Tensor]:
    """Stack rows of different lengths: ``input_ids`` and ``attention_mask``, ``(num_rows, num_tokens) int64``.

    Example:
        >>> batch = pad_rows([[2, 5, 3], [2, 3]], pad_id=0)
        >>> batch["input_ids"].tolist(), batch["attention_mask"].tolist()
        ([[2, 5, 3], [2, 3, 0]], [[1, 1, 1], [1, 1, 0]])
    """
    import torch
    from torch.nn.utils.rnn import pad_sequence

    padding = 0 if pad_id is None else pad_id  # what stands there is never seen
    ids = pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=padding)
    is_token = pad_sequence([torch.ones(len(row), dtype=torch.int64) for row in rows], batch_first=True)
    return {"input_ids": ids, "attention_mask": is_token}


def check_mask_token(tokenizer: PreTrainedTokenizerBase) -> None:
    """Check that a tokenizer has a mask token.

    Raises:
        ValueError: If it has none, as those of causal models.
    """
    if tokenizer.mask_token_id is None:
        raise ValueError(
            f"expected a tokenizer with a mask token, found none in {tokenizer.name_or_path or 'this one'!r}: "
            "is it the tokenizer of a causal language model?"
        )
