"""Probes: ranks and probabilities of expected words, and the general sentences."""

import math
from collections import Counter

import pytest

from mlmtutor import fill_masks, load_general_texts, load_probes, score_probes
from mlmtutor.probes import Probe

PROBES = [
    Probe("the [MASK] was good", "film", "taste"),
    Probe("the film is [MASK] .", "bad", "taste"),
    Probe("[MASK] actor", "a", "grammar"),
]


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_ranks_and_probabilities_are_those_of_fill_masks(model, tiny, batch_size):
    scores = score_probes(PROBES, model=model, tokenizer=tiny, batch_size=batch_size)
    for probe, rank, probability in zip(PROBES, scores.ranks, scores.probabilities, strict=True):
        candidates = fill_masks(probe.text, model=model, tokenizer=tiny, top_k=18)[0][0]
        assert candidates[rank - 1].token == probe.word
        assert probability == pytest.approx(candidates[rank - 1].probability, rel=1e-4)


def test_hits_and_means_are_counted_per_kind(model, tiny):
    scores = score_probes(PROBES, model=model, tokenizer=tiny)
    assert scores.kinds == ("taste", "grammar")
    assert scores.count_hits(top_k=18) == 3
    assert scores.count_hits(top_k=1) == sum(rank == 1 for rank in scores.ranks)
    assert scores.count_hits(top_k=18, kind="taste") == 2
    by_hand = (math.log(scores.probabilities[0]) + math.log(scores.probabilities[1])) / 2
    assert scores.mean_log_prob(kind="taste") == pytest.approx(by_hand)
    with pytest.raises(ValueError, match="kind must be one of taste, grammar, got 'facts'"):
        scores.mean_log_prob(kind="facts")


def test_probe_needs_one_mask_and_a_word_of_one_token(model, tiny):
    with pytest.raises(ValueError, match="one .MASK., found 2 in"):
        score_probes([Probe("[MASK] [MASK]", "film", "")], model=model, tokenizer=tiny)
    with pytest.raises(ValueError, match="one token, found 'films'"):
        score_probes([Probe("[MASK]", "films", "")], model=model, tokenizer=tiny)
    with pytest.raises(ValueError, match="at least one probe"):
        score_probes([], model=model, tokenizer=tiny)


def test_packaged_probes_are_forty_with_words_of_the_vocabulary(bert_tokenizer):
    probes = load_probes()
    assert set(Counter(probe.kind for probe in probes).values()) == {10}
    assert all(probe.word in bert_tokenizer.vocab for probe in probes)


def test_general_sentences_are_eighty_different_ones_without_films(bert_tokenizer):
    texts = load_general_texts()
    assert len(texts) == len(set(texts)) == 80
    words = {word for text in texts for word in bert_tokenizer.tokenize(text)}
    assert words.isdisjoint({"film", "films", "movie", "movies", "actor", "actors", "cinema", "[UNK]"})
