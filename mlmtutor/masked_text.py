"""Looking at masks: a text with its words, what is hidden, and what stands in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from mlmtutor.masking import IGNORED
from mlmtutor.words import TokenTable, word_heads

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STYLES = {
    "mask": "background:#0072b233;border:2px solid currentColor",
    "random": "background:#d55e0033;border:2px dashed currentColor",
    "kept": "background:#009e7333;border:2px dotted currentColor",
}


@dataclass(frozen=True)
class ShownToken:
    """One token: ``text`` is the true one, ``shown`` what the model sees, ``kind`` mask, random, kept or none."""

    text: str
    shown: str
    kind: str
    begins_word: bool


@dataclass(frozen=True, repr=False)
class MaskedText:
    """A masked text to look at: plain text in a terminal, HTML in a notebook.

    ``[true]`` is hidden by the mask, ``{true>shown}`` by a random token, ``(true)`` kept, and ``a|b`` are pieces of
    one word. In HTML the line around a token tells the same, so nobody needs colours. All text is escaped.
    """

    tokens: tuple[ShownToken, ...]

    def _words(self) -> Iterator[list[ShownToken]]:
        word: list[ShownToken] = []
        for token in self.tokens:
            if token.begins_word and word:
                yield word
                word = []
            word.append(token)
        if word:
            yield word

    def __str__(self) -> str:
        forms = {"mask": "[{t}]", "random": "{{{t}>{s}}}", "kept": "({t})", "none": "{t}"}
        return " ".join(
            "|".join(forms[token.kind].format(t=token.text, s=token.shown) for token in word)
            for word in self._words()
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return (
            f'<div style="line-height:2.2">{" ".join(self._word_html(word) for word in self._words())}</div>'
        )

    @staticmethod
    def _word_html(word: list[ShownToken]) -> str:
        pieces = []
        for token in word:
            if token.kind == "none":
                pieces.append(f"<span>{escape(token.text)}</span>")
                continue
            form = {"mask": "[{}]", "random": "{{{}}}", "kept": "({})"}[token.kind].format(escape(token.text))
            shown = f"<small> {escape(token.shown)}</small>" if token.kind == "random" else ""
            pieces.append(
                f'<span style="{STYLES[token.kind]};border-radius:4px;padding:0 3px" title="{token.kind}">'
                f"{form}{shown}</span>"
            )
        joined = "<b>|</b>".join(pieces)
        return f'<span style="white-space:nowrap">{joined}</span>' if len(word) > 1 else joined


def show_masks(
    input_ids: np.ndarray,
    labels: np.ndarray,
    *,
    tokenizer: PreTrainedTokenizerBase,
    word_starts: np.ndarray | None = None,
) -> MaskedText:
    """Show one masked chunk: the true text, with every hidden token marked by what the model sees.

    Args:
        input_ids: ``(chunk_size,)`` integers as the model sees them, array or tensor.
        labels: ``(chunk_size,)`` integers, the true ids where hidden, -100 elsewhere.
        tokenizer: The tokenizer that made them.
        word_starts: ``(chunk_size,) bool`` or None, see :func:`mlmtutor.words.word_heads`.

    Returns:
        A :class:`MaskedText`; print it, or leave it as the last line of a cell.

    Raises:
        ValueError: If the two do not have the same length.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> print(show_masks(np.array([5, 4, 4, 13, 6]), np.array([-100, 8, 15, -100, 6]), tokenizer=tiny_tokenizer()))
        the [film]|[##s] is (a)

    Source: chapter 04_token_masking.
    """
    input_ids, labels = np.asarray(input_ids), np.asarray(labels)
    if input_ids.ndim != 1 or input_ids.shape != labels.shape:
        raise ValueError(
            f"expected one chunk and its labels, found shapes {input_ids.shape} and {labels.shape}"
        )
    table = TokenTable.from_tokenizer(tokenizer)
    true_ids = np.where(labels == IGNORED, input_ids, labels)
    if word_starts is None and table.continues_word is None:
        begins = np.ones(len(true_ids), dtype=bool)
    else:
        starts = None if word_starts is None else np.asarray(word_starts)[None]
        heads = word_heads(true_ids[None], table=table, word_starts=starts)[0]
        begins = (heads == np.arange(len(heads))) | (heads < 0)
    kinds = np.select(
        [labels == IGNORED, input_ids == table.mask_id, input_ids != labels],
        ["none", "mask", "random"],
        "kept",
    )
    true, shown = (tokenizer.convert_ids_to_tokens(ids.tolist()) for ids in (true_ids, input_ids))
    return MaskedText(
        tuple(ShownToken(*row) for row in zip(true, shown, kinds.tolist(), begins.tolist(), strict=True))
    )
