"""What chapter 7 says of chance, tried with five samples of reviews, trainings and mask draws: some ten minutes in all.

Run by hand: ``pytest tests/claims/07_perplexity.py -s`` prints the figures as well.
"""

from functools import cache

import numpy as np
import pytest

import mlmtutor as mt

SEEDS, NUM_DRAWS = range(5), 6
WORDS = mt.MaskingSettings(unit="word", mask_prob=0.2, mask_share=1.0, random_share=0.0)
TOKENS = mt.MaskingSettings(unit="token", mask_prob=0.15)


@cache
def measure(seed):
    """The chapter's evaluations on a somewhat smaller test: whole words before and after training, single tokens before."""
    tokenizer = mt.load_tokenizer("mini")
    reviews = mt.load_reviews("mini", clean=True)["train"]
    splits = mt.split_texts(reviews, train_size=409, test_size=61, seed=seed)
    train, test = (
        mt.chunk_texts(splits[name]["text"], tokenizer, chunk_size=128)
        .dataset.shuffle(seed)
        .select(range(size))
        for name, size in (("train", 320), ("test", 48))
    )
    models = {name: mt.load_model("mini") for name in ("before", "after")}
    settings = mt.TrainingSettings(num_epochs=1, batch_size=16, learning_rate=2e-4, seed=seed)
    mt.train_masked_lm(models["after"], train, tokenizer=tokenizer, masking=WORDS, settings=settings)
    found = {}
    draw = {"tokenizer": tokenizer, "seed": seed}
    masks = mt.freeze_masks(test, settings=WORDS, num_draws=NUM_DRAWS, **draw)
    found |= {("words", name): mt.evaluate(model, masks) for name, model in models.items()}
    masks = mt.freeze_masks(test, settings=TOKENS, num_draws=NUM_DRAWS // 2, **draw)
    found["tokens", "before"] = mt.evaluate(models["before"], masks)
    few = test.select(range(32))
    for rate in (0.2, 0.4, 0.6):
        rule = mt.MaskingSettings(mask_prob=rate, mask_share=1.0, random_share=0.0)
        masks = mt.freeze_masks(few, settings=rule, **draw)
        found["rate", rate] = mt.evaluate(models["before"], masks)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_pairing_narrows_the_spread_several_times(seed):
    """Chapter 7: "Far less." and "In five repetitions, [...] the factor was between 6 and 12." """
    before, after = measure(seed)["words", "before"], measure(seed)["words", "after"]
    single = mt.spread_over_draws(before, num_chunks=8)
    unpaired = np.hypot(single, mt.spread_over_draws(after, num_chunks=8))
    paired = mt.spread_over_draws(after, minus=before, num_chunks=8)
    correlation = np.corrcoef(before.losses, after.losses)[0, 1]
    print(
        f"\nseed {seed}: single {single:.3f}, unpaired {unpaired:.3f}, paired {paired:.3f}, "
        f"factor {unpaired / paired:.1f}, correlation {correlation:.3f}"
    )
    assert 6 <= round(unpaired / paired) <= 12
    assert correlation > 0.97


def test_spread_falls_with_the_root_of_the_draws_pooled():
    """Chapter 7: "The last column is about constant [...] Over five repetitions together it was 0.068, 0.067 and 0.068." """
    spreads = {
        pooled: np.sqrt(np.mean([
            mt.spread_over_draws(
                measure(seed)["words", "after"], minus=measure(seed)["words", "before"], num_chunks=4, num_pooled=pooled
            ) ** 2
            for seed in SEEDS
        ]))
        for pooled in (1, 2, 3)
    }  # fmt: skip
    print("\npooled", {pooled: (round(s, 4), round(s * pooled**0.5, 4)) for pooled, s in spreads.items()})
    for pooled, spread in spreads.items():
        assert spread * pooled**0.5 == pytest.approx(spreads[1], rel=0.15)


def test_spread_runs_along_the_law_and_somewhat_above():
    """Chapter 7: "The measured values run along it and, on average, a little above it." """
    for size in (1, 2, 4, 8):
        ratios = []
        for seed in SEEDS:
            before = measure(seed)["words", "before"]
            n = size * before.count / before.num_chunks
            law = before.draws()[0].losses.std() * np.sqrt(0.8 / n)
            ratios.append(mt.spread_over_draws(before, num_chunks=size) / law)
        print(f"\n{size} chunks: {np.round(ratios, 2)} of the law", end="")
        assert 1.0 < np.mean(ratios) < 1.3


@pytest.mark.parametrize("seed", SEEDS)
def test_paired_interval_is_far_narrower_than_those_of_the_perplexities_which_overlap(seed):
    """Chapter 7: "The intervals of the two perplexities overlap almost completely." """
    before, after = measure(seed)["words", "before"], measure(seed)["words", "after"]
    comparison = mt.compare(before, after)
    pairs = list(zip(before.draws(), after.draws(), strict=True))
    ratios = np.array([[later.perplexity / earlier.perplexity for earlier, _ in pairs] for _, later in pairs])
    unpaired = ratios[~np.eye(NUM_DRAWS, dtype=bool)]
    print(f"\nseed {seed}: {comparison}; paired {np.diag(ratios).round(3)}")
    print(f"unpaired {unpaired.min():.3f} to {unpaired.max():.3f}, {(unpaired > 1).sum()} of 30 above 1")
    low, high = before.interval()
    assert np.log(comparison.high / comparison.low) < np.log(high / low) / 3
    assert low < after.perplexity < high
    assert np.ptp(unpaired) > 2 * np.ptp(np.diag(ratios))


@pytest.mark.parametrize("seed", SEEDS)
def test_pooling_draws_narrows_the_interval_over_texts_by_far_less_than_the_root(seed):
    """Chapter 7, exercise 2: "Far from it." """
    before = measure(seed)["words", "before"]
    first, pooled = (np.log(np.divide(*reversed(e.interval()))) for e in (before.draws()[0], before))
    print(f"\nseed {seed}: width {first:.3f} and {pooled:.3f} nats, {before.num_texts} reviews")
    assert pooled > first / 1.9


@pytest.mark.parametrize("seed", SEEDS)
def test_single_tokens_are_easier_and_kept_ones_are_why_in_part(seed):
    """Chapter 7: kept tokens make the test easier, random ones harder, "although by less"."""
    found = measure(seed)
    easy = found["tokens", "before"]
    assert easy.loss < found["words", "before"].loss
    mean = {kind: total / count for kind, (total, count) in easy.by_kind.items()}
    share = {kind: count / easy.count for kind, (_, count) in easy.by_kind.items()}
    gap = found["words", "before"].loss - easy.loss
    kept, random = ((mean["mask"] - mean[kind]) * share[kind] for kind in ("kept", "random"))
    print(f"\nseed {seed}: gap {gap:.2f}, kept {kept:.2f}, random {random:.2f}; {mean}")
    assert kept > 0.2 and random < 0 and kept > -2 * random


@pytest.mark.parametrize("seed", SEEDS)
def test_more_masked_is_harder(seed):
    """Chapter 7, exercise 3: "The more is masked, the less is left to guess from." """
    losses = [measure(seed)["rate", rate].loss for rate in (0.2, 0.4, 0.6)]
    print(f"\nseed {seed}: {np.exp(losses).round(1)}")
    assert losses == sorted(losses)


@pytest.mark.parametrize("seed", SEEDS)
def test_losses_do_not_gather_around_their_mean(seed):
    """Chapter 7: a heap near 0 and a long tail; a tenth of the tokens makes up a quarter of the sum."""
    losses = measure(seed)["words", "before"].losses
    hard = losses > 10
    print(
        f"\nseed {seed}: mean {losses.mean():.2f}, sd {losses.std():.2f}, median {np.median(losses):.2f}, "
        f"<0.1 {(losses < 0.1).mean():.1%}, <1 {(losses < 1).mean():.1%}, >10 {hard.mean():.1%} with "
        f"{losses[hard].sum() / losses.sum():.1%}"
    )
    assert 0.7 < losses.std() / losses.mean() < 0.85
    assert 0.07 < hard.mean() < 0.14 and 0.2 < losses[hard].sum() / losses.sum() < 0.35
