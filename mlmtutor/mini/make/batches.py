"""From documents to masked batches for the mini model: texts are cut, mixed and masked in a new way in every round."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlmtutor import ChunkRows, Chunks, chunk_texts
from mlmtutor.masks.collator import MaskingCollator
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.mini.make.corpora import SOURCES, Document

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

WHOLE_WORDS = MaskingSettings(unit="word", mask_prob=0.25, mask_share=1.0, random_share=0.0)
SINGLE_TOKENS = MaskingSettings(unit="token", mask_prob=0.2)
TEXT_WORDS = (40, 500)  # shortest and longest text, about as web texts are
WORDS_PER_TOKEN = 0.85  # fewer words than tokens, rounded up so that a round has enough


@dataclass(frozen=True)
class Plan:
    """The size of batches and rounds.

    Example:
        >>> Plan(batch_size=8).num_chunks
        1920
    """

    seed: int = 0
    chunk_size: int = 128  # tokens
    batch_size: int = 32  # chunks
    sentence_size: int = 32  # tokens of a row that holds a single sentence, with padding
    round_batches: int = 240  # batches of chunks in a round; about a sixth as many of sentences come on top

    @property
    def num_chunks(self) -> int:
        """Chunks in a round."""
        return self.round_batches * self.batch_size

    @property
    def sentence_batch(self) -> int:
        """Sentences in a batch, with as many tokens as a batch of chunks."""
        return self.batch_size * self.chunk_size // self.sentence_size


def cut_into_texts(documents: list[Document], *, rng: np.random.Generator) -> Iterator[str]:
    """Cut documents into texts along paragraphs, endlessly, in a new order and at new places each time.

    Example:
        >>> texts = cut_into_texts([Document("d", ("One.", "Two."))], rng=np.random.default_rng(1))
        >>> next(texts)
        'One. Two.'
    """
    low, high = np.log(TEXT_WORDS)
    while True:
        for number in rng.permutation(len(documents)):
            text, wanted = [], np.exp(rng.uniform(low, high))
            for paragraph in documents[number].paragraphs:
                text.append(paragraph)
                if sum(count_words(part) for part in text) >= wanted:
                    yield " ".join(text)
                    text, wanted = [], np.exp(rng.uniform(low, high))
            if text:
                yield " ".join(text)


def split_into_sentences(documents: list[Document]) -> list[str]:
    """Return the sentences of 4 to 20 words.

    Example:
        >>> split_into_sentences([Document("d", ("Yes. He came in and sat down. Why?",))])
        ['He came in and sat down.']
    """
    parts = (s for d in documents for p in d.paragraphs for s in re.split(r"(?<=[.!?])\s+", p))
    return [s for s in parts if 4 <= count_words(s) <= 20 and s.endswith((".", "!", "?"))]


def count_words(text: str) -> int:
    """Count the words that single spaces part."""
    return text.count(" ") + 1


def draw_batches(
    documents: dict[str, list[Document]],
    *,
    tokenizer: PreTrainedTokenizerBase,
    plan: Plan,
    shares: dict[str, float] | None = None,
) -> Iterator[dict[str, torch.Tensor]]:
    """Yield masked batches endlessly.

    Each round draws texts by their shares, joins and chunks them as the course chunks reviews, and
    adds single sentences. Five batches of chunks in six hide whole words, one hides single tokens (80/10/10);
    sentences have whole words hidden.

    Args:
        documents: Documents by source.
        tokenizer: The mini model's.
        plan: Sizes and seed.
        shares: Share of the words drawn from each; None for those of `SOURCES`.

    Yields:
        ``input_ids`` and ``labels (batch_size, chunk_size) int64``, and ``attention_mask`` for sentences.
    """
    rng = np.random.default_rng(plan.seed)
    shares = shares or {name: SOURCES[name].share for name in documents}
    streams = {name: cut_into_texts(documents[name], rng=rng) for name in documents}
    # the sentences of a long argument say little alone
    sentences = split_into_sentences(
        [d for name in documents for d in documents[name] if name != "anarchism"]
    )
    collators = [MaskingCollator(tokenizer, settings=s, seed=plan.seed) for s in (WHOLE_WORDS, SINGLE_TOKENS)]
    epoch = 0
    while True:
        texts = _draw_texts(
            streams, shares=shares, num_words=WORDS_PER_TOKEN * plan.num_chunks * plan.chunk_size
        )
        texts = [texts[i] for i in rng.permutation(len(texts))]
        picked = rng.integers(
            len(sentences), size=plan.num_chunks // 6 * plan.chunk_size // plan.sentence_size
        )
        chunks = chunk_texts(texts, tokenizer, chunk_size=plan.chunk_size, boundary="corpus")
        single = chunk_texts(
            [sentences[i] for i in picked],
            tokenizer,
            chunk_size=plan.sentence_size,
            boundary="text",
            tail="keep",
        )
        yield from mask_round(chunks, single, plan=plan, collators=collators, epoch=epoch, rng=rng)
        epoch += 1


def mask_round(
    chunks: Chunks,
    sentences: Chunks,
    *,
    plan: Plan,
    collators: Sequence[MaskingCollator],
    epoch: int,
    rng: np.random.Generator,
) -> Iterator[dict[str, torch.Tensor]]:
    """Yield the masked batches of one round, in a random order.

    Args:
        chunks: Of ``plan.chunk_size`` tokens.
        sentences: Of ``plan.sentence_size`` tokens, padded.
        plan: Sizes.
        collators: The one that hides whole words, and the one that hides single tokens, for one batch of chunks in six.
        epoch: Number of the round, from which the masks follow.
        rng: Draws the order.
    """
    batches = []
    for dataset, size in ((chunks.dataset, plan.batch_size), (sentences.dataset, plan.sentence_batch)):
        rows = ChunkRows(dataset, epoch=epoch)
        order = rng.permutation(len(rows))[: len(rows) // size * size].reshape(-1, size)
        for number, batch in enumerate(order):
            hides_tokens = dataset is chunks.dataset and number % 6 == 5
            batches.append((collators[hides_tokens], rows, batch))
    for i in rng.permutation(len(batches)):
        collator, rows, batch = batches[i]
        yield collator(rows[batch])


def _draw_texts(
    streams: dict[str, Iterator[str]], *, shares: dict[str, float], num_words: float
) -> list[str]:
    texts = []
    for name, stream in streams.items():
        words_left = shares[name] * num_words
        while words_left > 0:
            texts.append(next(stream))
            words_left -= count_words(texts[-1])
    return texts
