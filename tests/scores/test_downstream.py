import numpy as np
import pytest
import torch

from mlmtutor import FewLabelScores, compare_scores, embed_texts, score_few_labels
from mlmtutor.testing import tiny_model, tiny_tokenizer

TEXTS = ["the film was good", "bad", "the actor was bad . the film was good .", "good films"]


def embed(texts, **options):
    return embed_texts(texts, model=tiny_model(), tokenizer=tiny_tokenizer(), **{"max_tokens": 64} | options)


def two_clouds(num, *, distance, seed=0, num_features=10):
    """Points of two classes whose centres are so far apart, in standard deviations, along the first axis."""
    generator = np.random.default_rng(seed)
    labels = np.arange(num) % 2
    features = generator.normal(size=(num, num_features))
    features[:, 0] += distance * (labels - 0.5)
    return features, labels


def score(distance, *, num=400, **options):
    features, labels = two_clouds(2 * num, distance=distance)
    options = {"sizes": [4, 16, 64], "num_draws": 10} | options
    return score_few_labels(
        features[:num], labels[:num], test_features=features[num:], test_labels=labels[num:], **options
    )


def test_vector_is_the_mean_of_the_last_hidden_states():
    inputs = tiny_tokenizer()("the film was good", return_tensors="pt")
    with torch.no_grad():
        hidden = tiny_model().bert(**inputs).last_hidden_state[0]  # (6, 8)
    assert np.allclose(embed(["the film was good"])[0], hidden.mean(dim=0).numpy(), atol=1e-6)


def test_neighbours_in_the_batch_do_not_change_a_vector(monkeypatch):
    alone = np.concatenate([embed([text]) for text in TEXTS])
    for batch_size in (1, 3, 64):
        monkeypatch.setattr("mlmtutor.scores.downstream.BATCH_SIZE", batch_size)
        assert np.allclose(embed(TEXTS), alone, atol=1e-6)


def test_only_the_first_tokens_are_read():
    long, short = "the film was good . bad bad bad", "the film was good ."
    assert np.allclose(embed([long], max_tokens=7), embed([short]), atol=1e-6)
    assert not np.allclose(embed([long]), embed([short]), atol=1e-3)


def test_model_comes_back_as_it_was():
    model = tiny_model().train()
    embed_texts(TEXTS, model=model, tokenizer=tiny_tokenizer(), max_tokens=64)
    assert model.training


def test_embedding_refuses_nothing_and_too_much():
    with pytest.raises(ValueError, match="expected at least one text, found none"):
        embed([])
    with pytest.raises(ValueError, match=r"max_tokens must be in \[3, 64\] for this model, got 65"):
        embed(TEXTS, max_tokens=65)


def test_more_labels_and_better_features_score_higher():
    near, far = score(1.0).means, score(4.0).means
    assert near[4] < near[16] < near[64] < far[64]
    assert far[64] > 0.9


def test_features_without_the_answer_score_at_chance():
    accuracies = score(0.0, num=1000, sizes=[64], num_draws=20).accuracies[64]
    assert abs(accuracies.mean() - 0.5) < 5 * 0.5 / np.sqrt(1000)  # 1,000 test texts, 5 sigma


def test_scale_and_offset_of_a_feature_do_not_matter():
    features, labels = two_clouds(200, distance=1.0)
    stretched = features * np.logspace(-3, 3, 10) + 50.0
    a, b = (
        score_few_labels(x[:100], labels[:100], test_features=x[100:], test_labels=labels[100:], sizes=[16])
        for x in (features, stretched)
    )
    assert (a.correct[16] == b.correct[16]).mean() > 0.999


def test_same_seed_gives_the_same_draws_whatever_the_other_sizes():
    assert (score(1.0).correct[16] == score(1.0, sizes=[16]).correct[16]).all()
    assert (score(1.0).correct[16] != score(1.0, seed=1).correct[16]).any()
    assert (score(1.0).correct[16][:3] == score(1.0, num_draws=3).correct[16]).all()


def test_impossible_draws_are_refused():
    with pytest.raises(ValueError, match=r"sizes must be even numbers in \[2, 400\], got 402"):
        score(1.0, sizes=[402])
    with pytest.raises(ValueError, match="got 7"):
        score(1.0, sizes=[7])
    with pytest.raises(ValueError, match="num_draws must be at least 1, got 0"):
        score(1.0, num_draws=0)
    with pytest.raises(ValueError, match="penalty must be above 0, got 0"):
        score(1.0, penalty=0.0)
    with pytest.raises(ValueError, match=r"expected labels 0 and 1, found \[-1, 1\]"):
        features = np.eye(4)
        score_few_labels(
            features, [0, 1, 0, 1], test_features=features, test_labels=[-1, 1, -1, 1], sizes=[2]
        )


def test_difference_worked_by_hand():
    base = FewLabelScores({2: np.array([[True, False], [False, False]])})
    adapted = FewLabelScores({2: np.array([[True, True], [False, False]])})
    difference = compare_scores(base, adapted)[2]
    assert difference.mean == 0.25  # gains of 1/2 and 0
    assert difference.sd == pytest.approx(np.std([0.5, 0.0], ddof=1))
    assert difference.share_better == 0.75  # one win, one tie
    assert difference.low == 0.0
    assert difference.high == 1.0  # the first draw twice, the second text twice


def test_interval_holds_zero_where_models_differ_by_luck_and_not_where_one_is_better():
    generator = np.random.default_rng(0)

    def guess(accuracy):
        return FewLabelScores({8: generator.random((20, 500)) < accuracy})

    same, better = compare_scores(guess(0.7), guess(0.7))[8], compare_scores(guess(0.6), guess(0.8))[8]
    assert same.low < 0 < same.high
    assert 0 < better.low < 0.2 < better.high
    assert better.share_better == 1.0


def test_scores_of_different_tests_are_not_compared():
    a, b = (FewLabelScores({8: np.ones((2, num), dtype=bool)}) for num in (3, 4))
    with pytest.raises(ValueError, match=r"expected scores of the same sizes and shapes.*\(2, 3\).*\(2, 4\)"):
        compare_scores(a, b)


def test_a_string_is_one_text_and_not_its_letters():
    assert np.array_equal(embed("the film"), embed(["the film"]))
    with pytest.raises(ValueError, match="expected texts, found float at position 1"):
        embed(["the film", float("nan")])


def test_a_model_without_masked_lm_head_is_refused():
    with pytest.raises(ValueError, match="found BertModel: it has no masked-LM head"):
        embed_texts("the film", model=tiny_model().bert, tokenizer=tiny_tokenizer())


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (4, 1)])
def test_single_draw_or_text_is_compared_all_the_same(shape):
    right, wrong = np.ones(shape, dtype=bool), np.zeros(shape, dtype=bool)
    difference = compare_scores(FewLabelScores({8: wrong}), FewLabelScores({8: right}))[8]
    assert (difference.low, difference.mean, difference.high) == (1.0, 1.0, 1.0)


def test_interval_of_few_draws_is_wider_than_the_plain_percentiles():
    generator = np.random.default_rng(0)
    base, adapted = (FewLabelScores({8: generator.random((n, 200)) < 0.6}) for n in (5, 5))
    difference = compare_scores(base, adapted)[8]
    many = {8: np.tile(adapted.correct[8], (20, 1))}, {8: np.tile(base.correct[8], (20, 1))}
    of_many = compare_scores(FewLabelScores(many[1]), FewLabelScores(many[0]))[8]
    assert of_many.mean == pytest.approx(difference.mean)
    assert difference.high - difference.low > 1.3 * (of_many.high - of_many.low)
