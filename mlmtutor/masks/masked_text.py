"""Looking at masks: a text with its words, which tokens are masked, and what the model sees instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from mlmtutor.masks.masking import KINDS, kinds_of
from mlmtutor.model.masked_lm import IGNORED
from mlmtutor.model.messages import printable
from mlmtutor.texts.words import TokenTable, begins_word, find_first_pieces

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from mlmtutor.masks.frozen import FrozenMasks

NUM_NEIGHBOURS = 6  # tokens shown on either side of a masked one
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

    ``[true]`` is shown as the mask, ``{true>shown}`` as a random token, ``(true)`` is kept, and ``a|b`` are pieces of
    one word. In HTML the border style carries the same information as the colour. All text is escaped.
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
    """Show one masked chunk: the true text, with every masked token marked by what the model sees.

    Args:
        input_ids: ``(chunk_size,)`` integers as the model sees them, array or tensor.
        labels: ``(chunk_size,)`` integers, the true ids where masked, -100 elsewhere.
        tokenizer: The tokenizer that made them.
        word_starts: ``(chunk_size,) bool`` or None, see :func:`mlmtutor.texts.words.find_first_pieces`.

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
        begins = begins_word(find_first_pieces(true_ids[None], table=table, word_starts=starts)[0])
    kinds = np.array(KINDS)[kinds_of(input_ids, labels, mask_id=table.mask_id)]
    true, shown = (
        map(printable, tokenizer.convert_ids_to_tokens(ids.tolist())) for ids in (true_ids, input_ids)
    )
    return MaskedText(
        tuple(ShownToken(*row) for row in zip(true, shown, kinds.tolist(), begins.tolist(), strict=True))
    )


def show_context(masks: FrozenMasks, number: int, *, tokenizer: PreTrainedTokenizerBase) -> str:
    """Show one masked token among its neighbours, with the true token in brackets and ``_`` for other masks.

    Args:
        masks: Frozen masks.
        number: Which masked token, in reading order: row by row, from left to right.
        tokenizer: The tokenizer that made the chunks.

    Returns:
        One line of text: the token with up to six others on either side.

    Raises:
        ValueError: If there is no masked token of that number.

    Example:
        >>> from mlmtutor.masks.frozen import freeze_masks
        >>> from mlmtutor.masks.masking import MaskingSettings
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> from mlmtutor.texts.chunking import chunk_texts
        >>> tokenizer = tiny_tokenizer()
        >>> chunks = chunk_texts(["the film was good"] * 9, tokenizer, chunk_size=6).dataset
        >>> masks = freeze_masks(chunks, tokenizer=tokenizer, settings=MaskingSettings(), seed=0)
        >>> "[" in show_context(masks, 0, tokenizer=tokenizer)
        True

    Source: chapter 08_adapted_model.
    """
    rows, columns = np.nonzero(masks.labels != IGNORED)
    if not 0 <= number < len(rows):
        raise ValueError(f"expected a masked token from 0 to {len(rows) - 1}, found {number}")
    row, column = rows[number], columns[number]
    tokens = tokenizer.convert_ids_to_tokens(masks.input_ids[row].tolist())
    true = tokenizer.convert_ids_to_tokens(int(masks.labels[row, column]))
    shown = ["_" if token == tokenizer.mask_token else token for token in tokens]
    before, after = shown[max(0, column - NUM_NEIGHBOURS) : column], shown[column + 1 :][:NUM_NEIGHBOURS]
    return " ".join(map(printable, [*before, f"[{true}]", *after])).replace(" ##", "")
