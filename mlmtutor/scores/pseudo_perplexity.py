"""Pseudo-perplexity: every token of a text masked in turn, with or without the rest of its word."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mlmtutor.masks.masking import KINDS
from mlmtutor.model.encoding import check_mask_token, encode_texts, list_texts, pad_rows
from mlmtutor.model.limits import check_finite
from mlmtutor.model.masked_lm import IGNORED, score_batches
from mlmtutor.scores.perplexity import Evaluation
from mlmtutor.texts.segmenters import Segmenter, starts_from_segments
from mlmtutor.texts.words import TokenTable, begins_word, find_first_pieces, starts_from_word_ids

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BATCH_SIZE = 64  # masked tokens per forward pass
PAIRS = Path(__file__).parents[1] / "data" / "minimal_pairs.json"


@dataclass(frozen=True)
class ScoredText:
    """A text whose tokens were masked and predicted one after the other; special tokens are left out.

    Attributes:
        text: The text.
        tokens: Its tokens, as the vocabulary spells them.
        log_probs: Log-probability in nats that the model gave to each token.
        begins_word: For each token, whether a word begins with it.
    """

    text: str
    tokens: tuple[str, ...]
    log_probs: tuple[float, ...]
    begins_word: tuple[bool, ...]

    @property
    def log_prob(self) -> float:
        """Sum over the tokens, in nats: the pseudo-log-likelihood of the text."""
        return float(np.sum(self.log_probs))

    @property
    def words(self) -> tuple[tuple[str, float], ...]:
        """Each word, its pieces joined by ``|``, with the log-probability of all its pieces together."""
        number = np.cumsum(self.begins_word)
        return tuple(
            (
                "|".join(np.array(self.tokens)[number == word]),
                float(np.array(self.log_probs)[number == word].sum()),
            )
            for word in np.unique(number)
        )


@dataclass(frozen=True, eq=False, repr=False)
class ScoredTexts(Evaluation):
    """Scored texts: an evaluation whose chunks are the texts, and a sequence of :class:`ScoredText`.

    Its perplexity is the pseudo-perplexity per token. :func:`mlmtutor.scores.perplexity.compare` takes two of the same texts, scored in
    the same way.

    Attributes:
        texts: The texts.
        tokens: ``(num_masked,)`` strings, the tokens of all texts.
        begins_word: ``(num_masked,) bool``, whether a word begins with the token.

    Source: chapter 07_perplexity.
    """

    texts: tuple[str, ...] = field(kw_only=True)
    tokens: np.ndarray = field(kw_only=True)
    begins_word: np.ndarray = field(kw_only=True)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def bits_per_character(self) -> float:
        """Loss of all tokens in bits, divided by the number of characters, blanks included.

        A character means the same in every vocabulary, a token does not. Special and unknown tokens cost nothing here, so
        count the unknown ones before you compare.
        """
        return float(self.losses.sum() / np.log(2) / sum(map(len, self.texts)))

    def __getitem__(self, number: int | slice) -> ScoredText | list[ScoredText]:
        if isinstance(number, slice):
            return [self[i] for i in range(len(self))[number]]
        number = range(len(self))[number]
        rows = self.chunk_index == number
        return ScoredText(
            self.texts[number],
            tuple(self.tokens[rows].tolist()),
            tuple((-self.losses[rows]).tolist()),
            tuple(self.begins_word[rows].tolist()),
        )


@dataclass(frozen=True)
class MinimalPair:
    """Two sentences that differ in one point of grammar: one of them is right."""

    right: str
    wrong: str
    kind: str


def load_minimal_pairs() -> list[MinimalPair]:
    """Load forty pairs of sentences, ten for each of four points of English grammar.

    They were written for this course after the idea of BLiMP (Warstadt et al. 2020, arXiv:1912.00582). Both sentences of a pair
    have the same number of tokens in the vocabulary of BERT, so the sums of their log-probabilities may be compared.

    Example:
        >>> load_minimal_pairs()[0]
        MinimalPair(right='The actors were very good.', wrong='The actors was very good.', kind='agreement')

    Source: chapter 07_perplexity.
    """
    return [MinimalPair(**row) for row in json.loads(PAIRS.read_text("utf-8"))]


class _Row(NamedTuple):
    """One row to score: a text with some tokens masked, of which one is predicted."""

    text: int
    position: int
    input_ids: list[int]


def score_texts(
    texts: str | Sequence[str],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    hide_rest_of_word: bool = True,
    segmenter: Segmenter | None = None,
) -> ScoredTexts:
    """Mask every token of each text in turn and ask the model for it, with all the other words in sight.

    One forward pass per token, so it is for sentences. Special tokens, the unknown token among them, are not scored.

    Args:
        texts: One or more texts, not longer than the model can read.
        model: A model with a masked-LM head, on the device to use. It is returned to the mode it was in.
        tokenizer: Its fast tokenizer.
        hide_rest_of_word: Mask with each token the later pieces of its word too (Kauf and Ivanova 2023).
            False leaves them in sight (Salazar et al. 2020), where they give the earlier pieces away.
        segmenter: Cuts a text into words where white space does not, such as ``jieba.cut``. None: the tokenizer's words.

    Returns:
        The :class:`ScoredTexts`, one :class:`ScoredText` for each text, in order.

    Raises:
        ValueError: If there is no text, the model has no masked-LM head or weights that are not finite, or a text is too
            long or has nothing to mask, or the segmenter returns anything but the words of a text.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> scores = score_texts(["the films", "a good actor"], model=tiny_model(), tokenizer=tiny_tokenizer())
        >>> scores[0].tokens, [word for word, _ in scores[0].words]
        (('the', 'film', '##s'), ['the', 'film|##s'])
        >>> scores.num_masked.tolist()
        [3, 3]

    Source: Salazar et al. 2020, arXiv:1910.14659; Kauf and Ivanova 2023, arXiv:2305.10588; chapter 07_perplexity.
    """
    from torch.nn.functional import cross_entropy

    check_mask_token(tokenizer)
    texts = tuple(list_texts(texts))
    if not texts:
        raise ValueError("expected at least one text to score, found none")
    encoded, first_pieces = _encode(texts, model, tokenizer, segmenter)
    order = sorted(range(len(texts)), key=lambda number: len(encoded[number]))  # little padding
    rows = [
        row
        for number in order
        for row in _mask_in_turn(number, encoded[number], first_pieces[number],
                                 mask_id=tokenizer.mask_token_id, hide_rest_of_word=hide_rest_of_word)
    ]  # fmt: skip
    losses, is_correct = [], []
    for logits, targets in score_batches(model, _batches(rows, encoded, pad_id=tokenizer.pad_token_id)):
        losses.append(cross_entropy(logits, targets, reduction="none").cpu().double().numpy())
        is_correct.append((logits.argmax(-1) == targets).cpu().numpy())

    check_finite(np.concatenate(losses), model=model, name="losses")

    # back from the order of scoring to the order of reading
    chunk_index = np.array([row.text for row in rows], dtype=np.int32)
    position = np.array([row.position for row in rows])
    reading = np.lexsort((position, chunk_index))
    chunk_index = chunk_index[reading]
    masked = [first >= 0 for first in first_pieces]
    digest = hashlib.sha256()
    for ids, first in zip(encoded, first_pieces, strict=True):
        digest.update(str(len(ids)).encode() + np.array(ids).astype("<i4").tobytes())
        # what is masked follows from the words, unless each token is masked alone
        digest.update(first.astype("<i4").tobytes() if hide_rest_of_word else b"alone")
    ids = np.concatenate([np.array(ids)[rows] for ids, rows in zip(encoded, masked, strict=True)])
    return ScoredTexts(
        losses=np.concatenate(losses)[reading],
        is_correct=np.concatenate(is_correct)[reading],
        kinds=np.full(len(rows), KINDS.index("mask"), dtype=np.int8),
        chunk_index=chunk_index,
        text_index=chunk_index,
        num_chunks=len(texts),
        sha256=digest.hexdigest(),
        texts=texts,
        tokens=np.array(tokenizer.convert_ids_to_tokens(ids.tolist())),
        begins_word=np.concatenate(
            [begins_word(f)[rows] for f, rows in zip(first_pieces, masked, strict=True)]
        ),
    )


def _encode(
    texts: Sequence[str],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    segmenter: Segmenter | None,
) -> tuple[list[list[int]], list[np.ndarray]]:
    """Return the ids of each text and, for every token, the position of the first piece of its word."""
    table = TokenTable.from_tokenizer(tokenizer)
    encoded = encode_texts(texts, model=model, tokenizer=tokenizer)
    first_pieces = []
    for text, row in zip(texts, encoded, strict=True):
        ids = np.array([row], dtype=np.int64)
        if table.is_special[ids].all():
            raise ValueError(f"expected a text with at least one token to mask, found {text!r:.60}")
        starts = None
        if segmenter is not None:
            encoding = tokenizer(text, truncation=False, verbose=False, return_offsets_mapping=True)
            starts = starts_from_segments(
                text, encoding.offset_mapping, is_special=table.is_special[ids[0]], segmenter=segmenter
            )[None]
        elif table.continues_word is None:
            starts = starts_from_word_ids(tokenizer(text, truncation=False, verbose=False).word_ids())[None]
        first_pieces.append(find_first_pieces(ids, table=table, word_starts=starts)[0])
    return encoded, first_pieces


def _mask_in_turn(
    number: int, ids: list[int], first_pieces: np.ndarray, *, mask_id: int, hide_rest_of_word: bool
) -> Iterator[_Row]:
    for position in np.flatnonzero(first_pieces >= 0):
        masked = np.arange(len(ids)) == position
        if hide_rest_of_word:
            masked |= (first_pieces == first_pieces[position]) & (np.arange(len(ids)) > position)
        yield _Row(number, int(position), np.where(masked, mask_id, ids).tolist())


def _batches(
    rows: list[_Row], encoded: list[list[int]], *, pad_id: int | None
) -> Iterator[dict[str, torch.Tensor]]:
    import torch

    for start in range(0, len(rows), BATCH_SIZE):
        batch = rows[start : start + BATCH_SIZE]
        tensors = pad_rows([row.input_ids for row in batch], pad_id=pad_id)
        labels = torch.full_like(tensors["input_ids"], IGNORED)
        for number, row in enumerate(batch):
            labels[number, row.position] = encoded[row.text][row.position]
        yield tensors | {"labels": labels}
