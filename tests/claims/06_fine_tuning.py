"""Chapter 6: what five other splits, trainings and mask draws say of memory, line breaks and learning rates."""

import functools

import numpy as np
import pytest

import mlmtutor as mt

SEEDS = range(1, 6)
MASKING = mt.MaskingSettings(unit="word", mask_prob=0.2)


def train(chunks, *, rate=2e-4, seed):
    """A fresh mini model after one epoch."""
    model = mt.load_model("mini")
    settings = mt.TrainingSettings(num_epochs=1, batch_size=16, learning_rate=rate, seed=seed)
    mt.train_masked_lm(model, chunks, tokenizer=mt.load_tokenizer("mini"), masking=MASKING, settings=settings)
    return model


def cut(texts, *, seed):
    return mt.chunk_texts(texts, mt.load_tokenizer("mini")).dataset.shuffle(seed)


def freeze(chunks, *, seed):
    return mt.freeze_masks(chunks, tokenizer=mt.load_tokenizer("mini"), settings=MASKING, seed=seed)


@functools.cache
def suspects(seed):
    """The four ratios of the chapter: trained chunks with their masks and with new ones, same reviews, unseen ones."""
    parts = mt.split_texts(
        mt.load_reviews("mini", clean=True)["train"], train_size=1000, test_size=300, seed=seed
    )
    pool, test = (cut(parts[name]["text"], seed=seed) for name in ("train", "test"))
    trained = pool.select(range(1_200))
    rest = pool.select(range(1_200, len(pool)))
    same = np.flatnonzero(np.isin(rest["text_index"][:], trained["text_index"][:]))
    # the masks of the first epoch follow from the seed and the place of a chunk
    tests = {
        "same masks": freeze(trained.select(range(60)), seed=seed),
        "new masks": freeze(trained.select(range(60)), seed=seed + 100),
        "same reviews": freeze(rest.select(same[:60]), seed=seed),
        "unseen reviews": freeze(test.select(range(120)), seed=seed),
    }
    before, after = mt.load_model("mini"), train(trained, seed=seed)
    return {
        name: mt.compare(mt.evaluate(before, masks), mt.evaluate(after, masks))
        for name, masks in tests.items()
    }


@functools.cache
def breaks(seed):
    """Share of the gain that line breaks bring when the reviews still have them."""
    tokenizer = mt.load_tokenizer("mini")
    parts = mt.split_texts(mt.load_reviews("mini")["train"], train_size=200, test_size=150, seed=seed)
    chunks = cut(parts["train"]["text"], seed=seed).select(range(192))
    masks = freeze(cut(parts["test"]["text"], seed=seed).select(range(60)), seed=seed)
    losses = [mt.evaluate(model, masks).losses for model in (mt.load_model("mini"), train(chunks, seed=seed))]
    truth = masks.labels[masks.labels != -100]
    is_break = np.isin(truth, tokenizer.convert_tokens_to_ids(["br", "<", ">", "/"]))
    gain = losses[0] - losses[1]
    return float(gain[is_break].sum() / gain.sum()), float(is_break.mean())


@functools.cache
def rates(seed):
    """Perplexity after six steps, divided by that before, for each rate."""
    parts = mt.split_texts(
        mt.load_reviews("mini", clean=True)["train"], train_size=200, test_size=100, seed=seed
    )
    chunks = cut(parts["train"]["text"], seed=seed).select(range(96))
    masks = freeze(cut(parts["test"]["text"], seed=seed).select(range(60)), seed=seed)
    before = mt.evaluate(mt.load_model("mini"), masks).perplexity
    return {
        rate: mt.evaluate(train(chunks, rate=rate, seed=seed), masks).perplexity / before
        for rate in (2e-5, 2e-4, 2e-3)
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_one_look_halves_the_perplexity_of_the_very_tokens(seed):
    """A single look at each chunk has halved the perplexity of the very tokens that it had to predict."""
    assert 0.4 < suspects(seed)["same masks"].ratio < 0.6


@pytest.mark.parametrize("seed", SEEDS)
def test_new_masks_take_most_of_it_away_and_other_chunks_the_rest(seed):
    """With new masks on the same chunks, most of the effect is gone; with other chunks of the same reviews, the rest."""
    ratios = {name: found.ratio for name, found in suspects(seed).items()}
    assert ratios["same masks"] + 0.15 < ratios["new masks"] < ratios["same reviews"]


@pytest.mark.parametrize("seed", SEEDS)
def test_chunks_of_trained_reviews_are_not_clearly_easier_than_unseen_ones(seed):
    """Between those and unseen reviews we see no difference: the two intervals overlap."""
    same, unseen = (suspects(seed)[name] for name in ("same reviews", "unseen reviews"))
    assert same.low < unseen.high and unseen.low < same.high


@pytest.mark.parametrize("seed", SEEDS)
def test_line_breaks_bring_most_of_the_gain_on_raw_reviews(seed):
    """Line breaks are a small part of the tokens and bring most of the gain."""
    of_the_gain, of_the_tokens = breaks(seed)
    assert of_the_tokens < 0.1 and of_the_gain > 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_six_steps_at_the_large_rate_wreck_the_model_and_the_others_hardly_move_it(seed):
    """Six steps at 2e-5 help a little, at 2e-4 they end about where they began, and 2e-3 wrecks the model."""
    found = rates(seed)
    assert 0.95 < found[2e-5] < 1 and 0.94 < found[2e-4] < 1.06 and found[2e-3] > 2
