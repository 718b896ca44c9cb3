import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from mlmtutor import compare_auc, score_prompt
from mlmtutor.testing import tiny_model, tiny_tokenizer

TEXTS = ["the film was good", "bad", "the actor was bad . the film was good .", "good films"]
ASKING = {"prompt": "the film was [MASK] .", "words": ("good", "bad"), "max_tokens": 32}


def score(texts=TEXTS, **options):
    return score_prompt(texts, **ASKING | {"model": tiny_model(), "tokenizer": tiny_tokenizer()} | options)


def test_score_is_the_difference_of_the_log_probabilities_at_the_mask():
    tokenizer, model = tiny_tokenizer(), tiny_model()
    inputs = tokenizer("the actor was bad the film was [MASK] .", return_tensors="pt")
    with torch.no_grad():
        logits = model(**inputs).logits[0]
    log_p = logits[inputs["input_ids"][0] == tokenizer.mask_token_id][0].log_softmax(-1)
    good, bad = tokenizer.convert_tokens_to_ids(["good", "bad"])
    assert score(["the actor was bad"])[0] == pytest.approx((log_p[good] - log_p[bad]).item(), abs=1e-5)


def test_neighbours_and_order_do_not_change_a_score():
    alone = np.concatenate([score([text]) for text in TEXTS])
    assert np.allclose(score(), alone, atol=1e-5) and np.allclose(score(TEXTS[::-1])[::-1], alone, atol=1e-5)


def test_the_mask_of_the_prompt_counts_not_one_in_the_text():
    assert np.isfinite(score(["the [MASK] was good"])).all()
    assert score(["the [MASK] was good"])[0] != pytest.approx(score(["the was good"])[0])


def test_long_texts_lose_their_beginning_and_never_the_prompt():
    long = "film " * 60 + "bad"
    assert score([long], max_tokens=16)[0] == pytest.approx(
        score(["film " * 8 + "bad"], max_tokens=16)[0], abs=1e-5
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"texts": []}, "expected at least one text"),
        ({"prompt": "the film was good"}, r"prompt must have one \[MASK\]"),
        ({"prompt": "[MASK] [MASK]"}, r"prompt must have one \[MASK\]"),
        ({"words": ("good", "unheard-of")}, "expected words that are one token"),
        ({"max_tokens": 9}, "max_tokens must be at least"),
    ],
)
def test_what_cannot_be_asked_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        score(**options)


def test_area_is_that_of_scikit_learn_ties_included():
    generator = np.random.default_rng(0)
    labels = generator.integers(2, size=200)
    scores = np.round(generator.normal(size=(2, 200)) + labels, 1)
    found = compare_auc(labels, scores[0], scores[1])
    assert found.before == pytest.approx(roc_auc_score(labels, scores[0]))
    assert found.after == pytest.approx(roc_auc_score(labels, scores[1]))


def test_areas_are_averaged_over_prompts_and_a_model_does_not_differ_from_itself():
    generator = np.random.default_rng(0)
    labels = np.arange(100) % 2
    scores = generator.normal(size=(3, 100)) + labels
    found = compare_auc(labels, scores, scores)
    assert found.before == pytest.approx(np.mean([roc_auc_score(labels, row) for row in scores]))
    assert found.low == found.high == 0


def test_interval_holds_the_true_difference_in_nineteen_samples_of_twenty():
    held = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        labels = np.arange(200) % 2
        shared = generator.normal(size=200)
        before, after = (shared + generator.normal(size=200) + labels for _ in range(2))
        found = compare_auc(labels, before, after)
        held += found.low <= 0 <= found.high
    assert held >= 175  # 190 expected, standard deviation 3.1


def test_scores_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="expected scores of the same 4 texts"):
        compare_auc([0, 1, 0, 1], np.zeros(4), np.zeros(3))
    with pytest.raises(ValueError, match=r"expected labels 0 and 1, both, found \[1\]"):
        compare_auc([1, 1], np.zeros(2), np.zeros(2))
