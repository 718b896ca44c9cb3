"""Figures that rest on next to nothing are refused, those that rest on little are doubted."""

import math
import warnings

import numpy as np
import pytest

from mlmtutor.model.doubts import Doubt
from mlmtutor.scores.basis import check_amount, check_basis, check_gain
from mlmtutor.scores.perplexity import Evaluation


def evaluation(*, count=400, num_texts=8, loss=3.0):
    return Evaluation(
        losses=np.full(count, loss), is_correct=np.zeros(count, dtype=bool), kinds=np.ones(count, dtype=np.int8),
        chunk_index=np.arange(count), text_index=np.arange(count) % num_texts, num_chunks=count, sha256="",
    )  # fmt: skip


def doubts_of(check, *arguments, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check(*arguments, **options)
    assert all(warning.category is Doubt for warning in caught)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    ("count", "num_texts", "doubts"),
    [(400, 8, []), (300, 5, []), (299, 8, ["masked tokens"]), (20, 8, ["masked tokens"]), (400, 4, ["texts"]),
     (20, 1, ["masked tokens", "texts"])],
)  # fmt: skip
def test_little_to_measure_on_is_doubtful(count, num_texts, doubts):
    found = doubts_of(check_basis, evaluation(count=count, num_texts=num_texts))
    assert [doubt.split(" to measure on: only")[0] for doubt in found] == doubts


@pytest.mark.parametrize("count", [1, 9, 19])
def test_next_to_nothing_to_measure_on_is_refused(count):
    with pytest.raises(ValueError, match=f"at least 20 masked tokens to measure on, found {count}:"):
        check_basis(evaluation(count=count))


def test_little_to_train_on_is_doubtful():
    assert doubts_of(check_amount, 50) == []
    (doubt,) = doubts_of(check_amount, 49)
    assert doubt.startswith("chunks to train on: only 49")


def test_a_model_that_became_worse_is_doubtful_and_one_that_guesses_worse_than_chance_refused():
    options = {"vocab_size": 1000, "learning_rate": 0.1}
    guess = math.log(1000)
    assert doubts_of(check_gain, evaluation(loss=3.0), evaluation(loss=2.9), **options) == []
    assert (
        doubts_of(check_gain, evaluation(loss=20.0), evaluation(loss=8.0), **options) == []
    )  # it learned, if little
    (doubt,) = doubts_of(check_gain, evaluation(loss=3.0), evaluation(loss=guess - 0.01), **options)
    assert doubt.startswith("the model became worse")
    for loss in (guess + 0.01, 800.0):
        with pytest.raises(
            ValueError, match="worse than guessing among 1,000 tokens: take a learning rate below 0.1"
        ):
            check_gain(evaluation(loss=3.0), evaluation(loss=loss), **options)
