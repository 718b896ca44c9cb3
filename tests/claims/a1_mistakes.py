"""What the gallery of mistakes says of chance results, over five seeds: pytest tests/claims/a1_mistakes.py (minutes)."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

import mlmtutor as mt

SEEDS = (123, 1, 2, 3, 4)


@pytest.fixture(scope="module")
def tokenizer():
    return mt.load_tokenizer("mini")


@pytest.fixture(scope="module")
def model():
    return mt.load_model("mini")


@pytest.fixture(scope="module", params=SEEDS)
def texts(request):
    reviews = mt.load_reviews("mini", clean=True)["train"]
    return request.param, reviews.shuffle(request.param).select(range(100))["text"]


def measure(model, tokenizer, texts, settings, *, seed):
    chunks = mt.chunk_texts(texts, tokenizer).dataset.select(range(32))
    masks = mt.freeze_masks(chunks, tokenizer=tokenizer, settings=settings, seed=seed)
    return masks, mt.evaluate(model, masks)


def test_redrawn_masks_and_single_tokens_move_the_score(model, tokenizer, texts):
    """Mistakes 6, 8 and 29: "the score moves, the model does not", "One model has two scores here as well." """
    seed, texts = texts
    words = [
        measure(model, tokenizer, texts, mt.MaskingSettings(), seed=seed + i)[1].perplexity for i in range(4)
    ]
    assert max(words) > 1.02 * min(words)
    by_token = mt.MaskingSettings(unit="token", mask_prob=0.15)
    tokens = [measure(model, tokenizer, texts, by_token, seed=seed + i)[1].perplexity for i in range(4)]
    assert np.mean(np.log(tokens)) < np.mean(np.log(words))


def test_forgotten_labels_give_a_far_too_low_number(model, tokenizer, texts):
    """Mistake 1: "loss on every token, far too low" """
    seed, texts = texts
    masks, right = measure(model, tokenizer, texts, mt.MaskingSettings(), seed=seed)
    batch = next(masks.batches(8))
    seen, labels = batch["input_ids"], batch["labels"]
    with torch.no_grad():
        loss = model(seen, labels=torch.where(labels == -100, seen, labels)).loss
    assert loss.exp() < 0.2 * right.perplexity


def test_more_padding_is_worse_without_an_attention_mask(model, tokenizer, texts):
    """Mistake 28: "worse, and the more padding the worse" """
    _, texts = texts
    losses = {}
    for width in (32, 64, 96):
        padded = tokenizer(
            [text[:60] for text in texts[:40]], padding="max_length", max_length=width, return_tensors="pt"
        )
        ids, attention = padded.input_ids, padded.attention_mask
        middle = attention.sum(1, keepdim=True) // 2
        labels = torch.full_like(ids, -100).scatter_(1, middle, ids.gather(1, middle))
        batch = {"input_ids": ids.scatter(1, middle, tokenizer.mask_token_id), "labels": labels}
        for name, extra in {"with": {"attention_mask": attention}, "without": {}}.items():
            ((logits, targets),) = mt.score_batches(model, [batch | extra])
            losses[name, width] = cross_entropy(logits, targets).item()
    assert abs(losses["with", 96] - losses["with", 32]) < 1e-3
    assert losses["with", 32] < losses["without", 64] < losses["without", 96]


def test_the_left_side_alone_is_harder(model, tokenizer, texts):
    """Mistake 19: "what a model may read is part of the task" """
    _, texts = texts
    ids = mt.ChunkRows(mt.chunk_texts(texts, tokenizer).dataset)[:64]["input_ids"]
    windows = torch.from_numpy(ids.reshape(-1, 32).astype(np.int64))
    losses = []
    for width in (17, 32):
        shown, wanted = windows[:, :width].clone(), windows[:, :width].clone()
        shown[:, 16] = tokenizer.mask_token_id
        wanted[:, :16], wanted[:, 17:] = -100, -100
        ((logits, targets),) = mt.score_batches(model, [{"input_ids": shown, "labels": wanted}])
        losses.append(cross_entropy(logits, targets, reduction="none").numpy())
    gain = losses[0] - losses[1]
    assert gain.mean() > 2 * gain.std() / np.sqrt(len(gain))
