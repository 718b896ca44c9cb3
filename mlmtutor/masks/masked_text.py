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
LINES = {  # line and background of a chosen token: told apart without colour, and visible on light and dark pages
    "mask": "border:2px solid;background:#0072b233",
    "random": "border:2px dashed;background:#d55e0033",
    "kept": "border:2px dotted;background:#009e7333",
}
READ_ALOUD = {
    "mask": "{shown}, true token {text}",
    "random": "replaced by {shown}, true token {text}",
    "kept": "kept, {text}",
}


@dataclass(frozen=True)
class ShownToken:
    """One token: ``text`` is the true one, ``shown`` what the model sees, ``kind`` mask, random, kept or none."""

    text: str
    shown: str
    kind: str
    begins_word: bool

    def __str__(self) -> str:
        return self.shown if self.kind == "none" else f"{self.shown}{{{self.text}}}"

    def _repr_html_(self) -> str:
        if self.kind == "none":
            return escape(self.shown)
        read_aloud = READ_ALOUD[self.kind].format(shown=self.shown, text=self.text)
        return (
            f'<ruby title="{self.kind}" role="img" aria-label="{escape(read_aloud)}">'
            f'<span style="{LINES[self.kind]};border-radius:4px;padding:0 3px">{escape(self.shown)}</span>'
            f'<rp>{{</rp><rt style="font-size:75%;padding-bottom:3px">{escape(self.text)}</rt><rp>}}</rp></ruby>'
        )


@dataclass(frozen=True, repr=False)
class MaskedText:
    """A masked text to look at: plain text in a terminal, HTML in a notebook.

    Both show what the model sees. A chosen token has its true token in braces behind it, ``[MASK]{film}``, or in HTML in
    small type above it, with a solid line where it is masked, a dashed one where it is replaced and a dotted one where it
    is kept. ``a|b`` are pieces of one word. All text is escaped.
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
        return " ".join("|".join(map(str, word)) for word in self._words())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        words = " ".join(self._word_html(word) for word in self._words())
        return f'<div style="line-height:2.6">{words}</div>'

    @staticmethod
    def _word_html(word: list[ShownToken]) -> str:
        joined = "<b>|</b><wbr>".join(token._repr_html_() for token in word)
        # a word stays on one line unless it is wider than the page
        return f'<span style="display:inline-block">{joined}</span>' if len(word) > 1 else joined


def show_masks(
    input_ids: np.ndarray,
    labels: np.ndarray,
    *,
    tokenizer: PreTrainedTokenizerBase,
    word_starts: np.ndarray | None = None,
) -> MaskedText:
    """Show one masked chunk as the model sees it, with the true token above every token that was chosen.

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
        the [MASK]{film}|[MASK]{##s} is a{a}

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
        if word_starts is None:  # pieces of a word that began in the chunk before belong together as well
            continues = table.continues_word[true_ids]
            continues[1:] &= ~table.is_special[true_ids[:-1]]
            begins &= ~continues
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
