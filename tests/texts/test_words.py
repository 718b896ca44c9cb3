import numpy as np
import pytest

from mlmtutor.texts.words import TokenTable, continuation_prefix, find_first_pieces, starts_from_word_ids


def first_pieces(tokenizer, text):
    ids = np.array([tokenizer(text).input_ids])
    return find_first_pieces(ids, table=TokenTable.from_tokenizer(tokenizer)).tolist()[0]


def test_pieces_share_the_head_of_their_word(tiny):
    assert first_pieces(tiny, "the films is good") == [-1, 1, 2, 2, 4, 5, -1]


def test_word_groups_restart_after_special_token(tiny):
    """Mistake 3: two one-word reviews in one chunk were masked as one word."""
    table = TokenTable.from_tokenizer(tiny)
    ids = np.array([[2, 8, 3, 2, 8, 3]])  # [CLS] film [SEP] [CLS] film [SEP]
    assert find_first_pieces(ids, table=table).tolist() == [[-1, 1, -1, -1, 4, -1]]


def test_pieces_left_over_by_a_chunk_border_have_no_head(tiny):
    """Mistake 4: a word cut by a border counted as two; here it counts where it begins."""
    table = TokenTable.from_tokenizer(tiny)
    ids = np.array([[5, 8], [15, 10], [3, 15]])  # the film | ##s good | [SEP] ##s
    assert find_first_pieces(ids, table=table).tolist() == [[0, 1], [-1, 1], [-1, -1]]


def test_word_starts_overrule_the_prefix(tiny):
    table = TokenTable.from_tokenizer(tiny)
    starts = np.array([[False, True, False, True]])
    assert find_first_pieces(np.array([[2, 5, 8, 10]]), table=table, word_starts=starts).tolist() == [
        [-1, 1, 1, 3]
    ]


def test_prefix_grouping_equals_word_ids_on_real_reviews(bert_tokenizer, reviews):
    table = TokenTable.from_tokenizer(bert_tokenizer)
    for text in reviews["text"][:200]:
        encoding = bert_tokenizer(text, verbose=False)
        by_prefix = find_first_pieces(np.array([encoding.input_ids]), table=table)
        starts = starts_from_word_ids(encoding.word_ids())
        by_ids = find_first_pieces(np.array([encoding.input_ids]), table=table, word_starts=starts[None])
        assert (by_prefix == by_ids).all()


def test_words_unknown_to_a_tokenizer_without_prefix_are_an_error(tiny):
    table = TokenTable.from_tokenizer(tiny)
    without = TokenTable(table.mask_id, table.pad_id, table.is_special, None, table.ordinary_ids)
    with pytest.raises(ValueError, match="expected word_starts"):
        find_first_pieces(np.array([[5, 8]]), table=without)


def test_tokenizer_without_mask_token_is_an_error(tiny):
    """Mistake 21: a causal checkpoint."""
    from mlmtutor.testing import tiny_tokenizer

    causal = tiny_tokenizer()
    causal.mask_token = None
    with pytest.raises(ValueError, match="expected a tokenizer with a mask token"):
        TokenTable.from_tokenizer(causal)


def test_special_and_unknown_tokens_are_never_a_replacement(tiny):
    table = TokenTable.from_tokenizer(tiny)
    assert table.ordinary_ids.tolist() == list(range(5, 18))


def test_unknown_token_is_found_where_only_the_model_knows_it():
    from tokenizers import models

    unigram = wrap(models.Unigram([("<unk>", 0.0), ("a", -1.0), ("<mask>", 0.0)], unk_id=0), mask="<mask>")
    assert unigram.unk_token_id is None
    table = TokenTable.from_tokenizer(unigram)
    assert (table.unk_id, bool(table.is_special[0]), table.ordinary_ids.tolist()) == (0, True, [1])
    word_piece = wrap(models.WordPiece({"[UNK]": 0, "a": 1, "[MASK]": 2}, unk_token="[UNK]"), mask="[MASK]")
    assert TokenTable.from_tokenizer(word_piece).unk_id == 0
    bytes_only = wrap(models.BPE({"a": 0, "<mask>": 1}, []), mask="<mask>")
    assert TokenTable.from_tokenizer(bytes_only).unk_id is None


def test_an_empty_prefix_marks_no_continuation():
    from tokenizers import models

    model = models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]", continuing_subword_prefix="")
    assert continuation_prefix(wrap(model, mask="[MASK]")) is None


def wrap(model, *, mask):
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(model), mask_token=mask)
