import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmtutor import chunk_texts
from mlmtutor.texts.segmenters import find_segments, load_segmenter, starts_from_segments

repeatable = settings(deadline=None, derandomize=True, max_examples=50)


def test_chinese_words_come_from_the_segmenter(bert_tokenizer):
    """Mistake 24: without a segmenter every character is its own word."""
    import jieba

    jieba.setLogLevel("ERROR")
    text = "我喜欢看电影"
    encoding = bert_tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
    special = np.array(encoding.special_tokens_mask, dtype=bool)
    starts = starts_from_segments(text, encoding.offset_mapping, is_special=special, segmenter=jieba.cut)
    first = [encoding.offset_mapping[i][0] for i in np.flatnonzero(starts)]
    assert [text[i:j] for i, j in zip(first, [*first[1:], len(text)], strict=True)] == list(jieba.cut(text))
    assert len(first) < len(text)


def test_segmenter_that_invents_words_is_an_error():
    with pytest.raises(
        ValueError, match="words of the text in order and unchanged, found 'x', which does not follow"
    ):
        starts_from_segments("ab", [(0, 1)], is_special=np.array([False]), segmenter=lambda text: ["x"])


def test_tokens_outside_every_segment_stand_alone():
    starts = starts_from_segments(
        "a-b", [(0, 1), (1, 2), (2, 3)], is_special=np.zeros(3, dtype=bool), segmenter=lambda text: ["a", "b"]
    )
    assert starts.tolist() == [True, True, True]


@pytest.mark.parametrize(
    ("segmenter", "found"),
    [
        (lambda text: [(word, "n") for word in text.split()], "tuple .* for a string"),
        (lambda text: [word.encode() for word in text.split()], "bytes b'Old' for a string"),
        (lambda text: text.split()[1:], "none that holds 'Old'"),
        (lambda text: text.split()[:-1], "none that holds 'again.'"),
        (lambda text: [word for word in text.split() if word != "films"], "none that holds 'films'"),
        (lambda text: text.split() * 2, "'Old', which does not follow"),
        (lambda text: text.lower().split(), "'old', which does not follow"),
        (lambda text: text.split()[::-1], "none that holds 'Old films'"),
        (lambda text: text, "one str .* for a list"),
        (lambda text: text.encode(), "one bytes .* for a list"),
        (lambda text: None, "TypeError: 'NoneType' object is not iterable"),
        (lambda text: 1 / 0, "ZeroDivisionError"),
        (lambda text: (1 / 0 for _ in text), "ZeroDivisionError"),
    ],
)
def test_what_is_not_the_words_of_a_text_is_an_error(segmenter, found):
    with pytest.raises(
        ValueError, match=f"in order and unchanged, found {found}.* for 'Old films again.'"
    ) as error:
        find_segments("Old films again.", segmenter)
    assert len(str(error.value)) <= 300


def test_a_long_text_is_quoted_in_part():
    with pytest.raises(ValueError, match="found 'no'") as error:
        find_segments("film " * 1000, lambda text: ["no"])
    assert len(str(error.value)) < 250


def test_generators_and_words_with_white_space_are_taken():
    with_space = [0, 0, -1, 1, 1, 1]
    assert find_segments("an old", lambda text: iter(["an ", "old"])).tolist() == with_space
    assert find_segments("an old", lambda text: ["an", " ", "old"]).tolist() == [0, 0, -1, 2, 2, 2]
    assert find_segments("New York", lambda text: [text]).tolist() == [0, 0, 0, -1, 0, 0, 0, 0]
    assert find_segments("", lambda text: []).tolist() == []


@pytest.mark.parametrize(
    ("words", "offsets", "expected"),
    [
        (["the", "films"], [(0, 3), (3, 8), (8, 9)], [1, 1, 0]),  # a piece with the space before it
        (["the", " ", "films"], [(0, 3), (3, 8), (8, 9)], [1, 1, 0]),
        (["the", "films"], [(0, 4), (4, 8), (8, 9)], [1, 1, 0]),  # with the space behind it
        (["the", "films"], [(0, 3), (3, 4), (4, 8), (8, 9)], [1, 1, 0, 0]),  # the space as a piece of its own
        (["the", "films"], [(0, 0), (0, 3), (4, 9)], [1, 0, 1]),  # a piece without characters
        (["the films"], [(0, 3), (3, 8), (8, 9)], [1, 0, 0]),  # a word with a space in it
        (
            ["the", "film", "s"],
            [(0, 3), (4, 6), (6, 9)],
            [1, 1, 0],
        ),  # a piece that reaches into the next word
        (["the", "films"], [(0, 3), (4, 5), (4, 5), (5, 9)], [1, 1, 0, 0]),  # bytes of one character
    ],
)
def test_pieces_are_told_by_their_characters(words, offsets, expected):
    special = np.zeros(len(offsets), dtype=bool)
    starts = starts_from_segments("the films", offsets, is_special=special, segmenter=lambda text: words)
    assert starts.tolist() == [bool(flag) for flag in expected]


@repeatable
@given(st.lists(st.text("ab看。 \n", min_size=1, max_size=4), max_size=8))
def test_a_word_begins_where_a_segment_does(words):
    """Whatever the words, as many words begin, where each character is a token."""
    text = "".join(words)
    offsets = [(i, i + 1) for i in range(len(text))]
    starts = starts_from_segments(
        text, offsets, is_special=np.zeros(len(text), dtype=bool), segmenter=lambda _: words
    )
    expected = sum(not word.isspace() for word in words)
    trailing = len(text) - len(text.rstrip())  # white space that no word follows stands alone
    assert starts.sum() == expected + trailing


def test_jieba_is_loaded_in_silence(capfd):
    assert "".join(load_segmenter("jieba")("我们看电影")) == "我们看电影"
    assert capfd.readouterr() == ("", "")


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "jieba", None)
    with pytest.raises(ImportError, match=r"cannot import the segmenter 'jieba': .*pip install jieba"):
        load_segmenter("jieba")


def test_a_function_of_ones_own_is_found_and_tried(tmp_path, monkeypatch):
    (tmp_path / "my_cutter.py").write_text(
        "def cut(text): return text.split()\ndef bad(text): return text.upper()"
    )
    (tmp_path / "my_broken.py").write_text("def cut(:")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("my_cutter:cut", "my_cutter.cut"):
        assert load_segmenter(name)("a b") == ["a", "b"]
    with pytest.raises(ValueError, match="segmenter in 'my_cutter:bad', found that it fails a test"):
        load_segmenter("my_cutter:bad")
    with pytest.raises(ImportError, match="cannot import the segmenter 'my_broken:cut'"):
        load_segmenter("my_broken:cut")


@pytest.mark.parametrize("name", ["", "x", "a:b:c", "..x", ":x", "a b.c"])
def test_what_is_no_name_is_an_error(name):
    with pytest.raises(
        ValueError, match="expected the segmenter 'jieba' or 'package.module:function', found"
    ):
        load_segmenter(name)


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("math:pi", ValueError, "found float"),
        ("math:cut", ImportError, "no attribute 'cut'"),
        ("jieba:tokenize", ValueError, "tuple"),
        ("jieba.posseg:cut", ValueError, "pair"),
    ],
)
def test_what_cuts_no_texts_is_an_error(name, kind, found):
    with pytest.raises(kind, match=found) as error:
        load_segmenter(name)
    assert len(str(error.value)) <= 300


def test_pieces_with_a_space_before_them_keep_to_their_word():
    """SentencePiece writes the space into the piece behind it."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces = ["<unk>", "▁", "▁看", "电", "影", "▁的", "看"]
    backend = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, mask_token="<mask>")
    dataset = chunk_texts(
        ["看电影 的电影"], tokenizer, chunk_size=6, segmenter=lambda text: ["看", "电影", " ", "的", "电影"]
    ).dataset
    assert tokenizer.convert_ids_to_tokens(dataset["input_ids"][0]) == ["▁看", "电", "影", "▁的", "电", "影"]
    assert dataset["word_starts"][0] == [True, True, False, True, True, False]
