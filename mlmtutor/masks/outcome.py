"""What was asked of the masks and what came of it: do texts, tokenizer and settings fit each other?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlmtutor.masks.masking import MaskingSettings, mask_batch
from mlmtutor.model.masked_lm import IGNORED
from mlmtutor.texts.words import TokenTable, find_words

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from mlmtutor.masks.collator import ChunkRows

# below so many tokens a share says little, and examples of a few sentences may be as odd as they like
MIN_TOKENS = 200
# rare signs and emoji stay below 2 %, texts of another script are far above 25 %
DOUBTFUL_UNKNOWN, MAX_UNKNOWN = 0.02, 0.25
# where a quarter is never masked the rest still measures the texts, where three quarters are it does not
DOUBTFUL_OUT_OF_REACH, MAX_OUT_OF_REACH = 0.25, 0.75
# English has 1.1, Finnish with an English vocabulary 2.6, Russian cut into letters 4
DOUBTFUL_TOKENS_PER_WORD = 3
# only links, codes and sentences without spaces have words so long, in tokens
LONG_WORD, DOUBTFUL_IN_LONG_WORDS = 20, 0.1
# a chunk that should have 5 masks has none in 1 of 150 cases; Russian cut into bytes, in chunks of 32, in 1 of 2
PROMISED_MASKS, MIN_PROMISING_CHUNKS, MAX_UNMASKED_CHUNKS = 5, 10, 2 / 3


@dataclass(frozen=True)
class MaskOutcome:
    """What masking some chunks came to. All numbers but the last three count tokens.

    Attributes:
        settings: What was asked.
        num_tokens: Tokens of the texts: all but special ones. Unknown ones are among them.
        num_unknown: Tokens that stand for what the vocabulary lacks; they are never masked.
        num_out_of_reach: Known tokens that no draw can mask, since their word began in the chunk before.
        num_in_long_words: Tokens in words of 20 tokens and more.
        num_masked: Masked tokens.
        longest_word: Tokens of the longest word.
        num_words: Words, or tokens where ``settings.unit`` is ``"token"``, that can be masked.
        num_promising: Chunks in which at least 5 masks were asked for.
        num_unmasked: Those of them without any.

    Source: chapter 05_word_masking.
    """

    settings: MaskingSettings
    num_tokens: int
    num_unknown: int
    num_out_of_reach: int
    num_in_long_words: int
    num_masked: int
    longest_word: int
    num_words: int
    num_promising: int
    num_unmasked: int

    @property
    def num_known(self) -> int:
        return self.num_tokens - self.num_unknown

    @property
    def share_masked(self) -> float:
        """Masked tokens, of those that are neither special nor unknown; ``mask_prob`` was asked for."""
        return self.num_masked / max(self.num_known, 1)

    @property
    def share_unknown(self) -> float:
        return self.num_unknown / max(self.num_tokens, 1)

    @property
    def share_out_of_reach(self) -> float:
        return self.num_out_of_reach / max(self.num_known, 1)

    @property
    def tokens_per_word(self) -> float:
        return (self.num_known - self.num_out_of_reach) / max(self.num_words, 1)

    def __str__(self) -> str:
        return (
            f"{self.num_masked:,} of {self.num_known:,} tokens masked ({self.share_masked:.2%}, "
            f"asked {self.settings.mask_prob:.2%}), {self.share_unknown:.2%} unknown, "
            f"{self.tokens_per_word:.2f} tokens per {self.settings.unit}"
            + (
                f", {self.num_unmasked:,} of {self.num_promising:,} chunks unmasked"
                if self.num_promising
                else ""
            )
        )

    def describe(self) -> dict[str, float]:
        """Return the shares as plain numbers, for a report."""
        return {
            "share_masked": self.share_masked,
            "share_unknown": self.share_unknown,
            "share_out_of_reach": self.share_out_of_reach,
            "tokens_per_word": self.tokens_per_word,
            "share_of_chunks_unmasked": self.num_unmasked / max(self.num_promising, 1),
        }

    def check(self) -> None:
        """Refuse masks on which a measurement would mean nothing. Fewer than 200 tokens are not judged.

        Raises:
            ValueError: If more than a quarter of the tokens are unknown, more than three quarters of the others
                can never be masked, or more than two thirds of the chunks that should have 5 masks have none.
        """
        if self.num_tokens < MIN_TOKENS:
            return
        if self.share_unknown > MAX_UNKNOWN:
            raise ValueError(self._tell_unknown())
        if self.share_out_of_reach > MAX_OUT_OF_REACH:
            raise ValueError(self._tell_out_of_reach())
        if (
            self.num_promising >= MIN_PROMISING_CHUNKS
            and self.num_unmasked > MAX_UNMASKED_CHUNKS * self.num_promising
        ):
            raise ValueError(
                f"expected masks in chunks that should have {PROMISED_MASKS} and more, found {self.num_unmasked:,} of "
                f"{self.num_promising:,} without any, words having {self.tokens_per_word:.0f} tokens: are they written "
                "without spaces? Give a segmenter, mask by unit token, or make longer chunks"
            )

    def doubts(self) -> list[str]:
        """Return what is odd, a line each; none if all is well or if there are fewer than 200 tokens."""
        if self.num_tokens < MIN_TOKENS:
            return []
        lines = []
        if self.share_unknown > DOUBTFUL_UNKNOWN:
            lines.append(self._tell_unknown())
        if self.num_in_long_words > DOUBTFUL_IN_LONG_WORDS * self.num_known:
            lines.append(
                f"expected words of a few tokens, found {self.num_in_long_words / self.num_known:.0%} of the tokens in words "
                f"of {LONG_WORD} and more (up to {self.longest_word}), each masked at one stroke: where words are written "
                "without spaces, give a segmenter or mask by unit token; else take a model in the language of the texts"
            )
        elif self.tokens_per_word > DOUBTFUL_TOKENS_PER_WORD:
            lines.append(
                f"expected words of one or two tokens, found {self.tokens_per_word:.1f} on average: take a model whose "
                "vocabulary was made for such texts, or give a segmenter if they have no spaces between words"
            )
        if self.share_out_of_reach > DOUBTFUL_OUT_OF_REACH:
            lines.append(self._tell_out_of_reach())
        asked = self.settings.mask_prob * self.num_known
        if asked < 1:
            lines.append(
                f"expected to mask at least one token, asked for {asked:.2g} of {self.num_known:,} with mask_prob "
                f"{self.settings.mask_prob:g}, so one was masked all the same: raise mask_prob or take more text"
            )
        return lines

    def _tell_unknown(self) -> str:
        return (
            f"expected texts that this tokenizer can read, found {self.share_unknown:.0%} of {self.num_tokens:,} tokens "
            "unknown to it: take a model in the language of the texts, and look whether they are text at all"
        )

    def _tell_out_of_reach(self) -> str:
        return (
            f"expected words that fit into a chunk, found {self.share_out_of_reach:.0%} of the tokens in words that began "
            "in the chunk before, which are never masked: where words are written without spaces, give a segmenter or "
            "mask by unit token; else make longer chunks"
        )


def measure_outcome(
    input_ids: np.ndarray,
    labels: np.ndarray,
    *,
    table: TokenTable,
    settings: MaskingSettings,
    word_starts: np.ndarray | None = None,
) -> MaskOutcome:
    """Compare what was asked of :func:`mlmtutor.masks.masking.mask_batch` with what it returned.

    Args:
        input_ids: ``(num_chunks, chunk_size)`` integers before masking.
        labels: ``(num_chunks, chunk_size)`` integers, the true ids where masked, -100 elsewhere.
        table: The tokenizer's :class:`mlmtutor.texts.words.TokenTable`.
        settings: What was asked.
        word_starts: ``(num_chunks, chunk_size) bool`` or None, as given to ``mask_batch``.

    Returns:
        The :class:`MaskOutcome`.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> tokenizer = tiny_tokenizer()
        >>> ids = np.array(tokenizer(["the films was good"]).input_ids)
        >>> labels = np.where(ids == 5, ids, -100)
        >>> table = TokenTable.from_tokenizer(tokenizer)
        >>> print(measure_outcome(ids, labels, table=table, settings=MaskingSettings()))
        1 of 5 tokens masked (20.00%, asked 20.00%), 0.00% unknown, 1.25 tokens per word

    Source: chapter 05_word_masking.
    """
    is_known = ~table.is_special[input_ids]
    num_known = np.count_nonzero(is_known)
    num_unknown = 0 if table.unk_id is None else np.count_nonzero(input_ids == table.unk_id)
    if settings.unit == "word":
        _, is_word, stretch = find_words(input_ids, table=table, word_starts=word_starts)
        lengths = np.bincount(stretch)[is_word]  # (num_words,), in tokens
    else:
        lengths = np.ones(num_known, dtype=np.int64)
    is_promising = settings.mask_prob * is_known.sum(axis=1) >= PROMISED_MASKS
    is_unmasked = (labels == IGNORED).all(axis=1)
    return MaskOutcome(
        settings,
        num_tokens=int(num_known + num_unknown),
        num_unknown=int(num_unknown),
        num_out_of_reach=int(num_known - lengths.sum()),
        num_in_long_words=int(lengths[lengths >= LONG_WORD].sum()),
        num_masked=int(np.count_nonzero(labels != IGNORED)),
        longest_word=int(lengths.max(initial=0)),
        num_words=len(lengths),
        num_promising=int(is_promising.sum()),
        num_unmasked=int((is_promising & is_unmasked).sum()),
    )


def preview_masks(
    rows: ChunkRows,
    *,
    tokenizer: PreTrainedTokenizerBase,
    settings: MaskingSettings,
    seed: int,
    max_chunks: int = 1000,
) -> MaskOutcome:
    """Mask a sample of the chunks to train on, to see before training whether that makes sense.

    Args:
        rows: The chunks.
        tokenizer: The tokenizer that made them.
        settings: What to mask and how.
        seed: Seed of the draw.
        max_chunks: Chunks to look at, spread evenly.

    Returns:
        The :class:`MaskOutcome`; its ``check()`` refuses what means nothing.

    Raises:
        ValueError: If nothing in the chunks can be masked.

    Example:
        >>> from mlmtutor.masks.collator import ChunkRows
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> from mlmtutor.texts.chunking import chunk_texts
        >>> tokenizer = tiny_tokenizer()
        >>> rows = ChunkRows(chunk_texts(["the film was good"] * 100, tokenizer, chunk_size=6).dataset)
        >>> preview_masks(rows, tokenizer=tokenizer, settings=MaskingSettings(), seed=0).num_words
        400

    Source: chapter 06_fine_tuning.
    """
    number = np.linspace(0, len(rows) - 1, min(len(rows), max_chunks)).astype(np.int64)
    sample, table = rows[number], TokenTable.from_tokenizer(tokenizer)
    drawing = {"table": table, "settings": settings, "word_starts": sample.get("word_starts")}
    _, labels = mask_batch(sample["input_ids"], seed=seed, index=sample["index"], **drawing)
    return measure_outcome(sample["input_ids"], labels, **drawing)
