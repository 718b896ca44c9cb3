import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from mlmtutor import fill_masks


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=18, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=16,
    )  # fmt: skip
    return BertForMaskedLM(config).eval()


def test_candidates_equal_softmax_by_hand(model, tiny):
    (((best, *rest),),) = fill_masks("the [MASK] was good", model=model, tokenizer=tiny, top_k=3)
    inputs = tiny("the [MASK] was good", return_tensors="pt")
    with torch.no_grad():
        expected = model(**inputs).logits[0, 2].softmax(-1)
    assert best.token_id == expected.argmax()
    assert best.probability == pytest.approx(expected.max().item())
    assert [c.probability for c in rest] == sorted((c.probability for c in rest), reverse=True)
    assert best.token == tiny.convert_ids_to_tokens(best.token_id)


def test_candidate_fills_its_own_blank_only(model, tiny):
    ((first, second),) = fill_masks("the [MASK] was [MASK]", model=model, tokenizer=tiny, top_k=1)
    assert first[0].text.endswith("was [MASK]")
    assert second[0].text.startswith("the [MASK] was ")
    assert "[MASK]" not in second[0].text.removeprefix("the [MASK]")


def test_batches_and_padding_change_nothing(model, tiny, monkeypatch):
    texts = ["the [MASK]", "a [MASK] was a good film", "[MASK] . [MASK]", "the actor is [MASK] ."]
    together = fill_masks(texts, model=model, tokenizer=tiny)
    alone = [fill_masks(text, model=model, tokenizer=tiny)[0] for text in texts]
    for a, b in zip(together, alone, strict=True):
        assert [[c.token for c in mask] for mask in a] == [[c.token for c in mask] for mask in b]
        assert [c.probability for mask in a for c in mask] == pytest.approx(
            [c.probability for m in b for c in m]
        )
    assert [len(masks) for masks in together] == [1, 1, 2, 1]
    monkeypatch.setattr("mlmtutor.model.fill_mask.BATCH_SIZE", 1)
    assert fill_masks(texts, model=model, tokenizer=tiny)[2][1][0].token == together[2][1][0].token


def test_targets_are_ranked_with_their_share_of_the_whole_vocabulary(model, tiny):
    ((ranked,),) = fill_masks("the [MASK]", model=model, tokenizer=tiny, targets=["good", "bad"])
    ((everything,),) = fill_masks("the [MASK]", model=model, tokenizer=tiny, top_k=18)
    whole = {c.token: c.probability for c in everything}
    assert {c.token for c in ranked} == {"good", "bad"}
    assert all(c.probability == pytest.approx(whole[c.token]) for c in ranked)
    assert sum(whole.values()) == pytest.approx(1)


@pytest.mark.parametrize("word", ["films", "unheard"])
def test_target_of_several_pieces_is_an_error(model, tiny, word):
    """Mistake 20: a word outside the vocabulary was scored by its first piece."""
    with pytest.raises(ValueError, match=f"one token, found '{word}'"):
        fill_masks("the [MASK]", model=model, tokenizer=tiny, targets=["good", word])


def test_text_without_a_mask_is_an_error(model, tiny):
    with pytest.raises(ValueError, match=r"expected a text with \[MASK\], found 'the film'"):
        fill_masks(["the [MASK]", "the film"], model=model, tokenizer=tiny)


def test_text_longer_than_the_model_can_see_is_an_error(model, tiny):
    with pytest.raises(ValueError, match="at most 16 tokens, found 22"):
        fill_masks("[MASK] " * 20, model=model, tokenizer=tiny)


def test_top_k_out_of_range_is_an_error(model, tiny):
    with pytest.raises(ValueError, match=r"top_k must be in \[1, 18\], got 0"):
        fill_masks("[MASK]", model=model, tokenizer=tiny, top_k=0)


def test_no_texts_give_no_results(model, tiny):
    assert fill_masks([], model=model, tokenizer=tiny) == []
