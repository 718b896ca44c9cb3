import itertools
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmtutor import ChunkRows, chunk_texts, split_into_chunks
from mlmtutor.testing import tiny_tokenizer

TEXTS = ["the film was good", "films", "the actor was bad . the film is good", "a a"]


def chunk_as_the_original_does(texts, tokenizer, *, chunk_size=128, batch_size=1000):
    """The original notebook's recipe: tokenise, join lists per 1,000 reviews, cut, drop the rest."""
    chunks = []
    for start in range(0, len(texts), batch_size):
        ids = tokenizer(texts[start : start + batch_size], verbose=False)["input_ids"]
        joined = list(itertools.chain.from_iterable(ids))
        end = len(joined) // chunk_size * chunk_size
        chunks += [joined[i : i + chunk_size] for i in range(0, end, chunk_size)]
    return np.array(chunks)


@pytest.fixture(scope="module")
def imdb_chunks(reviews, bert_tokenizer):
    return chunk_texts(reviews["text"], bert_tokenizer)


def test_first_three_reviews_give_800_tokens_and_seven_pieces(reviews, bert_tokenizer):
    lengths = [len(ids) for ids in bert_tokenizer(reviews["text"][:3], verbose=False)["input_ids"]]
    assert lengths == [363, 304, 133]
    kept = chunk_texts(reviews["text"][:3], bert_tokenizer, tail="keep")
    assert (kept.num_tokens, len(kept.dataset), kept.num_dropped) == (800, 7, 0)
    assert (np.array(kept.dataset["input_ids"][-1]) != bert_tokenizer.pad_token_id).sum() == 32


def test_imdb_train_gives_the_originals_chunks_token_for_token(imdb_chunks, reviews, bert_tokenizer):
    expected = chunk_as_the_original_does(reviews["text"][:], bert_tokenizer)
    assert len(imdb_chunks.dataset) == 61_291
    assert np.array_equal(ChunkRows(imdb_chunks.dataset)[:]["input_ids"], expected)
    assert imdb_chunks.num_tokens - imdb_chunks.num_dropped == expected.size


@pytest.mark.slow
def test_imdb_train_needs_under_300_mb_of_extra_memory(reviews, bert_tokenizer):
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    texts = reviews["text"]
    before, peak, done = resident(), [0], threading.Event()

    def watch():
        while not done.is_set():
            peak[0] = max(peak[0], resident())
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        chunk_texts(texts, bert_tokenizer)
    finally:
        done.set()
        watcher.join()
    assert (peak[0] - before) / 1e6 < 300


def test_joining_texts_takes_linear_time(tiny):
    """Mistake 11: adding lists up one by one copies the first of 100,000 texts 100,000 times."""
    began = time.monotonic()
    chunks = chunk_texts(["the film was good"] * 100_000, tiny, boundary="corpus")
    assert len(chunks.dataset) == 600_000 // 128
    assert time.monotonic() - began < 20


def test_stored_columns_are_what_is_needed(imdb_chunks):
    assert imdb_chunks.dataset.column_names == ["input_ids", "text_index"]
    assert imdb_chunks.dataset.data.nbytes < 61_291 * 129 * 4 * 1.01


@pytest.mark.parametrize("tail", ["drop", "keep"])
@pytest.mark.parametrize("boundary", ["group", "corpus", "text"])
def test_no_token_is_lost_unreported(tiny, boundary, tail):
    """Mistake 12: remainders dropped once per map batch, unnoticed."""
    chunks = chunk_texts(TEXTS, tiny, chunk_size=4, boundary=boundary, group_size=2, tail=tail)
    ids = np.array(chunks.dataset["input_ids"][:])
    kept = int((ids != tiny.pad_token_id).sum())
    assert chunks.num_tokens == sum(len(ids) for ids in tiny(TEXTS)["input_ids"])
    assert kept + chunks.num_dropped == chunks.num_tokens
    assert (chunks.num_dropped == 0) == (tail == "keep")


def test_boundaries_are_respected(tiny):
    joined = [list(itertools.chain(*tiny(part)["input_ids"])) for part in (TEXTS[:2], TEXTS[2:], TEXTS)]
    group = chunk_texts(TEXTS, tiny, chunk_size=4, boundary="group", group_size=2).dataset["input_ids"][:]
    corpus = chunk_texts(TEXTS, tiny, chunk_size=4, boundary="corpus", group_size=2).dataset["input_ids"][:]
    text = chunk_texts(TEXTS, tiny, chunk_size=4, boundary="text").dataset
    assert group == [chunk for part in joined[:2] for chunk in split_into_chunks(part, chunk_size=4)]
    assert corpus == split_into_chunks(joined[2], chunk_size=4)
    each = [split_into_chunks(ids, chunk_size=4) for ids in tiny(TEXTS)["input_ids"]]
    assert text["input_ids"][:] == list(itertools.chain(*each))
    assert text["text_index"][:] == [i for i, chunks in enumerate(each) for _ in chunks]


def test_text_index_names_the_text_of_the_first_token(tiny):
    chunks = chunk_texts(TEXTS, tiny, chunk_size=4, boundary="corpus").dataset
    owner = [i for i, ids in enumerate(tiny(TEXTS)["input_ids"]) for _ in ids]
    assert chunks["text_index"][:] == owner[: len(chunks) * 4 : 4]


def test_texts_without_a_token_of_their_own_are_harmless(tiny):
    assert len(chunk_texts(["", "the film was good", ""], tiny, chunk_size=2).dataset) == 5


def test_nothing_long_enough_gives_no_chunk_and_says_so(tiny):
    chunks = chunk_texts(["film"], tiny, chunk_size=8)
    assert (len(chunks.dataset), chunks.num_dropped) == (0, 3)


def test_truncation_of_the_tokenizer_is_neither_used_nor_changed():
    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.enable_truncation(2)
    assert chunk_texts(["the film was good"], tokenizer, chunk_size=2).num_tokens == 6
    assert tokenizer.backend_tokenizer.truncation["max_length"] == 2


def test_word_starts_are_stored_for_other_tokenizers(tiny):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.Unigram([("<unk>", 0.0), ("film", -1.0), ("s", -1.0), ("a", -1.0)], unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    unigram = PreTrainedTokenizerFast(tokenizer_object=backend, mask_token="<mask>")
    dataset = chunk_texts(["films a"], unigram, chunk_size=3).dataset
    assert dataset["word_starts"][:] == [[True, False, True]]


def test_segmenter_decides_the_words(bert_tokenizer):
    dataset = chunk_texts(
        ["看电影"], bert_tokenizer, chunk_size=5, segmenter=lambda text: ["看", "电影"]
    ).dataset
    assert dataset["word_starts"][:] == [[False, True, True, False, False]]


def test_rows_follow_a_selection_of_the_data_set(tiny):
    dataset = chunk_texts(TEXTS * 3, tiny, chunk_size=4).dataset
    some = dataset.select([5, 2, 3])
    rows = ChunkRows(some, epoch=7).__getitems__([2, 0])
    assert rows["input_ids"].tolist() == [dataset[3]["input_ids"], dataset[5]["input_ids"]]
    assert rows["index"].tolist() == [2, 0]
    assert rows["epoch"] == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chunk_size": 0}, "chunk_size must be at least 1, got 0"),
        ({"group_size": 0}, "group_size must be at least 1"),
        ({"chunk_size": 10**20}, "chunk_size must be at most 2147483647, got 1000"),
        ({"boundary": "page"}, "boundary must be .* got 'page'"),
        ({"tail": "pad"}, "tail must be .* got 'pad'"),
    ],
)
def test_options_out_of_range_are_an_error(tiny, options, message):
    with pytest.raises(ValueError, match=message):
        chunk_texts(TEXTS, tiny, **options)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ("one", "one string"),
        ([], "none"),
        (["a", None], "row 1, found NoneType: None"),
        ([("a", "b")], "row 0, found tuple"),
        ([b"a"], "row 0, found bytes"),
    ],
)
def test_what_is_not_texts_is_an_error(tiny, texts, found):
    with pytest.raises(ValueError, match=found):
        chunk_texts(texts, tiny)


def test_keeping_tails_needs_a_padding_token():
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = None
    with pytest.raises(ValueError, match="needs a tokenizer with a padding token"):
        chunk_texts(TEXTS, tokenizer, tail="keep")


@pytest.mark.parametrize("boundary", ["group", "corpus", "text"])
def test_chunks_on_disk_are_those_in_memory(tiny, tmp_path, boundary):
    in_memory, on_disk = (
        chunk_texts(TEXTS, tiny, chunk_size=4, group_size=2, boundary=boundary, tail="keep", directory=where)
        for where in (None, tmp_path)
    )
    assert str(on_disk) == str(in_memory)
    assert on_disk.dataset[:] == in_memory.dataset[:]


def test_rows_of_chunks_on_disk_stay_there(tiny, tmp_path):
    rows = ChunkRows(chunk_texts(TEXTS, tiny, chunk_size=4, directory=tmp_path).dataset)
    maps = [
        line.split("-") for line in Path("/proc/self/maps").read_text().splitlines() if str(tmp_path) in line
    ]
    address = rows.columns["input_ids"].ctypes.data
    assert any(int(begin, 16) <= address < int(rest.split()[0], 16) for begin, rest, *_ in maps)
    assert list(tmp_path.iterdir()) == []  # the file has no name


def test_a_directory_that_is_not_there_is_an_error(tiny, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        chunk_texts(TEXTS, tiny, directory=tmp_path / "nowhere")


def test_a_row_is_named_by_its_number_among_all_texts(tiny):
    with pytest.raises(ValueError, match="expected a text in row 5, found float: nan"):
        chunk_texts(["film"] * 5 + [float("nan")], tiny, group_size=2)
    with pytest.raises(
        ValueError, match=r"expected Unicode in row 3, found half a character, '\\ud83d', at 2"
    ):
        chunk_texts(["film"] * 3 + ["a \ud83d!"], tiny, group_size=2)


@pytest.mark.parametrize("text", ["a [MASK] [SEP] film [CLS]", "[PAD][UNK]"])
def test_special_tokens_typed_in_a_text_are_words(tiny, bert_tokenizer, text):
    for tokenizer in (tiny, bert_tokenizer):
        row = chunk_texts([text], tokenizer, chunk_size=4, tail="keep", boundary="text").dataset
        ids = [i for chunk in row["input_ids"] for i in chunk if i != tokenizer.pad_token_id]
        special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
        assert [i for i in ids if i in special] == [tokenizer.cls_token_id, tokenizer.sep_token_id]
        assert tokenizer.mask_token_id in tokenizer("[MASK]").input_ids  # the tokenizer itself is as it was


def test_a_typed_special_token_is_no_piece_of_a_unigram_model_either():
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces = ["<unk>", "<s>", "<mask>", "▁", "▁film", "<", ">", "s", "mask"]
    backend = Tokenizer(models.Unigram([(piece, -1.0 * (i > 2)) for i, piece in enumerate(pieces)], unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", bos_token="<s>", mask_token="<mask>"
    )
    dataset = chunk_texts(["film <s> <mask>"], tokenizer, chunk_size=9).dataset
    assert "".join(tokenizer.convert_ids_to_tokens(dataset["input_ids"][0])) == "▁film▁<s>▁<mask>"


def test_special_tokens_that_were_added_keep_their_meaning_in_texts():
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"extra_special_tokens": ["<person>"]})
    dataset = chunk_texts(["the <person> was"], tokenizer, chunk_size=5).dataset
    assert dataset["input_ids"][0] == [2, 5, 18, 12, 3]


@pytest.mark.parametrize("texts", [["看电影很好看" * 40], ["x" * 1000], [""] * 1000, ["😀 😂"] * 100])
def test_nothing_but_special_and_unknown_tokens_is_an_error(tiny, texts):
    with pytest.raises(
        ValueError, match="all of them special or unknown to this tokenizer of 18 tokens"
    ) as error:
        chunk_texts(texts, tiny, chunk_size=4)
    assert len(str(error.value)) <= 300


def test_a_short_text_may_be_unknown(tiny):
    assert chunk_texts(["看"], tiny, chunk_size=3).dataset["input_ids"][0] == [2, 1, 3]


def test_signs_that_the_tokenizer_drops_are_told(bert_tokenizer, recwarn):
    chunk_texts(["Le café était fermé à Noël, hélas."] * 20, bert_tokenizer, chunk_size=8)
    assert not recwarn.list
    with pytest.warns(UserWarning, match="drops 21% of their letters, accents and vowel signs: take a model"):
        chunk_texts(["हिन्दी में लिखा हुआ पाठ"] * 20, bert_tokenizer, chunk_size=8)


@pytest.mark.parametrize(
    "odd", ["\x00", "\ufeff", "\u2028", "\u200d", "\x1b[0m", "\ufdd0", "\uffff", "e\u0301", "\r"]
)
def test_odd_characters_are_harmless(bert_tokenizer, odd):
    clean, mixed = (
        chunk_texts([text], bert_tokenizer, chunk_size=2) for text in ("the film", f"the{odd} film{odd}")
    )
    assert mixed.num_tokens >= clean.num_tokens
    assert mixed.num_dropped < 2


@settings(deadline=None, derandomize=True, max_examples=50)
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=8),
    chunk_size=st.integers(1, 9),
    group_size=st.integers(1, 4),
    boundary=st.sampled_from(["group", "corpus", "text"]),
    tail=st.sampled_from(["drop", "keep"]),
)
def test_tokens_kept_and_dropped_add_up_for_any_texts(
    bert_tokenizer, texts, chunk_size, group_size, boundary, tail
):
    options = {"chunk_size": chunk_size, "group_size": group_size, "boundary": boundary, "tail": tail}
    chunks = chunk_texts([*texts, "a film"], bert_tokenizer, **options)
    ids = np.array(chunks.dataset["input_ids"][:], dtype=np.int64)
    kept = int((ids != bert_tokenizer.pad_token_id).sum())
    assert chunks.num_texts == len(texts) + 1
    assert kept + chunks.num_dropped == chunks.num_tokens
    assert (chunks.num_dropped == 0) or tail == "drop"
    assert ids.size == 0 or ids.shape[1] == chunk_size
    assert bert_tokenizer.mask_token_id not in ids


@pytest.mark.parametrize(
    ("tail", "dropped", "padding"),
    [("drop", 12 / 24, 0.0), ("keep", 0.0, 4 / 28)],
)
def test_shares_of_dropped_tokens_and_of_padding(tail, dropped, padding):
    texts = ["the film was good a", "a", "the film was good the film was good a", "a"]
    chunks = chunk_texts(texts, tiny_tokenizer(), chunk_size=4, boundary="text", tail=tail)
    lengths = [len(tiny_tokenizer()(text).input_ids) for text in texts]
    assert lengths == [7, 3, 11, 3]
    assert (chunks.dropped_share, chunks.padding_share) == pytest.approx((dropped, padding))


def test_nothing_kept_is_no_padding():
    chunks = chunk_texts(["a"], tiny_tokenizer(), chunk_size=8, boundary="text")
    assert (len(chunks.dataset), chunks.dropped_share, chunks.padding_share) == (0, 1.0, 0.0)
