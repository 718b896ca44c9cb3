import copy

import hypothesis
import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import settings as run_settings
from hypothesis import strategies as st

from mlmtutor import (
    ChunkRows,
    MaskingCollator,
    MaskingSettings,
    TokenTable,
    chunk_texts,
    find_first_pieces,
    freeze_masks,
    mask_batch,
)

TOKENS = MaskingSettings(unit="token", mask_prob=0.15)
WORDS = MaskingSettings(unit="word", mask_prob=0.2)


@pytest.fixture(scope="module")
def chunks(reviews, bert_tokenizer):
    """About 2,400 chunks of real reviews."""
    return chunk_texts(reviews["text"][:1000], bert_tokenizer).dataset


@pytest.fixture(scope="module")
def table(bert_tokenizer):
    return TokenTable.from_tokenizer(bert_tokenizer)


@pytest.fixture(scope="module")
def ids(chunks):
    return ChunkRows(chunks)[:]["input_ids"]


def character_tokenizer(characters):
    """A WordPiece tokenizer that, like BERT's, makes every Chinese character a token of its own."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {
        token: i for i, token in enumerate(dict.fromkeys(["[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]))
    }
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    backend.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, mask_token="[MASK]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]"
    )


def within(share, expected, count):
    """Whether a share of ``count`` independent draws is within 5 sigma of ``expected``."""
    return abs(share - expected) <= 5 * np.sqrt(expected * (1 - expected) / count)


@pytest.mark.parametrize("settings", [TOKENS, WORDS])
def test_share_of_hidden_units_is_mask_prob(ids, table, settings):
    _, labels = mask_batch(ids, table=table, settings=settings, seed=1)
    first_pieces = find_first_pieces(ids, table=table)
    position = np.arange(ids.shape[1])
    units = first_pieces == position if settings.unit == "word" else ~table.is_special[ids]
    assert within((labels[units] >= 0).mean(), settings.mask_prob, units.sum())


@pytest.mark.parametrize("settings", [TOKENS, WORDS])
def test_hidden_tokens_are_80_10_10(ids, table, settings):
    seen, labels = mask_batch(ids, table=table, settings=settings, seed=2)
    hidden = labels >= 0
    count = hidden.sum()
    assert within((seen[hidden] == table.mask_id).mean(), 0.8, count)
    # a random token is the true one in 1 of 30,517 cases; the tolerance is far wider
    assert within((seen[hidden] == ids[hidden]).mean(), 0.1, count)


def test_ids_in_another_order_of_memory_are_hidden_alike(ids, table):
    for order in (np.asfortranarray(ids), ids.astype(np.int64), ids[::-1][::-1]):
        for ours, expected in zip(
            mask_batch(order, table=table, settings=WORDS, seed=3),
            mask_batch(ids, table=table, settings=WORDS, seed=3),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, expected)


def test_labels_are_set_only_where_hidden(ids, table):
    """Mistake 1: labels built but not assigned gave a loss on every token."""
    seen, labels = mask_batch(ids, table=table, settings=WORDS, seed=3)
    hidden = labels != -100
    assert 0.1 < hidden.mean() < 0.3
    assert (labels[hidden] == ids[hidden]).all()
    assert (seen[~hidden] == ids[~hidden]).all()


def test_all_pieces_of_a_word_are_hidden_together(ids, table):
    _, labels = mask_batch(ids, table=table, settings=WORDS, seed=4)
    first_pieces = find_first_pieces(ids, table=table)
    pieces = first_pieces >= 0
    of_first = np.take_along_axis(labels >= 0, np.maximum(first_pieces, 0), axis=1)
    assert ((labels >= 0)[pieces] == of_first[pieces]).all()
    assert (labels[~pieces] == -100).all()


def test_replacement_can_be_drawn_once_per_word(ids, table):
    settings = MaskingSettings(replace_by="word", mask_prob=0.5)
    seen, labels = mask_batch(ids, table=table, settings=settings, seed=5)
    first_pieces = find_first_pieces(ids, table=table)
    row, column = np.nonzero((labels >= 0) & (first_pieces < np.arange(ids.shape[1])) & (first_pieces >= 0))
    assert len(row) > 1000
    is_mask = seen == table.mask_id
    assert (is_mask[row, column] == is_mask[row, first_pieces[row, column]]).all()


def test_special_tokens_are_never_hidden(ids, table):
    for settings in (TOKENS, WORDS, MaskingSettings(mask_prob=1.0)):
        _, labels = mask_batch(ids, table=table, settings=settings, seed=6)
        assert (labels[table.is_special[ids]] == -100).all()


@pytest.mark.parametrize("settings", [TOKENS, WORDS])
def test_draw_depends_on_seed_epoch_and_row_only(chunks, bert_tokenizer, settings):
    collator = MaskingCollator(bert_tokenizer, settings=settings, seed=0)
    rows = ChunkRows(chunks, epoch=2)
    alone = collator(rows[[17]])["input_ids"][0]
    in_batch = collator(rows[[3, 17, 5]])["input_ids"][1]
    assert (alone == in_batch).all()
    other_seed = MaskingCollator(bert_tokenizer, settings=settings, seed=1)(rows[[17]])["input_ids"][0]
    rows.set_epoch(3)
    other_epoch = collator(rows[[17]])["input_ids"][0]
    assert (alone != other_seed).any()
    assert (alone != other_epoch).any()


def test_masks_do_not_depend_on_workers(chunks, bert_tokenizer):
    from torch.utils.data import DataLoader

    rows = ChunkRows(chunks.select(range(48)))
    collator = MaskingCollator(bert_tokenizer, seed=0)
    batches = [
        [batch["input_ids"] for batch in DataLoader(rows, batch_size=8, num_workers=n, collate_fn=collator)]
        for n in (0, 2)
    ]
    assert all((a == b).all() for a, b in zip(*batches, strict=True))


def test_seed_zero_is_a_seed(ids, table):
    """Mistake 23: seed=0 was ignored because it was tested for truth."""
    first, second = (mask_batch(ids[:8], table=table, settings=WORDS, seed=0)[0] for _ in range(2))
    assert (first == second).all()


def test_collator_leaves_its_input_unchanged(chunks, bert_tokenizer):
    """Mistake 2: the second call failed, and masks piled up."""
    collator = MaskingCollator(bert_tokenizer, seed=0)
    rows = [ChunkRows(chunks)[i] for i in range(4)]
    before = copy.deepcopy(rows)
    first, second = collator(rows), collator(rows)
    assert all((a["input_ids"] == b["input_ids"]).all() for a, b in zip(rows, before, strict=True))
    assert (first["input_ids"] == second["input_ids"]).all()
    assert not (first["input_ids"] != first["labels"]).all()


def test_list_of_rows_and_batch_of_rows_give_the_same(chunks, bert_tokenizer):
    rows, collator = ChunkRows(chunks), MaskingCollator(bert_tokenizer, seed=0)
    assert (collator([rows[4], rows[9]])["labels"] == collator(rows[[4, 9]])["labels"]).all()


def test_at_least_one_token_is_hidden_in_a_batch(tiny):
    """Mistake 13: nothing hidden, and the loss was NaN."""
    table = TokenTable.from_tokenizer(tiny)
    rare = MaskingSettings(mask_prob=1e-9)
    for seed in range(20):
        _, labels = mask_batch(np.array([[2, 5, 8, 3]]), table=table, settings=rare, seed=seed)
        assert (labels >= 0).sum() == 1


def test_nothing_to_hide_is_an_error(tiny):
    table = TokenTable.from_tokenizer(tiny)
    for settings in (TOKENS, WORDS):
        with pytest.raises(ValueError, match="found only special tokens in a batch of 1 x 2 .*empty"):
            mask_batch(np.array([[2, 3]]), table=table, settings=settings, seed=0)
        with pytest.raises(
            ValueError, match="only special and unknown tokens in a batch of 1 x 3 .*language"
        ):
            mask_batch(np.array([[2, 1, 3]]), table=table, settings=settings, seed=0)
    with pytest.raises(
        ValueError, match="found only pieces of words that began in the chunk before .*segmenter"
    ):
        mask_batch(np.array([[15, 16, 3]]), table=table, settings=WORDS, seed=0)


@pytest.mark.parametrize("ids", [[[2, 18, 3]], [[2, -100, 3]]])
def test_ids_of_another_tokenizer_are_an_error(tiny, ids):
    table = TokenTable.from_tokenizer(tiny)
    with pytest.raises(ValueError, match="expected token ids from 0 to 17, found .* another tokenizer"):
        mask_batch(np.array(ids), table=table, settings=TOKENS, seed=0)


@run_settings(deadline=None, derandomize=True, max_examples=50)
@given(
    ids=st.lists(st.lists(st.integers(0, 17), min_size=12, max_size=12), min_size=1, max_size=6),
    unit=st.sampled_from(["token", "word"]),
    mask_prob=st.floats(0.01, 1),
    seed=st.integers(-(2**63), 2**64),
)
def test_any_ids_are_masked_by_whole_units_and_restored_by_their_labels(tiny, ids, unit, mask_prob, seed):
    ids, table = np.array([[5, *row] for row in ids]), TokenTable.from_tokenizer(tiny)
    asked = MaskingSettings(unit=unit, mask_prob=mask_prob)
    seen, labels = mask_batch(ids, table=table, settings=asked, seed=seed)
    masked = labels != -100
    assert (np.where(masked, labels, seen) == ids).all()
    assert not masked[table.is_special[ids]].any()
    assert masked.any()
    first_pieces = find_first_pieces(ids, table=table)
    pieces = first_pieces >= 0
    if unit == "word":
        assert not masked[~pieces].any()
        of_first = np.take_along_axis(masked, np.maximum(first_pieces, 0), axis=1)
        assert (masked == of_first)[pieces].all()
    if mask_prob == 1:
        assert masked[pieces if unit == "word" else ~table.is_special[ids]].all()


def test_padding_gets_an_attention_mask_and_full_chunks_none(tiny):
    texts = ["the film was good", "films"]
    collator = MaskingCollator(tiny, seed=0)
    full = collator(ChunkRows(chunk_texts(texts, tiny, chunk_size=2).dataset)[:])
    padded = collator(ChunkRows(chunk_texts(texts, tiny, chunk_size=7, tail="keep").dataset)[:])
    assert "attention_mask" not in full
    assert padded["attention_mask"].sum() == 10
    assert (padded["labels"][padded["attention_mask"] == 0] == -100).all()


def test_rows_without_index_are_an_error(tiny):
    """Mistake 5: columns removed on the way, and an error far from the cause."""
    with pytest.raises(ValueError, match="expected rows with an 'index', found .*remove_unused_columns"):
        MaskingCollator(tiny)([{"input_ids": [2, 5, 3]}])


def test_frozen_masks_are_the_same_twice_and_differ_by_seed(chunks, bert_tokenizer):
    """Mistake 6: new masks at every evaluation."""
    few = chunks.select(range(50))
    first, again, other = (
        freeze_masks(few, tokenizer=bert_tokenizer, settings=WORDS, seed=seed) for seed in (0, 0, 1)
    )
    assert first.sha256 == again.sha256 != other.sha256
    assert (first.input_ids == again.input_ids).all()
    assert first.text_index.tolist() == few["text_index"][:]


def test_digest_of_frozen_masks_is_the_same_on_every_machine(tiny):
    chunks = chunk_texts(["the film was good"] * 20, tiny, chunk_size=8).dataset
    frozen = freeze_masks(chunks, tokenizer=tiny, settings=WORDS, seed=123)
    assert frozen.sha256 == "55bf14ef322acbe9a8d052704c9914e429a1026392229566953788a9835afae3"


def test_kinds_tell_what_stands_in_the_place_of_a_hidden_token(chunks, bert_tokenizer):
    frozen = freeze_masks(chunks, tokenizer=bert_tokenizer, settings=WORDS, seed=0)
    kinds = frozen.kinds()
    assert ((kinds > 0) == (frozen.labels >= 0)).all()
    assert (frozen.input_ids[kinds == 1] == frozen.mask_id).all()
    assert (frozen.input_ids[kinds == 3] == frozen.labels[kinds == 3]).all()
    assert (frozen.input_ids[kinds == 2] != frozen.labels[kinds == 2]).all()


def test_frozen_masks_of_nothing_are_an_error(chunks, bert_tokenizer):
    with pytest.raises(ValueError, match="at least one chunk"):
        freeze_masks(chunks.select([]), tokenizer=bert_tokenizer, settings=WORDS, seed=0)


def test_one_chinese_word_is_hidden_at_a_time():
    """Mistake 24: one draw hid a whole sentence."""
    cut = ["我们", "昨天", "去", "电影院", "看", "了", "电影"]
    tokenizer = character_tokenizer("".join(cut))
    chunks = chunk_texts(
        ["".join(cut)] * 700, tokenizer, chunk_size=14, boundary="text", segmenter=lambda text: cut
    )
    rows = ChunkRows(chunks.dataset)[:]
    _, labels = mask_batch(
        rows["input_ids"],
        table=TokenTable.from_tokenizer(tokenizer),
        settings=WORDS,
        seed=0,
        word_starts=rows["word_starts"],
    )
    hidden = labels >= 0
    assert within(hidden[rows["word_starts"]].mean(), 0.2, 4900)
    assert (hidden[:, 1] == hidden[:, 2]).all()  # 我 and 们 are one word
    assert (hidden[:, 2] != hidden[:, 3]).any()  # 们 and 昨 are not


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask_prob": 0}, r"mask_prob must be in \(0, 1\], got 0"),
        ({"unit": "letter"}, "unit must be 'token' or 'word', got 'letter'"),
        ({"replace_by": "row"}, "replace_by must be"),
        ({"mask_share": 1.2}, r"mask_share must be in \[0, 1\], got 1.2"),
        ({"mask_share": 0.8, "random_share": 0.3}, "must be at most 1, got 1.1"),
    ],
)
def test_settings_out_of_range_are_an_error(options, message):
    with pytest.raises(ValueError, match=message):
        MaskingSettings(**options)


def test_one_dimensional_input_is_an_error(tiny):
    with pytest.raises(ValueError, match="two dimensions"):
        mask_batch(np.array([2, 5, 3]), table=TokenTable.from_tokenizer(tiny), settings=WORDS, seed=0)


def make_rows(ids, **columns):
    return Dataset.from_dict({"input_ids": ids} | columns)


@pytest.mark.parametrize("lengths", [(8, 5, 14), (4, 2), (2, 4, 3), (5, 0), (0, 5), (3, 3, 3, 2, 4)], ids=str)
def test_rows_of_unequal_length_are_refused_and_never_cut_again(tiny, lengths):
    ids = [[5] * length for length in lengths]
    other = next(row for row, length in enumerate(lengths) if length != lengths[0])
    message = rf"equal length in 'input_ids', found {lengths[0]} and {lengths[other]} \(rows 0 and {other}\)"
    rows = [{"input_ids": row, "index": i, "epoch": 0} for i, row in enumerate(ids)]
    for call in (
        lambda: ChunkRows(make_rows(ids)),
        lambda: freeze_masks(make_rows(ids), tokenizer=tiny, settings=WORDS, seed=0),
        lambda: MaskingCollator(tiny)(rows),
        lambda: MaskingCollator(tiny)({"input_ids": ids, "index": np.arange(len(ids))}),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            call()
        assert len(str(caught.value)) <= 300


@hypothesis.settings(deadline=None, derandomize=True, max_examples=50)
@hypothesis.given(st.lists(st.lists(st.integers(5, 17), min_size=1, max_size=4), min_size=1, max_size=6))
def test_rows_come_back_as_they_were_or_not_at_all(ids):
    if len(set(map(len, ids))) == 1:
        assert ChunkRows(make_rows(ids))[:]["input_ids"].tolist() == ids
    else:
        with pytest.raises(ValueError, match="chunks of equal length"):
            ChunkRows(make_rows(ids))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[], []], "at least one token in 'input_ids', found 2 empty rows"),
        ([[5, 6], None], "a list in each row of 'input_ids', found none in row 1"),
        ([[5, None], [6, 7]], "a value for each token of 'input_ids', found 1 missing"),
        ([[5.0, 6.0]], "expected integers in 'input_ids', found float64"),
        ([["a", "b"]], "expected integers in 'input_ids', found object"),
        (
            ["the film", "was"],
            "expected a list of token ids in each row of 'input_ids', found the type string",
        ),
        ([5, 6], "expected a list of token ids in each row of 'input_ids', found the type int"),
        ([[[5, 6]], [[7, 8]]], "expected a list of token ids .* found the type list<"),
    ],
)
def test_rows_that_are_no_chunks_are_refused(ids, message):
    with pytest.raises(ValueError, match=message):
        ChunkRows(make_rows(ids))


def test_word_starts_of_another_length_are_refused(tiny):
    dataset = make_rows([[5, 6, 7]] * 2, word_starts=[[True, False]] * 2)
    with pytest.raises(ValueError, match="'word_starts' for each of the 3 tokens of a chunk, found 2"):
        ChunkRows(dataset)
    row = {"input_ids": [5, 6, 7], "word_starts": [True, False], "index": 0}
    with pytest.raises(ValueError, match="'word_starts' for each of the 3 tokens of a chunk, found 2"):
        MaskingCollator(tiny)([row])


def test_other_columns_may_be_of_any_kind(tiny):
    dataset = make_rows([[5, 6], [7, 8]], text=["a", "b"], words=[["a"], ["b", "c"]], score=[0.5, None])
    rows = ChunkRows(dataset)
    assert rows[:]["input_ids"].tolist() == [[5, 6], [7, 8]]
    assert MaskingCollator(tiny)(rows[:])["labels"].shape == (2, 2)
    assert MaskingCollator(tiny)([rows[0], rows[1]])["labels"].shape == (2, 2)


@pytest.mark.parametrize("ids", [[[5, -1]], [[5, 18]], [[-100, 5]]])
def test_ids_that_the_tokenizer_lacks_are_refused(tiny, ids):
    message = "expected token ids from 0 to 17, found .* another tokenizer"
    with pytest.raises(ValueError, match=message):
        freeze_masks(make_rows(ids), tokenizer=tiny, settings=WORDS, seed=0)
    with pytest.raises(ValueError, match=message):
        MaskingCollator(tiny)([{"input_ids": ids[0], "index": 0}])


def test_chunks_of_a_fixed_size_are_not_copied(tiny):
    dataset = chunk_texts(["the film was good"] * 20, tiny, chunk_size=8).dataset
    column = dataset.with_format("arrow")[:]["input_ids"].chunk(0)
    assert np.shares_memory(ChunkRows(dataset).columns["input_ids"], column.flatten().to_numpy())


def test_what_is_no_data_set_is_refused(tiny):
    for wrong in ([{"input_ids": [5, 6]}], {"input_ids": [[5, 6]]}):
        with pytest.raises(ValueError, match="expected a datasets.Dataset of chunks, found"):
            ChunkRows(wrong)
    with pytest.raises(ValueError, match=r"rows with an 'index', found \[\]"):
        MaskingCollator(tiny)([])
