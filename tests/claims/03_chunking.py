"""What chapter 3 says of results that rest on chance, tried with five other seeds. By hand: pytest tests/claims/03_chunking.py"""

from dataclasses import replace

import numpy as np
import pytest

from mlmtutor import (
    MaskingSettings,
    chunk_texts,
    cut_masks,
    evaluate,
    freeze_masks,
    load_model,
    load_tokenizer,
    remove_breaks,
)

SIZES = [16, 32, 64, 128, 256, 512]
WORDS = MaskingSettings(unit="word", mask_prob=0.2)
SEEDS = range(5)


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("mini")


@pytest.fixture(scope="module")
def model():
    return load_model("mini")


@pytest.fixture(scope="module", params=SEEDS)
def sample(request, reviews):
    texts = reviews.shuffle(request.param).select(range(300))["text"][:]
    return request.param, [remove_breaks(text) for text in texts]


@pytest.fixture(scope="module")
def measured(sample, model, tokenizer):
    seed, texts = sample
    chunks = chunk_texts(texts, tokenizer, chunk_size=512).dataset.select(range(16))
    masks = freeze_masks(chunks, tokenizer=tokenizer, settings=WORDS, seed=seed)
    return masks, {size: evaluate(model, cut_masks(masks, chunk_size=size)) for size in SIZES}


def test_context_helps_up_to_128_tokens(measured):
    """From 16 to 128 tokens the perplexity falls, and each doubling helps less than the one before."""
    losses = [measured[1][size].loss for size in (16, 32, 64, 128)]
    gains = -np.diff(losses)
    assert (gains > 0).all(), gains
    assert (np.diff(gains) < 0).all(), gains


def test_it_gets_worse_beyond_128_tokens(measured):
    """Then it rises, although the model has more to read."""
    perplexities = [measured[1][size].perplexity for size in (128, 256, 512)]
    assert 1.05 * perplexities[0] < perplexities[1] < perplexities[2] / 1.05, perplexities


def test_the_first_quarter_of_512_suffers_most(measured):
    """In every sample we tried, the first quarter suffered most."""
    masks, results = measured
    quarter = np.nonzero(masks.labels != -100)[1] // 128
    change = results[512].losses - results[128].losses
    changes = [change[quarter == number].mean() for number in range(4)]
    assert np.argmax(changes) == 0 and changes[0] > 2 * max(changes[1:]), changes


def test_cls_in_front_hardly_matters(sample, model, tokenizer):
    """In six such samples the perplexity changed by 1 % at most."""
    seed, texts = sample
    chunks = chunk_texts(texts, tokenizer, chunk_size=127).dataset.select(range(1, 65))
    masks = freeze_masks(chunks, tokenizer=tokenizer, settings=WORDS, seed=seed)
    front = np.full((len(masks), 1), tokenizer.cls_token_id, dtype=np.int32)
    with_cls = replace(
        masks,
        input_ids=np.hstack([front, masks.input_ids]),
        labels=np.hstack([np.full_like(front, -100), masks.labels]),
    )
    ratio = evaluate(model, with_cls).perplexity / evaluate(model, masks).perplexity

    assert 0.985 < ratio < 1.015, (seed, ratio)
