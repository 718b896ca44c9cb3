"""Masks drawn once, and several draws of the same chunks."""

import numpy as np
import pytest
from datasets import Dataset

from mlmtutor import MaskingSettings, compare, evaluate, freeze_masks
from mlmtutor.model.masked_lm import IGNORED
from mlmtutor.testing import tiny_model, tiny_tokenizer

SETTINGS = MaskingSettings(unit="token", mask_prob=0.3)
NUM_CHUNKS, NUM_DRAWS = 30, 3


def make_chunks(num_chunks=NUM_CHUNKS, chunk_size=12, per_text=1):
    ids = np.random.default_rng(0).integers(5, 18, size=(num_chunks, chunk_size))
    return Dataset.from_dict(
        {"input_ids": ids.tolist(), "text_index": [i // per_text for i in range(num_chunks)]}
    )


def freeze(**options):
    dataset = options.pop("dataset", None) or make_chunks()
    return freeze_masks(dataset, tokenizer=tiny_tokenizer(), **{"settings": SETTINGS, "seed": 0} | options)


def test_digest_of_one_draw_is_that_of_the_first_edition():
    masks = freeze(dataset=make_chunks(per_text=3))
    assert masks.sha256 == "7bd0590253d2c14896b3a5193bbd5d5a3710b99d441f7d9c5b20e2f9098fd342"
    assert masks.sha256 == freeze(dataset=make_chunks(per_text=3), num_draws=1).sha256
    assert masks.num_draws == 1


def test_first_of_several_draws_is_the_single_one_and_the_others_differ():
    single, several = freeze(), freeze(num_draws=NUM_DRAWS)
    assert len(several) == NUM_DRAWS * len(single)
    inputs = several.input_ids.reshape(NUM_DRAWS, *single.input_ids.shape)
    labels = several.labels.reshape(NUM_DRAWS, *single.labels.shape)
    assert np.array_equal(inputs[0], single.input_ids) and np.array_equal(labels[0], single.labels)
    for one in range(NUM_DRAWS):
        for other in range(one):
            assert not np.array_equal(labels[one], labels[other])
    assert several.sha256 != single.sha256


def test_draws_mask_the_same_chunks_of_the_same_texts():
    chunks = make_chunks(per_text=3)
    several = freeze(dataset=chunks, num_draws=NUM_DRAWS)
    truth = np.tile(np.array(chunks["input_ids"][:]), (NUM_DRAWS, 1))
    masked = several.labels != IGNORED
    assert np.array_equal(several.labels[masked], truth[masked])
    assert np.array_equal(several.input_ids[~masked], truth[~masked])
    assert several.text_index.tolist() == chunks["text_index"][:] * NUM_DRAWS


def test_draws_are_independent():
    # a token is masked in two draws as often as two independent draws of 30 % say: 9 %
    several = freeze(dataset=make_chunks(num_chunks=1000), num_draws=2)
    masked = (several.labels != IGNORED).reshape(2, -1)
    sigma = np.sqrt(0.09 * 0.91 / masked.shape[1])
    assert (masked[0] & masked[1]).mean() == pytest.approx(0.09, abs=5 * sigma)


def test_draws_are_pooled_token_by_token():
    model, several = tiny_model(), freeze(num_draws=NUM_DRAWS)
    pooled, first = evaluate(model, several), evaluate(model, freeze())
    assert pooled.count == (several.labels != IGNORED).sum() > 2.5 * first.count
    np.testing.assert_allclose(pooled.losses[: first.count], first.losses, rtol=1e-5)
    assert pooled.loss == pytest.approx(pooled.loss_sum.sum() / pooled.num_masked.sum())
    assert pooled.num_texts == NUM_CHUNKS  # no text is counted twice
    assert compare(pooled, pooled).ratio == 1


def test_several_draws_vary_less_than_one():
    model = tiny_model()
    singles, pooled = (
        [evaluate(model, freeze(seed=seed, num_draws=num_draws)).loss for seed in range(30)]
        for num_draws in (1, 9)
    )
    assert np.std(pooled) < 0.6 * np.std(singles)


def test_description_has_the_draws_and_counts_chunks_once():
    facts = freeze(num_draws=NUM_DRAWS).describe()
    assert (facts["num_draws"], facts["num_chunks"]) == (NUM_DRAWS, NUM_CHUNKS)


@pytest.mark.parametrize("num_draws", [0, -1])
def test_number_of_draws_is_checked(num_draws):
    with pytest.raises(ValueError, match=f"num_draws must be at least 1, got {num_draws}"):
        freeze(num_draws=num_draws)
