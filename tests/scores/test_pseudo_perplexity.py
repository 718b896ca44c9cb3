"""Pseudo-perplexity: equal to a loop by hand, with and without the rest of the word."""

import math

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from mlmtutor import compare, load_minimal_pairs, load_model, load_tokenizer, score_texts

TEXTS = ["the films was good", "a actor", "this film ##s ##ing is bad .", "good ##ly"]


def score_by_hand(text, model, tokenizer, *, hide_rest_of_word):
    """One token, one forward pass of the dense model, no batches."""
    ids = tokenizer(text).input_ids
    tokens = tokenizer.convert_ids_to_tokens(ids)
    log_probs = []
    for position in range(1, len(ids) - 1):
        seen = list(ids)
        seen[position] = tokenizer.mask_token_id
        later = position + 1
        while hide_rest_of_word and tokens[later].startswith("##"):
            seen[later] = tokenizer.mask_token_id
            later += 1
        with torch.no_grad():
            logits = model(torch.tensor([seen])).logits[0, position]
        log_probs.append(logits.log_softmax(-1)[ids[position]].item())
    return log_probs


@pytest.mark.parametrize("hide_rest_of_word", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_scores_equal_a_loop_by_hand(model, tiny, hide_rest_of_word, batch_size, monkeypatch):
    monkeypatch.setattr("mlmtutor.scores.pseudo_perplexity.BATCH_SIZE", batch_size)
    scores = score_texts(TEXTS, model=model, tokenizer=tiny, hide_rest_of_word=hide_rest_of_word)
    for text, score in zip(TEXTS, scores, strict=True):
        expected = score_by_hand(text, model, tiny, hide_rest_of_word=hide_rest_of_word)
        assert score.text == text
        assert score.log_probs == pytest.approx(expected, abs=1e-5)
        assert score.log_prob == pytest.approx(sum(expected), abs=1e-4)


def test_the_two_rules_agree_where_every_word_is_one_token(model, tiny):
    alone, repaired = (
        score_texts(["the film was good"], model=model, tokenizer=tiny, hide_rest_of_word=rule)[0]
        for rule in (False, True)
    )
    assert alone.log_probs == pytest.approx(repaired.log_probs)


def test_the_two_rules_differ_at_every_piece_but_the_last_of_a_word(model, tiny):
    alone, repaired = (
        score_texts(["a film ##s ##ing was"], model=model, tokenizer=tiny, hide_rest_of_word=rule)[0]
        for rule in (False, True)
    )
    differs = ~np.isclose(alone.log_probs, repaired.log_probs, atol=1e-5)
    assert alone.tokens == ("a", "film", "##s", "##ing", "was")
    assert differs.tolist() == [False, True, True, False, False]


def test_a_word_has_the_sum_of_its_pieces(model, tiny):
    (score,) = score_texts(["the films was good"], model=model, tokenizer=tiny)
    assert [word for word, _ in score.words] == ["the", "film|##s", "was", "good"]
    assert score.words[1][1] == pytest.approx(score.log_probs[1] + score.log_probs[2])
    assert sum(value for _, value in score.words) == pytest.approx(score.log_prob)


def test_special_tokens_and_unknown_ones_are_not_scored(model, tiny):
    (score,) = score_texts(["the platypus was good"], model=model, tokenizer=tiny)
    assert score.tokens == ("the", "was", "good")


def test_model_comes_back_as_it_was(model, tiny):
    model.train()
    first, second = (score_texts(TEXTS, model=model, tokenizer=tiny) for _ in range(2))
    assert list(first) == list(second)  # no dropout
    assert model.training
    assert model(torch.tensor([[2, 5, 8, 3]])).logits.shape == (1, 4, 18)  # all positions again
    model.eval()


def test_text_without_anything_to_hide_is_an_error(model, tiny):
    for text in ("", "platypus"):
        with pytest.raises(ValueError, match=f"at least one token to mask, found '{text}'"):
            score_texts(["the film", text], model=model, tokenizer=tiny)


def test_text_longer_than_the_model_can_see_is_an_error(model, tiny):
    with pytest.raises(ValueError, match="at most 16 tokens for this model, found 22"):
        score_texts(["film " * 20], model=model, tokenizer=tiny)


def test_a_causal_model_is_refused(tiny):
    """Mistake 19: a masked-LM perplexity beside that of GPT-2."""
    causal = GPT2LMHeadModel(GPT2Config(vocab_size=18, n_embd=8, n_layer=1, n_head=2))
    with pytest.raises(ValueError, match="found GPT2LMHeadModel: a causal model"):
        score_texts(["the film"], model=causal, tokenizer=tiny)


def test_pseudo_perplexity_divides_once_by_all_tokens(model, tiny):
    scores = score_texts(TEXTS, model=model, tokenizer=tiny)
    total, count = sum(s.log_prob for s in scores), sum(len(s.tokens) for s in scores)
    assert scores.count == count == 16
    assert scores.perplexity == pytest.approx(math.exp(-total / count))
    assert (len(scores), scores.num_texts, scores[-1].text) == (4, 4, TEXTS[-1])
    assert [score.text for score in scores[1:3]] == TEXTS[1:3]


def test_no_text_is_an_error(model, tiny):
    with pytest.raises(ValueError, match="at least one text to score, found none"):
        score_texts([], model=model, tokenizer=tiny)


def test_only_the_same_questions_are_compared(model, tiny):
    scores = score_texts(TEXTS, model=model, tokenizer=tiny)
    again = score_texts(TEXTS, model=model, tokenizer=tiny)
    assert compare(scores, again).ratio == 1
    alone = score_texts(TEXTS, model=model, tokenizer=tiny, hide_rest_of_word=False)
    with pytest.raises(ValueError, match="expected two evaluations on the same masks"):
        compare(scores, alone)


def test_a_string_is_one_text_and_not_its_letters(model, tiny):
    scores = score_texts("a film", model=model, tokenizer=tiny)
    assert scores.texts == ("a film",) and scores[0].tokens == ("a", "film")
    with pytest.raises(ValueError, match="expected texts, found NoneType at position 1"):
        score_texts(["a film", None], model=model, tokenizer=tiny)


def test_bits_per_character_divide_all_losses_by_all_characters(model, tiny):
    scores = score_texts(["the films", "a actor"], model=model, tokenizer=tiny)
    nats = -sum(score.log_prob for score in scores)
    assert scores.bits_per_character == pytest.approx(nats / math.log(2) / (9 + 7))


def test_sentences_of_a_minimal_pair_have_as_many_tokens_and_differ():
    pairs, tokenizer = load_minimal_pairs(), load_tokenizer("mini")
    assert [pair.kind for pair in pairs[::10]] == ["agreement", "reflexive", "verb form", "word order"]
    assert all(pair.kind == pairs[number - number % 10].kind for number, pair in enumerate(pairs))
    assert len({text for pair in pairs for text in (pair.right, pair.wrong)}) == 80
    for pair in pairs:
        assert len(tokenizer(pair.right).input_ids) == len(tokenizer(pair.wrong).input_ids), pair


def test_a_segmenter_says_which_characters_are_masked_together():
    model, tokenizer = load_model("mini-zh"), load_tokenizer("mini-zh")
    text = "我们看电影。"
    apart = score_texts(text, model=model, tokenizer=tokenizer)
    together = score_texts(
        text, model=model, tokenizer=tokenizer, segmenter=lambda text: ["我们", "看", "电影", "。"]
    )
    assert [word for word, _ in apart[0].words] == list(text)
    assert [word for word, _ in together[0].words] == ["我|们", "看", "电|影", "。"]
    assert apart.sha256 != together.sha256
    # with the first of two characters the second is masked, too; nothing else changes
    changed = together.losses != apart.losses
    assert changed.tolist() == [True, False, False, True, False, False]
    with pytest.raises(ValueError, match="expected the segmenter to return the words"):
        score_texts(text, model=model, tokenizer=tokenizer, segmenter=lambda text: ["我们"])
