"""From texts to arrays of tokens: a fast tokenizer, as chunking needs it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mlmtutor.texts.segmenters import Segmenter, starts_from_segments
from mlmtutor.texts.words import continuation_prefix, flag_special, starts_from_word_ids

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer
    from transformers import PreTrainedTokenizerBase

NONCHARACTER = "\ufdd0"  # reserved by Unicode for use inside programs


class Tokens(NamedTuple):
    """The tokens of a few texts, joined: ids and word starts per token, and the length of each text."""

    ids: np.ndarray
    starts: np.ndarray | None
    lengths: np.ndarray


class Encoder:
    """A fast tokenizer without truncation or padding, that returns arrays and counts what it has seen.

    Attributes:
        num_texts: Texts encoded so far.
        num_characters: Their characters.
        num_ordinary: Their tokens that are neither special nor unknown.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> Encoder(tiny_tokenizer()).encode(["the films"]).ids.tolist()
        [2, 5, 8, 15, 3]

    Source: chapter 03_chunking.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, segmenter: Segmenter | None = None) -> None:
        self.backend = _copy_backend(tokenizer)
        self.segmenter = segmenter
        self.needs_starts = segmenter is not None or continuation_prefix(tokenizer) is None
        self.is_special = flag_special(tokenizer)
        self.num_texts = self.num_characters = self.num_ordinary = 0

    def encode(self, texts: Sequence[str]) -> Tokens:
        """Return the tokens of some texts.

        Raises:
            ValueError: If one is not a string of Unicode, or the segmenter fails on it.
        """
        ids, starts, lengths = [], [], []
        texts = list(texts)
        for text, encoding in zip(texts, self._encode(texts), strict=True):
            ids.append(np.array(encoding.ids, dtype=np.int32))
            lengths.append(len(ids[-1]))
            if self.segmenter is not None:
                is_special = np.array(encoding.special_tokens_mask, dtype=bool)
                starts.append(
                    starts_from_segments(
                        text, encoding.offsets, is_special=is_special, segmenter=self.segmenter
                    )
                )
            elif self.needs_starts:
                starts.append(starts_from_word_ids(encoding.word_ids))
        joined = np.concatenate([np.empty(0, dtype=np.int32), *ids])
        self.num_texts += len(texts)
        self.num_characters += sum(map(len, texts))
        self.num_ordinary += len(joined) - np.count_nonzero(self.is_special.take(joined))
        return Tokens(
            joined,
            np.concatenate([np.empty(0, dtype=bool), *starts]) if self.needs_starts else None,
            np.array(lengths, dtype=np.int64),
        )

    def _encode(self, texts: list[str]) -> list[Encoding]:
        for row, text in enumerate(texts, start=self.num_texts):
            if not isinstance(text, str):
                raise ValueError(f"expected a text in row {row}, found {type(text).__name__}: {text!r:.60}")
        try:
            # the fast call skips offsets and word ids
            return (self.backend.encode_batch if self.needs_starts else self.backend.encode_batch_fast)(texts)
        except TypeError:
            for row, text in enumerate(texts, start=self.num_texts):
                # half of a pair of surrogates is no Unicode, and all else is
                if half := re.search("[\ud800-\udfff]", text):
                    raise ValueError(
                        f"expected Unicode in row {row}, found half a character, {half[0]!r}, at {half.start()}: "
                        "read the text with its own encoding, or drop such halves"
                    ) from None
            raise


def _copy_backend(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """Copy what cuts texts into tokens, without truncation and padding, and blind to special tokens that were typed.

    In the copy they have names that no text holds, so ``[MASK]`` in a text is read as any other word. Only ids leave it.
    """
    from tokenizers import Tokenizer

    state = tokenizer.backend_tokenizer.to_str()
    for token in tokenizer.special_tokens_map.values():
        if isinstance(token, str):  # and not the list of those that were added, which mean something in texts
            state = state.replace(_quote(token), _quote(NONCHARACTER + token))
    backend = Tokenizer.from_str(state)
    backend.no_truncation()
    backend.no_padding()
    return backend


def _quote(token: str) -> str:
    return json.dumps(token, ensure_ascii=False)
