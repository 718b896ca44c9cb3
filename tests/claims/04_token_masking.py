"""What chapter 4 says of results that rest on chance, tried with five seeds. By hand: pytest tests/claims/04_token_masking.py"""

import numpy as np
import pytest
import torch

from mlmtutor import (
    ChunkRows,
    MaskingSettings,
    TokenTable,
    chunk_texts,
    evaluate,
    freeze_masks,
    load_model,
    load_tokenizer,
    mask_batch,
    remove_breaks,
)

RATES = (0.05, 0.15, 0.3, 0.5, 0.8)
SEEDS = range(5)


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("mini")


@pytest.fixture(scope="module")
def model():
    return load_model("mini").eval()


@pytest.fixture(scope="module", params=SEEDS)
def sample(request, reviews, tokenizer):
    texts = reviews.shuffle(request.param).select(range(120))["text"][:]
    chunks = chunk_texts([remove_breaks(text) for text in texts], tokenizer).dataset
    return request.param, chunks.select(range(40))


def test_the_loss_rises_with_the_mask_rate(sample, model, tokenizer):
    """The model and the reviews are the same at every rate, but the loss rises."""
    seed, chunks = sample
    losses = []
    for rate in RATES:
        settings = MaskingSettings(unit="token", mask_prob=rate)
        masks = freeze_masks(chunks, tokenizer=tokenizer, settings=settings, seed=seed)
        losses.append(evaluate(model, masks).loss)
    # at 5 % there are few chosen tokens, so its loss may lie on either side of the next
    assert (np.diff(losses[1:]) > 0).all(), losses
    assert losses[0] < losses[2], losses


def test_a_copy_of_the_input_as_labels_gives_less_than_half_the_loss(sample, model, tokenizer):
    """It is far lower, because most tokens are in plain sight and copying them is easy."""
    seed, chunks = sample
    ids = ChunkRows(chunks)[:8]["input_ids"].astype(np.int64)
    settings = MaskingSettings(unit="token", mask_prob=0.15, mask_share=1, random_share=0)
    table = TokenTable.from_tokenizer(tokenizer)
    seen, labels = map(torch.from_numpy, mask_batch(ids, table=table, settings=settings, seed=seed))
    with torch.no_grad():
        right = model(seen, labels=labels).loss.item()
        wrong = model(seen, labels=torch.from_numpy(ids)).loss.item()
    assert wrong < right / 2, (wrong, right)


@pytest.mark.parametrize("seed", SEEDS)
def test_ten_epochs_reach_about_80_per_cent_of_the_tokens(sample, tokenizer, seed):
    """Dynamic masks have reached a share of 1 - (1 - p)^k of the tokens."""
    ids = ChunkRows(sample[1])[:]["input_ids"]
    table = TokenTable.from_tokenizer(tokenizer)
    settings = MaskingSettings(unit="token", mask_prob=0.15)
    ordinary = ~table.is_special[ids]
    chosen = np.zeros(ids.shape, dtype=bool)
    for epoch in range(10):
        chosen |= mask_batch(ids, table=table, settings=settings, seed=seed, epoch=epoch)[1] != -100
    p = 1 - 0.85**10
    assert abs(chosen[ordinary].mean() - p) < 5 * np.sqrt(p * (1 - p) / ordinary.sum())
