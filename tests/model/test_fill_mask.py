import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

from mlmtutor import fill_masks
from mlmtutor.model.fill_mask import find_single_tokens
from mlmtutor.testing import tiny_tokenizer


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
    with pytest.raises(ValueError, match="at most 16 tokens for this model, found 22 in"):
        fill_masks("[MASK] " * 20, model=model, tokenizer=tiny)


def test_top_k_out_of_range_is_an_error(model, tiny):
    with pytest.raises(ValueError, match=r"top_k must be in \[1, 18\], got 0"):
        fill_masks("[MASK]", model=model, tokenizer=tiny, top_k=0)


def test_no_texts_give_no_results(model, tiny):
    assert fill_masks([], model=model, tokenizer=tiny) == []


SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def make_tokenizer(backend):
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, **{f"{name}_token": token for name, token in names.items()}
    )


@pytest.fixture
def byte_level():
    """As RoBERTa: `valve` and `Ġvalve` are tokens, of `nurse` only `Ġnurse`, of `ing` only `ing`."""
    merges = [("v", "a"), ("va", "l"), ("val", "v"), ("valv", "e"), ("Ġ", "valve"), ("n", "u"), ("r", "s"), ("rs", "e"),
              ("Ġ", "nu"), ("Ġnu", "rse"), ("i", "n"), ("in", "g")]  # fmt: skip
    vocabulary = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet()), *(a + b for a, b in merges)]
    backend = Tokenizer(models.BPE({token: i for i, token in enumerate(vocabulary)}, merges))
    backend.pre_tokenizer, backend.decoder = (
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
    )
    return make_tokenizer(backend)


@pytest.fixture
def sentence_piece():
    """As XLM-R: `valve` and `▁valve` are pieces, of `nurse` only `▁nurse`, of `ing` only `ing`."""
    pieces = ["▁valve", "valve", "▁nurse", "ing", "(", "▁", *"nurse"]
    scores = [(piece, -1.0 - number) for number, piece in enumerate(pieces)]
    backend = Tokenizer(models.Unigram([(token, 0.0) for token in SPECIAL] + scores, unk_id=3))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    return make_tokenizer(backend)


@pytest.mark.parametrize("kind", ["byte_level", "sentence_piece"])
@pytest.mark.parametrize("space", ["", " "])
def test_a_word_is_the_token_that_stands_in_its_place(kind, space, request):
    tokenizer, mark = request.getfixturevalue(kind), {"byte_level": "Ġ", "sentence_piece": "▁"}[kind]

    def find(word, before):
        return tokenizer.convert_ids_to_tokens(find_single_tokens(space + word, tokenizer, before=before))

    assert find("valve", "She replaced a ") == [f"{mark}valve"]
    assert find("nurse", " ") == [f"{mark}nurse"]
    assert find("valve", "(") == find("valve", "un") == ["valve"]
    assert find("ing", "nurs") == ["ing"]
    for word, before in (("nurse", "("), ("ing", "a ")):
        with pytest.raises(ValueError, match=f"one token, found '{space}{word}', which is"):
            find(word, before)


def test_at_the_start_of_a_text_a_word_is_what_the_tokenizer_begins_with(byte_level, sentence_piece):
    assert byte_level.convert_ids_to_tokens(find_single_tokens("valve", byte_level, before="")) == ["valve"]
    assert sentence_piece.convert_ids_to_tokens(find_single_tokens("valve", sentence_piece, before="")) == [
        "▁valve"
    ]
    # behind a line end no space is left for the word
    assert byte_level.convert_ids_to_tokens(find_single_tokens("valve", byte_level, before="A\n")) == [
        "valve"
    ]


def test_with_word_pieces_the_place_does_not_matter(tiny):
    for before in ("", " ", "(", "un", "\n"):
        assert find_single_tokens(["film", " good"], tiny, before=before) == [8, 10]


def test_each_mask_takes_the_token_of_its_own_place(byte_level):
    config = BertConfig(vocab_size=len(byte_level), hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
    texts = ["a <mask> (<mask>", "<mask> <mask>"]
    masks = fill_masks(texts, model=BertForMaskedLM(config).eval(), tokenizer=byte_level, targets="valve")
    assert [[c.token for (c,) in mask] for mask in masks] == [["Ġvalve", "valve"], ["valve", "Ġvalve"]]
    assert masks[0][0][0].text == "a valve (<mask>" and masks[0][1][0].text == "a <mask> (valve"


@pytest.mark.parametrize("target", ["[MASK]", "[UNK]", "[SEP]", "platypus", "", "  "])
def test_targets_that_are_no_words_are_refused(model, tiny, target):
    with pytest.raises(ValueError, match="expected words that are one token, found .*, which is") as caught:
        fill_masks("the [MASK]", model=model, tokenizer=tiny, targets=["good", target])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("before", ["", " ", "("])
@pytest.mark.parametrize("kind", ["byte_level", "sentence_piece"])
def test_a_word_that_the_vocabulary_lacks_is_refused_in_every_place(kind, before, request):
    for word in ("<mask>", "<unk>", "zzz", "好", "", " "):
        with pytest.raises(ValueError, match="expected words that are one token"):
            find_single_tokens(word, request.getfixturevalue(kind), before=before)


def test_a_string_is_one_target_and_not_its_letters(model, tiny):
    ((found,),) = fill_masks("the [MASK]", model=model, tokenizer=tiny, targets="good")
    assert found == fill_masks("the [MASK]", model=model, tokenizer=tiny, targets=["good"])[0][0]
    assert [c.token for c in found] == ["good"]
    ((found,),) = fill_masks("the [MASK]", model=model, tokenizer=tiny, targets=["good", " good"])
    assert len(found) == 1


def test_an_added_token_is_a_target_wherever_it_stands(byte_level):
    byte_level.add_tokens(["wow"])
    for before in ("", " ", "("):
        assert find_single_tokens("wow", byte_level, before=before) == [len(byte_level) - 1]


def test_rows_of_the_model_without_a_token_are_no_candidates(model, tiny):
    torch.manual_seed(0)
    config = BertConfig(vocab_size=24, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    padded = BertForMaskedLM(config).eval()
    ((found,),) = fill_masks("the [MASK]", model=padded, tokenizer=tiny, top_k=18)
    assert {c.token_id for c in found} == set(range(18)) and None not in {c.token for c in found}
    assert sum(c.probability for c in found) < 1  # among all 24
    with pytest.raises(ValueError, match=r"top_k must be in \[1, 18\], got 19"):
        fill_masks("the [MASK]", model=padded, tokenizer=tiny, top_k=19)


def test_tokens_that_the_model_lacks_are_no_candidates(model):
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["wow"])
    with pytest.raises(ValueError, match=r"top_k must be in \[1, 18\], got 19"):
        fill_masks("the [MASK]", model=model, tokenizer=tokenizer, top_k=19)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"texts": ["the [MASK]", None]}, "expected texts, found NoneType at position 1: None"),
        ({"texts": 7}, "expected texts, found int at position 0: 7"),
        ({"texts": "[MASK]", "targets": []}, "expected at least one target, found none"),
        ({"texts": "[MASK]", "targets": [3]}, "expected texts, found int"),
    ],
)
def test_what_is_no_text_is_refused(model, tiny, options, message):
    with pytest.raises(ValueError, match=message):
        fill_masks(**options, model=model, tokenizer=tiny)


def test_a_tokenizer_without_a_mask_token_is_refused(model):
    tokenizer = tiny_tokenizer()
    tokenizer.mask_token = None
    with pytest.raises(ValueError, match="expected a tokenizer with a mask token, found none"):
        fill_masks("the [MASK]", model=model, tokenizer=tokenizer)


def test_a_tokenizer_without_padding_serves_too(model, tiny):
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = None
    texts = ["the [MASK]", "a [MASK] was good"]
    found, expected = (fill_masks(texts, model=model, tokenizer=t) for t in (tokenizer, tiny))
    assert [c.token for ((c, *_),) in found] == [c.token for ((c, *_),) in expected]
