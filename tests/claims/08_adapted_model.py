"""What chapter 8 says of its short adaptation, tried with five other seeds: about ten minutes in all.

Another seed means other training and test reviews, another order and other masks. Run by hand:
``pytest tests/claims/08_adapted_model.py -s`` prints the figures as well.
"""

import copy
from functools import cache

import numpy as np
import pytest
import torch

import mlmtutor as mt

SEEDS = range(1, 6)
MASKING = mt.MaskingSettings(unit="word", mask_prob=0.2, mask_share=1.0, random_share=0.0)
GENERAL = mt.load_general_texts()


@cache
def load_parts():
    return mt.split_texts(mt.load_reviews("mini")["train"], test_size=5_000, seed=0)


def sample_chunks(split, size, *, seed):
    texts = load_parts()[split].shuffle(seed).select(range(size))["text"]
    texts = [mt.remove_breaks(text) for text in texts]
    return (
        mt.chunk_texts(texts, mt.load_tokenizer(), chunk_size=128).dataset.shuffle(seed).select(range(size))
    )


class Run:
    """The chapter with another seed."""

    def __init__(self, seed):
        tokenizer = self.tokenizer = mt.load_tokenizer()
        self.masks = mt.freeze_masks(
            sample_chunks("test", 128, seed=seed), tokenizer=tokenizer, settings=MASKING, seed=seed
        )
        self.original, self.adapted = mt.load_model(), mt.load_model()
        settings = mt.TrainingSettings(num_epochs=1, batch_size=16, learning_rate=2e-4, seed=seed)
        mt.train_masked_lm(
            self.adapted,
            sample_chunks("train", 800, seed=seed),
            tokenizer=tokenizer,
            masking=MASKING,
            settings=settings,
        )
        self.models = {"before": self.original, "after": self.adapted}
        self.on_reviews = {
            name: mt.evaluate(model, self.masks, keep_expected=True) for name, model in self.models.items()
        }
        self.on_general = {name: self.score(model) for name, model in self.models.items()}
        self.gain = mt.compare(*self.on_reviews.values())
        self.loss = mt.compare(*self.on_general.values())
        self.true_ids = self.masks.labels[self.masks.labels != -100]
        self.moved = self.on_reviews["before"].losses - self.on_reviews["after"].losses

    def score(self, model):
        return mt.score_texts(GENERAL, model=model, tokenizer=self.tokenizer)

    def is_any(self, *words):
        return np.isin(self.true_ids, self.tokenizer.convert_tokens_to_ids(list(words)))

    @property
    def shares(self):
        return [found.expected for found in self.on_reviews.values()]


@cache
def run_chapter(seed):
    return Run(seed)


@pytest.fixture(params=SEEDS)
def run(request):
    return run_chapter(request.param)


def test_perplexity_falls_by_about_a_tenth(run):
    """ "The perplexity has fallen by about a tenth, and the interval excludes 1." """
    print(run.gain)
    assert 0.84 < run.gain.ratio < 0.94 and run.gain.high < 1


def test_the_model_thinks_of_films(run):
    """ "The probabilities agree, and the model now thinks of films." """
    (found,) = mt.fill_masks("This is a great [MASK].", model=run.adapted, tokenizer=run.tokenizer)[0]
    print([candidate.token for candidate in found])
    assert {"movie", "film"} & {candidate.token for candidate in found}


def test_movie_and_film_lead(run):
    """ "“movie” and “film” lead, and that was to be expected." """
    before, after = run.shares
    first = run.tokenizer.convert_ids_to_tokens((after - before).argsort()[::-1][:3].tolist())
    print(first)
    assert {"movie", "film"} <= set(first)


def test_distance_to_the_true_shares_is_mostly_sampling(run):
    """ "Even a perfect model gets more than 30", "the adaptation has removed a part of it"."""
    n, rng = len(run.true_ids), np.random.default_rng(0)
    truth = np.bincount(run.true_ids, minlength=len(run.shares[0])) / n
    excess = []
    for share in run.shares:
        right = share / share.sum()
        floor = 50 * np.abs(rng.multinomial(n, right, size=20) / n - right).sum(axis=-1).mean()
        excess.append(50 * np.abs(share - truth).sum() - floor)
        print(f"floor {floor:.1f}, above it {excess[-1]:.1f}")
        assert floor > 30
    assert 0 < excess[1] < excess[0] < 8


def test_two_words_bring_more_than_a_tenth_of_the_gain(run):
    """ "“movie” and “film” make up roughly one masked token in eighty", and more than a tenth of the gain."""
    chosen = run.is_any("movie", "film")
    part = run.moved[chosen].sum() / run.moved.sum()
    print(f"{chosen.mean():.2%} of the tokens, {part:.0%} of the gain")
    assert 1 / 130 < chosen.mean() < 1 / 50 and 0.1 < part < 0.5


def test_commas_become_worse(run):
    """ "the same training that made “film” likelier took probability from commas" """
    before, after = run.shares
    comma = run.tokenizer.convert_tokens_to_ids(",")
    print(f"{before[comma]:.2%} -> {after[comma]:.2%}, {run.moved[run.is_any(',')].mean():+.3f} nats")
    assert after[comma] < before[comma] and run.moved[run.is_any(",")].mean() < 0


def test_about_half_of_the_tokens_become_better(run):
    """ "About half. The typical masked token is predicted neither better nor worse than before." """
    print(f"{(run.moved > 0).mean():.1%}, median {np.median(run.moved):.3f} of mean {run.moved.mean():.3f}")
    assert 0.47 < (run.moved > 0).mean() < 0.57 and abs(np.median(run.moved)) < 0.3 * run.moved.mean()


def test_probabilities_show_what_hits_do_not(run):
    """ "The number of hits has hardly changed", "The probability of the right word has fallen"."""
    before, after = (
        mt.score_probes(mt.load_probes(), model=model, tokenizer=run.tokenizer)
        for model in run.models.values()
    )
    shift = np.log(after.probabilities) - np.log(before.probabilities)
    error = 2 * shift.std(ddof=1) / np.sqrt(40)
    print(f"hits {before.count_hits()} -> {after.count_hits()}, {shift.mean():+.2f} +- {error:.2f}")
    assert abs(after.count_hits() - before.count_hits()) <= 3 and shift.mean() + error < 0


def test_general_english_becomes_worse(run):
    """ "The model has become better at reviews and worse at general English, and both are more than sampling noise." """
    print(run.loss)
    assert run.loss.low > 1


def test_averages_keep_more_of_the_gain_than_of_the_loss(run):
    """ "At two thirds of the way, the model keeps nearly all of its gain and has about half of its loss." """
    for share in (1 / 3, 2 / 3):
        model = copy.deepcopy(run.original)
        with torch.no_grad():
            for weight, goal in zip(model.parameters(), run.adapted.parameters(), strict=True):
                weight.lerp_(goal, share)
        gain = mt.compare(run.on_reviews["before"], mt.evaluate(model, run.masks))
        loss = mt.compare(run.on_general["before"], run.score(model))
        kept = [
            np.log(part.ratio) / np.log(whole.ratio) for part, whole in ((gain, run.gain), (loss, run.loss))
        ]
        print(f"{share:.2f} of the way: {kept[0]:.0%} of the gain, {kept[1]:.0%} of the loss")
        assert kept[0] > share + 0.1 and kept[1] < share - 0.1
