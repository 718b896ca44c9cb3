import numpy as np
import pytest
import torch

from mlmtutor import fine_tune_classifier
from mlmtutor.testing import tiny_model, tiny_tokenizer

TEXTS, LABELS = ["the film was good", "bad", "good films", "the actor was bad"] * 4, [1, 0, 1, 0] * 4


def fine_tune(texts=TEXTS, labels=LABELS, **options):
    options = {
        "test_texts": ["good", "bad"],
        "max_tokens": 16,
        "learning_rate": 1e-2,
        "precision": "fp32",
    } | options
    return fine_tune_classifier(
        texts, labels, **{"model": tiny_model(), "tokenizer": tiny_tokenizer()} | options
    )


def test_classifier_learns_what_tells_the_classes_apart():
    good, bad = fine_tune(num_epochs=40, test_texts=TEXTS[:2])
    assert good > 0.8 and bad < 0.2


def test_same_seed_gives_the_same_probabilities_and_another_seed_others():
    assert np.array_equal(fine_tune(num_epochs=1), fine_tune(num_epochs=1))
    assert not np.array_equal(fine_tune(num_epochs=1), fine_tune(num_epochs=1, seed=1))


def test_model_and_random_state_stay_as_they_were():
    model = tiny_model()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    state = torch.get_rng_state()
    fine_tune(model=model)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state) and not model.training


def test_order_of_the_test_texts_is_kept_whatever_their_lengths():
    tests = ["bad", "the film was good . the actor was good", "good", "bad bad bad"]
    assert np.allclose(fine_tune(test_texts=tests), fine_tune(test_texts=tests[::-1])[::-1], atol=1e-6)


def test_the_last_tokens_are_read_unless_the_first_are_asked_for():
    tests = ["good good good good good bad bad bad bad bad"]
    options = {"test_texts": tests, "max_tokens": 7, "num_epochs": 16}
    assert fine_tune(**options)[0] < 0.5 < fine_tune(**options, keep="first")[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"texts": [], "labels": []}, "expected texts to learn from and to test on, found 0 and 2"),
        ({"labels": [1] * 16}, r"both 0 and 1 among them, found 16 with the values \[1\]"),
        ({"labels": [0, 1]}, "expected one label for each of 16 texts"),
        ({"labels": [0, 2] * 8}, r"found 16 with the values \[0, 2\]"),
        ({"learning_rate": 1e30}, "the loss is not finite at learning rate 1e"),
    ],
)
def test_what_cannot_be_learnt_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        fine_tune(**options)
