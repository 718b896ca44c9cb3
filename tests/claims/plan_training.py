"""Which rate little text needs, on reviews without line breaks: `pytest -s tests/claims/plan_training.py`, 15 minutes.

Sizes, rates and seeds are those that the rule of ``plan_training`` was chosen from.
"""

import functools

import pytest

import mlmtutor as mt

SEEDS = range(5)
RATES = (2e-4, 5e-5, 2e-5)


@functools.cache
def reviews():
    return mt.load_reviews("mini", clean=True)["train"]


def measure_ratio(num_chunks, *, rate, seed):
    """Adapt on so many chunks with the planned epochs, and return the ratio of the perplexities on other reviews."""
    tokenizer, masking = mt.load_tokenizer("mini"), mt.MaskingSettings()
    parts = mt.split_texts(reviews(), test_size=80, train_size=400, seed=seed)
    train, test = (
        mt.chunk_texts(parts[part]["text"], tokenizer, boundary="corpus").dataset
        for part in ("train", "test")
    )
    test = test.shuffle(seed).select(range(48))
    masks = mt.freeze_masks(test, tokenizer=tokenizer, settings=masking, seed=seed)
    plan = mt.plan_training(mt.AdaptSettings(learning_rate=rate, seed=seed), num_chunks=num_chunks)
    before, model = mt.evaluate(mt.load_model("mini"), masks), mt.load_model("mini")
    mt.train_masked_lm(
        model, train.select(range(num_chunks)), tokenizer=tokenizer, masking=masking, settings=plan
    )
    comparison = mt.compare(before, mt.evaluate(model, masks))
    print(f"{num_chunks} chunks, rate {rate:g}, seed {seed}: {comparison}", flush=True)
    return comparison.ratio


@pytest.mark.parametrize("seed", SEEDS)
def test_twelve_chunks_need_a_low_rate(seed):
    """A few steps at a high rate unsettle a model and leave it worse."""
    ratios = {rate: measure_ratio(12, rate=rate, seed=seed) for rate in RATES}
    assert ratios[2e-4] > 1.05
    assert ratios[2e-5] < ratios[5e-5] < ratios[2e-4]


@pytest.mark.parametrize("seed", SEEDS)
def test_fifty_chunks_bear_the_usual_rate(seed):
    """From 50 chunks on, the mini model learns at 2e-4."""
    ratios = {rate: measure_ratio(50, rate=rate, seed=seed) for rate in RATES}
    assert ratios[2e-4] < 1
    assert ratios[2e-4] < ratios[2e-5]


@pytest.mark.parametrize("num_chunks", [24, 100, 200])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_planned_rate_gains(num_chunks, seed):
    """A few hundred chunks give a gain that can be measured."""
    planned = mt.plan_training(mt.AdaptSettings(), num_chunks=num_chunks).learning_rate
    assert measure_ratio(num_chunks, rate=planned, seed=seed) < 1
