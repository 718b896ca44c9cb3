"""Frozen masks in shorter chunks: the same masked tokens, with less around them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from mlmtutor.masks.frozen import FrozenMasks


def cut_masks(masks: FrozenMasks, *, chunk_size: int) -> FrozenMasks:
    """Cut every chunk of frozen masks into shorter ones. Which tokens are masked, and as what, stays the same.

    So the same questions can be asked with less to read, to see what the text around a token is worth.

    Args:
        masks: Frozen masks.
        chunk_size: Tokens per chunk of the result; the old chunk size must be a multiple of it.

    Returns:
        As many masked tokens in the same order, in more and shorter chunks. ``text_index`` is that of the chunk from which
        each was cut.

    Raises:
        ValueError: If the chunks cannot be cut into equal ones of that size.

    Example:
        >>> from mlmtutor.masks.frozen import freeze_masks
        >>> from mlmtutor.masks.masking import MaskingSettings
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> from mlmtutor.texts.chunking import chunk_texts
        >>> tokenizer = tiny_tokenizer()
        >>> chunks = chunk_texts(["the film was good"] * 9, tokenizer, chunk_size=8).dataset
        >>> masks = freeze_masks(chunks, tokenizer=tokenizer, settings=MaskingSettings(), seed=0)
        >>> masks.labels.shape, cut_masks(masks, chunk_size=4).labels.shape
        ((6, 8), (12, 4))

    Source: chapter 03_chunking.
    """
    size = masks.input_ids.shape[1]
    if chunk_size < 1 or size % chunk_size:
        raise ValueError(f"chunk_size must divide the {size} tokens of a chunk, got {chunk_size}")
    return replace(
        masks,
        input_ids=masks.input_ids.reshape(-1, chunk_size),
        labels=masks.labels.reshape(-1, chunk_size),
        text_index=masks.text_index.repeat(size // chunk_size),
        sha256=hashlib.sha256(f"{masks.sha256} in chunks of {chunk_size}".encode()).hexdigest(),
    )
