"""Probes: ranks and probabilities of expected words, and the general sentences."""

from collections import Counter

import pytest

from mlmtutor import fill_masks, load_general_texts, load_probes, score_probes
from mlmtutor.scores.probes import Probe, ProbeScores

PROBES = [
    Probe("the [MASK] was good", "film", "taste"),
    Probe("the film is [MASK] .", "bad", "taste"),
    Probe("[MASK] actor", "a", "grammar"),
]


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_ranks_and_probabilities_are_those_of_fill_masks(model, tiny, batch_size, monkeypatch):
    monkeypatch.setattr("mlmtutor.scores.probes.BATCH_SIZE", batch_size)
    scores = score_probes(PROBES, model=model, tokenizer=tiny)
    for probe, rank, probability in zip(PROBES, scores.ranks, scores.probabilities, strict=True):
        candidates = fill_masks(probe.text, model=model, tokenizer=tiny, top_k=18)[0][0]
        assert candidates[rank - 1].token == probe.word
        assert probability == pytest.approx(candidates[rank - 1].probability, rel=1e-4)


def test_hits_are_ranks_up_to_five_and_counted_per_kind():
    scores = ProbeScores(tuple(PROBES), ranks=(1, 6, 5), probabilities=(0.5, 0.01, 0.02))
    assert scores.kinds == ("taste", "grammar")
    assert scores.count_hits() == 2
    assert scores.count_hits(kind="taste") == scores.count_hits(kind="grammar") == 1
    with pytest.raises(ValueError, match="kind must be one of taste, grammar, got 'facts'"):
        scores.count_hits(kind="facts")


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


def test_one_probe_is_a_list_of_one(model, tiny):
    assert score_probes(PROBES[0], model=model, tokenizer=tiny) == score_probes(
        PROBES[:1], model=model, tokenizer=tiny
    )
    for wrong in ("the [MASK]", [("the [MASK]", "film")]):
        with pytest.raises(ValueError, match="expected probes, found"):
            score_probes(wrong, model=model, tokenizer=tiny)


@pytest.mark.parametrize("word", ["[MASK]", "[UNK]", "platypus", ""])
def test_a_word_that_cannot_be_asked_for_is_an_error(model, tiny, word):
    with pytest.raises(ValueError, match="expected words that are one token, found"):
        score_probes(Probe("the [MASK]", word, ""), model=model, tokenizer=tiny)
