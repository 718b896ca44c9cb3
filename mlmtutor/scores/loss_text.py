"""Looking at losses: a masked text, and what each masked token cost two models."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from mlmtutor.masks.masked_text import ShownToken, show_masks
from mlmtutor.model.messages import printable

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from mlmtutor.masks.frozen import FrozenMasks
    from mlmtutor.scores.perplexity import Evaluation

FRAMES = {"mask": "solid", "random": "dashed", "kept": "dotted"}  # as in show_masks
BETTER, WORSE = "#0072b2", "#d55e00"  # told apart without seeing red or green
FULL_SHADE = 2.0  # nats of change from which the shade grows no darker
DARKEST = 0x99  # of 0xff: letters can be read on it
COLUMNS = ("true token", "model sees", "before", "after", "change")


@dataclass(frozen=True)
class TokenLoss:
    """One token: what it is and what the model sees; of a masked one also the losses of two models, in nats."""

    shown: ShownToken
    text: str
    before: float | None = None
    after: float | None = None

    @property
    def is_masked(self) -> bool:
        """Whether the models had to predict it."""
        return self.before is not None

    def row(self) -> tuple[str, ...]:
        """Return the token as a row of the table."""
        numbers = f"{self.before:.2f}", f"{self.after:.2f}", f"{self.after - self.before:+.2f}"
        return (self.text, self.shown.shown, *numbers)

    def _repr_html_(self) -> str:
        if not self.is_masked:
            return escape(self.text)
        shade = round(DARKEST * min(1.0, abs(self.after - self.before) / FULL_SHADE))
        style = f"border:2px {FRAMES[self.shown.kind]};background:{WORSE if self.after > self.before else BETTER}{shade:02x}"
        read_aloud = (
            f"{self.text}, shown as {self.shown.shown}, loss {self.before:.1f} before, {self.after:.1f} after"
        )
        return (
            f'<ruby role="img" style="margin:0 2px" title="{escape(read_aloud)}" aria-label="{escape(read_aloud)}">'
            f'<bdi style="display:inline-block;line-height:1.4;{style};border-radius:4px;padding:0 3px">{escape(self.text)}</bdi>'
            f'<rp>{{</rp><rt dir="ltr" style="font-size:70%;padding:0 3px 3px">{self.before:.1f}→{self.after:.1f}</rt>'
            "<rp>}</rp></ruby>"
        )


@dataclass(frozen=True, repr=False)
class LossText:
    """A masked text with the losses of two models: a table in a terminal, HTML in a notebook.

    In HTML the true tokens are written out. A masked one has its losses before and after in small type above it; its shade
    is blue where the loss fell and orange where it rose, and darker the more it changed. Its frame says what the models saw:
    a solid line for a mask, a dashed one for another token, a dotted one for the token itself. The table is folded
    below. All text is escaped.
    """

    tokens: tuple[TokenLoss, ...]
    chunk: int

    @property
    def masked(self) -> list[TokenLoss]:
        """The masked tokens, in reading order."""
        return [token for token in self.tokens if token.is_masked]

    def _heading(self) -> str:
        before, after = np.mean([(token.before, token.after) for token in self.masked], axis=0)
        return f"chunk {self.chunk}, masked tokens: {len(self.masked)}, mean loss: {before:.2f} -> {after:.2f} nats"

    def __str__(self) -> str:
        rows = [COLUMNS, *(token.row() for token in self.masked)]
        widths = [max(map(width_of, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(_pad(*cell) for cell in zip(row, widths, range(5), strict=True)) for row in rows]
        return "\n".join([self._heading(), *(line.rstrip() for line in lines)])

    __repr__ = __str__

    def _words(self) -> Iterator[str]:
        pieces: list[str] = []
        for token in self.tokens:
            if token.shown.begins_word and pieces:
                yield "<b>|</b><wbr>".join(pieces)
                pieces = []
            pieces.append(token._repr_html_())
        yield "<b>|</b><wbr>".join(pieces)

    def _repr_html_(self) -> str:
        direction = "rtl" if is_right_to_left("".join(token.text for token in self.tokens)) else "ltr"
        heads = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
        rows = (
            "".join(f"<td><bdi>{escape(cell)}</bdi></td>" for cell in token.row()) for token in self.masked
        )
        return (
            f"<p>{escape(self._heading())}; blue: lower after, orange: higher</p>"
            f'<div dir="{direction}" style="line-height:2.6">{" ".join(self._words())}</div>'
            f"<details><summary>As a table</summary><table><thead><tr>{heads}</tr></thead>"
            f"<tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table></details>"
        )


def show_losses(
    masks: FrozenMasks,
    chunk: int,
    *,
    before: Evaluation,
    after: Evaluation,
    tokenizer: PreTrainedTokenizerBase,
) -> LossText:
    """Show one chunk with the loss of each masked token under two models.

    Args:
        masks: Frozen masks.
        chunk: Which chunk of them, from 0.
        before: What :func:`mlmtutor.scores.perplexity.evaluate` made of one model on these masks.
        after: The same of another model.
        tokenizer: The tokenizer that made the chunks.

    Returns:
        A :class:`LossText`; print it, or leave it as the last line of a cell.

    Raises:
        ValueError: If the evaluations are not on these masks, or the chunk does not exist or has no masked token.

    Example:
        >>> from mlmtutor.masks.frozen import freeze_masks
        >>> from mlmtutor.masks.masking import MaskingSettings
        >>> from mlmtutor.scores.perplexity import evaluate
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> from mlmtutor.texts.chunking import chunk_texts
        >>> tokenizer = tiny_tokenizer()
        >>> chunks = chunk_texts(["the film was good"] * 9, tokenizer, chunk_size=27).dataset
        >>> masks = freeze_masks(chunks, tokenizer=tokenizer, settings=MaskingSettings(), seed=0)
        >>> result = evaluate(tiny_model(), masks)
        >>> shown = show_losses(masks, 0, before=result, after=result, tokenizer=tokenizer)
        >>> len(shown.masked) == result.num_masked.tolist()[0]
        True

    Source: chapter 07_perplexity.
    """
    for name, result in {"before": before, "after": after}.items():
        if result.sha256 != masks.sha256:
            raise ValueError(
                f"expected evaluations on these masks, {masks.sha256[:12]}, found {name} on {result.sha256[:12]}"
            )
    if not 0 <= chunk < len(masks):
        raise ValueError(f"expected a chunk from 0 to {len(masks) - 1}, found {chunk}")
    losses = [result.losses[result.chunk_index == chunk].tolist() for result in (before, after)]
    if not losses[0]:
        raise ValueError(f"expected a chunk with masked tokens, found none in chunk {chunk}")
    rest = zip(*losses, strict=True)
    shown = show_masks(masks.input_ids[chunk], masks.labels[chunk], tokenizer=tokenizer).tokens
    return LossText(
        tuple(
            TokenLoss(token, readable(token.text, tokenizer), *(next(rest) if token.kind != "none" else ()))
            for token in shown
        ),
        chunk,
    )


def readable(token: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """Return a token as its letters, without the sign of a space; as it is where it is only part of a letter."""
    text = tokenizer.convert_tokens_to_string([token]).strip()
    return token if not text or "\ufffd" in text else printable(text)


def is_right_to_left(text: str) -> bool:
    """Whether most letters of a text are written from right to left, as in Hebrew and Arabic."""
    directions = [unicodedata.bidirectional(letter) for letter in text]
    return sum(name in ("R", "AL") for name in directions) > directions.count("L")


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes: a Chinese character takes two."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)


def _pad(text: str, width: int, column: int) -> str:
    """Fill a cell up: words to the right of them, numbers to the left."""
    spaces = " " * (width - width_of(text))
    return text + spaces if column < 2 else spaces + text
