"""What chapter 5 says of results that rest on chance, tried with five seeds of the reviews and of the words.

Run by hand: ``pytest tests/claims/05_word_masking.py``; about two minutes of one core.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

import mlmtutor as mt

SEEDS = (1, 2, 3, 4, 5)


@cache
def common():
    return mt.load_tokenizer("mini"), mt.load_reviews("mini", clean=True)["train"], mt.load_model("mini")


@cache
def losses(seed, num_words=120, chunk_size=128):
    """Loss of the second piece of one word per review: alone masked, whole word masked; and of a word of one piece."""
    tokenizer, reviews, model = common()
    draw = np.random.default_rng(seed)
    rows, words, ordinary = [], [], []
    for text in reviews.shuffle(seed)["text"][:600]:
        encoding = tokenizer(text, truncation=True, max_length=chunk_size)
        pieces = Counter(word for word in encoding.word_ids() if word is not None)
        several = [word for word, count in pieces.items() if count > 1]
        if len(encoding.input_ids) < chunk_size or not several or len(rows) == num_words:
            continue
        rows.append(encoding.input_ids)
        words.append(np.flatnonzero(np.array(encoding.word_ids(), float) == draw.choice(several)))
        single = [word for word, count in pieces.items() if count == 1]
        ordinary.append(np.flatnonzero(np.array(encoding.word_ids(), float) == draw.choice(single)))
    ids = np.array(rows)

    def score(masked, asked):
        seen, labels = ids.copy(), np.full(ids.shape, -100)
        for row, (positions, position) in enumerate(zip(masked, asked, strict=True)):
            labels[row, position] = ids[row, position]
            seen[row, positions] = tokenizer.mask_token_id
        batches = [{"input_ids": torch.from_numpy(seen[i : i + 16]), "labels": torch.from_numpy(labels[i : i + 16])}
                   for i in range(0, len(ids), 16)]  # fmt: skip
        scored = mt.score_batches(model, batches)
        return np.concatenate([cross_entropy(*pair, reduction="none").numpy() for pair in scored])

    second = [positions[1] for positions in words]
    return {
        "one piece": score(second, second),
        "whole word": score(words, second),
        "ordinary": score(ordinary, [positions[0] for positions in ordinary]),
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_a_second_piece_is_harder_when_its_whole_word_is_masked(seed):
    """'Masking the rest of the word adds 0.8 nats, and the interval of the difference excludes 0.'"""
    found = losses(seed)
    difference = found["whole word"] - found["one piece"]
    assert difference.mean() > 2 * difference.std() / np.sqrt(len(difference))


@pytest.mark.parametrize("seed", SEEDS)
def test_even_with_the_rest_in_sight_a_second_piece_is_harder_than_an_ordinary_word(seed):
    """'Even with the rest of its word in sight it costs more than 7 nats, whereas the ordinary word costs about 4.'"""
    found = losses(seed)
    assert found["one piece"].mean() > found["ordinary"].mean() + 1


@pytest.mark.parametrize("seed", SEEDS)
def test_in_some_cases_the_whole_word_is_not_harder(seed):
    """'Between a quarter and a third' of the cases are not harder with the whole word masked."""
    found = losses(seed)
    share = (found["whole word"] <= found["one piece"]).mean()
    assert 0.12 < share < 0.4
