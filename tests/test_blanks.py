"""Predictions in many blanks: what is averaged, what is kept, what is shown."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import Dataset

from mlmtutor import MaskingSettings, evaluate, freeze_masks, predict_blanks, show_context
from mlmtutor.masking import IGNORED


@pytest.fixture(scope="module")
def masks(tiny):
    ids = np.random.default_rng(0).integers(5, 18, size=(30, 12))
    settings = MaskingSettings(unit="token", mask_prob=0.3)
    return freeze_masks(
        Dataset.from_dict({"input_ids": ids.tolist()}), tokenizer=tiny, settings=settings, seed=0
    )


def test_predictions_equal_the_dense_model_computed_by_hand(model, masks):
    found = predict_blanks(model, masks)
    labels = torch.from_numpy(masks.labels.astype(np.int64))
    with torch.no_grad():
        logits = model(torch.from_numpy(masks.input_ids.astype(np.int64))).logits
    probabilities = logits[labels != IGNORED].softmax(-1)
    true = probabilities.gather(1, labels[labels != IGNORED][:, None])[:, 0]
    np.testing.assert_allclose(found.expected, probabilities.mean(0), atol=1e-6)
    np.testing.assert_allclose(found.true_log_prob, true.log(), atol=1e-5)


def test_expected_probabilities_add_up_to_one(model, masks):
    assert predict_blanks(model, masks).expected.sum() == pytest.approx(1)


def test_true_tokens_give_the_loss_of_evaluate(model, masks):
    assert -predict_blanks(model, masks).true_log_prob.mean() == pytest.approx(evaluate(model, masks).loss)


def test_batches_change_nothing(model, masks):
    one, many = (predict_blanks(model, masks, batch_size=size) for size in (1, 64))
    np.testing.assert_allclose(one.expected, many.expected, atol=1e-6)
    np.testing.assert_allclose(one.true_log_prob, many.true_log_prob, atol=1e-5)


def test_masks_that_hide_nothing_are_refused(model, masks):
    with pytest.raises(ValueError, match="at least one masked token"):
        predict_blanks(model, replace(masks, labels=np.full_like(masks.labels, IGNORED)))
    with pytest.raises(TypeError, match="expected FrozenMasks, found Dataset"):
        predict_blanks(model, Dataset.from_dict({"input_ids": [[5]]}))


def test_context_shows_the_true_token_and_hides_the_other_masks(masks, tiny):
    ids = np.array([[2, 5, 4, 15, 4, 16, 12, 3]])  # [CLS] the _ ##s _ ##ing was [SEP]
    labels = np.full_like(ids, IGNORED)
    labels[0, 2], labels[0, 4] = 8, 9
    shown = replace(masks, input_ids=ids, labels=labels)
    tokens = tiny.convert_ids_to_tokens([8, 9])
    assert show_context(shown, 0, tokenizer=tiny, width=2).split()[:3] == ["[CLS]", "the", f"[{tokens[0]}]s"]
    assert "_" in show_context(shown, 1, tokenizer=tiny)
    with pytest.raises(ValueError, match="a blank from 0 to 1, found 2"):
        show_context(shown, 2, tokenizer=tiny)
