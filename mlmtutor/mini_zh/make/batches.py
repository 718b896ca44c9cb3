"""From Chinese paragraphs to masked batches: as for English, with words from people or from a segmenter."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mlmtutor import chunk_texts
from mlmtutor.masks.collator import MaskingCollator
from mlmtutor.mini.make.batches import SINGLE_TOKENS, WHOLE_WORDS, Plan, mask_round
from mlmtutor.mini_zh.make.corpora import Paragraph
from mlmtutor.texts.segmenters import load_segmenter

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

TEXT_CHARACTERS = (40, 600)  # shortest and longest text
SENTENCE = (6, 28)  # characters of a sentence that is shown alone


class Words:
    """Cuts texts that are made of known paragraphs, one to a line, into their words.

    Words that people have marked are kept; where there are none, jieba cuts.
    """

    def __init__(self, blocks: list[list[Paragraph]]) -> None:
        self.words = {p.text: p.words for block in blocks for p in block if p.words}
        self.cut = functools.lru_cache(200_000)(lambda text: tuple(load_segmenter("jieba")(text)))

    def __call__(self, text: str) -> list[str]:
        """Return the words of a text."""
        return [word for line in text.split("\n") for word in self.words.get(line) or self.cut(line)]


def split_sentences(paragraph: Paragraph, *, words: Words) -> Iterator[Paragraph]:
    """Yield the sentences of a paragraph that are neither short nor long, with their words."""
    sentence: list[str] = []
    for word in words(paragraph.text):
        sentence.append(word)
        if re.fullmatch("[。！？]+", word):
            text = "".join(sentence)
            if SENTENCE[0] <= len(text) <= SENTENCE[1]:
                yield Paragraph(text, tuple(sentence))
            sentence = []


def draw_batches(
    sources: dict[str, list[list[Paragraph]]],
    *,
    shares: dict[str, float],
    tokenizer: PreTrainedTokenizerBase,
    plan: Plan,
) -> Iterator[dict[str, torch.Tensor]]:
    """Yield masked batches endlessly, as :func:`mlmtutor.mini.make.batches.draw_batches` does for English.

    Args:
        sources: Blocks of paragraphs that follow each other, by source.
        shares: Share of the characters drawn from each.
        tokenizer: Of ``mini-zh``.
        plan: Sizes and seed.

    Yields:
        ``input_ids`` and ``labels (batch_size, chunk_size) int64``, and ``attention_mask`` for sentences.
    """
    rng = np.random.default_rng(plan.seed)
    words = Words([block for blocks in sources.values() for block in blocks])
    sentences = [
        s for blocks in sources.values() for b in blocks for p in b for s in split_sentences(p, words=words)
    ]
    words.words |= {sentence.text: sentence.words for sentence in sentences}
    streams = {name: _cut_into_texts(blocks, rng=rng) for name, blocks in sources.items()}
    collators = [MaskingCollator(tokenizer, settings=s, seed=plan.seed) for s in (WHOLE_WORDS, SINGLE_TOKENS)]
    num_characters = 1.05 * plan.num_chunks * plan.chunk_size
    epoch = 0
    while True:
        texts = []
        for name, stream in streams.items():
            left = shares[name] * num_characters
            while left > 0:
                texts.append(next(stream))
                left -= len(texts[-1])
        texts = [texts[i] for i in rng.permutation(len(texts))]
        picked = rng.integers(
            len(sentences), size=plan.num_chunks // 6 * plan.chunk_size // plan.sentence_size
        )
        cut = functools.partial(chunk_texts, tokenizer=tokenizer, segmenter=words)
        chunks = cut(texts, chunk_size=plan.chunk_size, boundary="corpus")
        single = cut(
            [sentences[i].text for i in picked], chunk_size=plan.sentence_size, boundary="text", tail="keep"
        )
        yield from mask_round(chunks, single, plan=plan, collators=collators, epoch=epoch, rng=rng)
        epoch += 1


def _cut_into_texts(blocks: list[list[Paragraph]], *, rng: np.random.Generator) -> Iterator[str]:
    low, high = np.log(TEXT_CHARACTERS)
    while True:
        for number in rng.permutation(len(blocks)):
            text, wanted = [], np.exp(rng.uniform(low, high))
            for paragraph in blocks[number]:
                text.append(paragraph.text)
                if sum(map(len, text)) >= wanted:
                    yield "\n".join(text)
                    text, wanted = [], np.exp(rng.uniform(low, high))
            if text:
                yield "\n".join(text)
