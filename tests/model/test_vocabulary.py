"""Added words are tokens of their own, begin where their pieces are, and only as whole words."""

import pytest
import torch

from mlmtutor import add_words, chunk_texts, evaluate, freeze_masks, load_model, load_tokenizer
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.texts.words import TokenTable


@pytest.fixture(scope="module")
def extended():
    model, tokenizer = load_model("mini"), load_tokenizer("mini")
    before = model.get_input_embeddings().weight.detach().clone()
    pieces = add_words(["fulci", "zombie", "film"], model=model, tokenizer=tokenizer)
    return model, tokenizer, pieces, before


def test_words_become_tokens_and_single_tokens_stay(extended):
    _, tokenizer, pieces, _ = extended
    assert pieces == {"fulci": ["fu", "##lc", "##i"]} | (
        {} if "zombie" not in pieces else {"zombie": pieces["zombie"]}
    )
    assert tokenizer.tokenize("Fulci's films, fulcis.") == [
        "fulci",
        "'",
        "s",
        "films",
        ",",
        "fu",
        "##lc",
        "##is",
        ".",
    ]


def test_vectors_begin_at_the_mean_of_the_pieces(extended):
    model, tokenizer, pieces, before = extended
    weight = model.get_input_embeddings().weight
    assert torch.equal(weight[: len(before)], before)
    new = tokenizer.convert_tokens_to_ids("fulci")
    assert torch.allclose(weight[new], before[tokenizer.convert_tokens_to_ids(pieces["fulci"])].mean(0))
    assert torch.equal(model.get_output_embeddings().weight[new], weight[new])
    assert model.config.vocab_size == len(tokenizer) == len(weight)


def test_the_extended_model_masks_and_scores(extended):
    model, tokenizer, _, _ = extended
    assert not TokenTable.from_tokenizer(tokenizer).continues_word[tokenizer.convert_tokens_to_ids("fulci")]
    chunks = chunk_texts(["Fulci made the film, and Fulci was right."] * 4, tokenizer, chunk_size=12).dataset
    masks = freeze_masks(chunks, tokenizer=tokenizer, settings=MaskingSettings(), seed=0)
    assert evaluate(model, masks).perplexity < 1e6


def test_adding_nothing_changes_nothing(model, tiny):
    assert add_words(["film"], model=model, tokenizer=tiny) == {}
    assert model.config.vocab_size == len(tiny)


@pytest.mark.parametrize("words", ["zombie", ["two words"], [""]])
def test_what_are_no_words_is_refused(words, model, tiny):
    with pytest.raises(ValueError, match="expected"):
        add_words(words, model=model, tokenizer=tiny)
