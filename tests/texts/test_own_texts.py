import json
import warnings

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmtutor import Doubt, load_texts, split_chunks, split_texts
from mlmtutor.texts import own_texts
from mlmtutor.texts.own_texts import read_source


@pytest.fixture
def hub(monkeypatch):
    """A Hub of data sets in memory, by name; it notes what it was asked for."""
    datasets, asked = {}, []

    def load(name, *, split=None, config=None):
        asked.append((name, split, config))
        return datasets[name]

    monkeypatch.setattr(own_texts, "load_hub_dataset", load)
    return datasets, asked


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_rows_of_a_table_are_texts(tmp_path, suffix):
    path = tmp_path / f"table.{suffix}"
    rows = [{"id": 1, "body": 'one "quoted",\nline'}, {"id": 2, "body": None}, {"id": 3, "body": "三"}]
    if suffix == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        getattr(Dataset.from_list(rows), f"to_{suffix}")(path)
    texts = load_texts(path, text_column="body")
    assert texts.column_names == ["text"]
    assert texts["text"][:] == ['one "quoted",\nline', "三"]


def test_mini_texts_are_the_offline_reviews():
    texts = load_texts("mini")
    assert texts.column_names == ["text"]
    assert len(texts) == 25_000


def test_mini_texts_come_without_line_breaks_and_this_is_said():
    reading = read_source("mini")
    assert not any("<br" in text for text in reading.texts)
    assert str(reading) == "25,000 texts; line breaks of web pages (<br />) taken out"
    assert reading.describe()["without_breaks"]


def test_texts_with_html_are_loaded_with_a_warning(tmp_path):
    (tmp_path / "a.txt").write_text("One.<br />Two.")
    (tmp_path / "b.txt").write_text("Three.")
    with pytest.warns(Doubt, match="1 of 2 texts contain HTML such as <br />") as caught:
        assert load_texts(tmp_path)["text"][0] == "One.<br />Two."
    assert caught[0].filename == __file__


def test_ordinary_files_give_no_warning_and_doubtful_ones_do(tmp_path):
    (tmp_path / "a.txt").write_text("One.\nTwo.")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_texts(tmp_path)) == 2
    (tmp_path / "b.docx").touch()
    with pytest.warns(UserWarning, match=r"what may hold texts was not read: 1 .docx \(b.docx\)") as caught:
        load_texts(tmp_path)
    assert caught[0].filename == __file__


def test_encoding_and_cut_reach_the_files(tmp_path):
    (tmp_path / "a.txt").write_bytes("第一段。\n\n第二段。".encode("gbk"))
    assert load_texts(tmp_path / "a.txt", encoding="gbk", cut="paragraphs")["text"][:] == [
        "第一段。",
        "第二段。",
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "expected a file, a folder, 'mini', 'mini-zh' or owner/name, found ''"),
        ("  \t", "expected a file, a folder, 'mini', 'mini-zh' or owner/name"),
        ("-", "standard input"),
        ("https://example.org/a.txt", "found the address .*: download it first"),
        ("hf://datasets/owner/name", "found the address"),
        ("s3://bucket/key", "found the address"),
        ("texts/*.txt", "found the pattern 'texts/\\*.txt': give the folder"),
        ("data-?/name", "found the pattern"),
        ("one/", "expected a file or folder with texts, found no 'one/'"),
        ("my_texts/", "found no 'my_texts/': did you mean 'my_text'"),
        ("./one", "found no './one'"),
        ("../one/two", "found no '../one/two'"),
        ("/nowhere/at/all", "found no '/nowhere/at/all'"),
        ("a/b/c", "found no 'a/b/c'"),
        ("one", "found no 'one'"),
        ("my/book.txt", "found no 'my/book.txt'"),
        ("my/table.CSV.gz", "found no 'my/table.CSV.gz'"),
        ("~/no_such_folder/x.txt", "found no .*no_such_folder/x.txt"),
        ("my_text/revews", "found no 'my_text/revews' in the folder 'my_text'"),
        ("x" * 10_000, "x"),
        ("a\0b", "found no"),
    ],
)
def test_what_is_no_hub_id_is_never_asked_of_the_hub(tmp_path, monkeypatch, hub, source, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_text").mkdir()
    with pytest.raises((ValueError, OSError), match=message) as caught:
        load_texts(source)
    assert hub[1] == []
    assert len(str(caught.value)) <= 300


def test_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.txt").write_text("A.\nB.")
    assert len(load_texts("~/a.txt")) == 2


def test_hub_data_set_is_read_and_told(hub):
    datasets, asked = hub
    datasets["owner/notes"] = Dataset.from_dict({"id": [1, 2, 3], "body": ["A. ", None, " "]})
    reading = read_source("owner/notes", text_column="body", split="test", config="clean")
    assert asked == [("owner/notes", "test", "clean")]
    assert reading.texts == ["A. "]
    assert str(reading) == "1 text, 2 empty"
    assert reading.source == "owner/notes (clean, test)"
    assert load_texts("owner/notes", text_column="body").column_names == ["text"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Text": ["A."]}, r"expected the column 'text' in the data set 'owner/notes', found 'Text': did you mean"),
        ({"text": [["A."]]}, "column 'text' of the data set 'owner/notes', found List"),
        ({"text": [{"a": "A."}]}, "found {'a': Value"),
        ({"text": [1, 2]}, "found Value\\('int64'\\)"),
        ({"text": [None, " "]}, "expected texts in the split 'train' of the data set 'owner/notes', found it empty"),
        ({"text": []}, "found it empty"),
    ],
)  # fmt: skip
def test_hub_column_without_texts_is_an_error(hub, values, message):
    hub[0]["owner/notes"] = Dataset.from_dict(values)
    with pytest.raises(ValueError, match=message) as caught:
        load_texts("owner/notes")
    assert len(str(caught.value)) <= 300


def test_options_for_another_kind_of_source_are_an_error(tmp_path, hub):
    (tmp_path / "a.txt").write_text("A.")
    with pytest.raises(ValueError, match="expected a data set of the Hub for config='clean'"):
        load_texts(tmp_path / "a.txt", config="clean")
    with pytest.raises(
        ValueError, match="expected files for encoding='gbk', found the data set 'owner/notes'"
    ):
        load_texts("owner/notes", encoding="gbk")


def test_no_review_is_in_two_splits_not_even_as_a_copy(reviews):
    """Mistake 10."""
    assert len(set(reviews["text"][:])) < len(reviews)  # there are copies
    parts = split_texts(reviews, test_size=2000, seed=0)
    train, test = set(parts["train"]["text"][:]), set(parts["test"]["text"][:])
    assert not train & test
    assert len(test) == 2000
    assert train | test == set(reviews["text"][:])


def test_splits_depend_on_the_seed(reviews):
    few = reviews.select(range(100))
    zero, again, one = (split_texts(few, test_size=0.2, seed=s)["test"]["text"][:] for s in (0, 0, 1))
    assert zero == again != one


def test_chunk_split_is_that_of_the_original_notebook():
    chunks = Dataset.from_dict({"input_ids": np.arange(300).reshape(100, 3)})
    ours = split_chunks(chunks, train_size=20, test_size=5)
    theirs = chunks.train_test_split(train_size=20, test_size=5, seed=123)
    assert ours["test"][:] == theirs["test"][:]
    assert ours["train"][:] == theirs["train"][:]


def test_size_beyond_the_texts_counts_the_copies():
    copies = Dataset.from_dict({"text": ["a", "b", "c"] * 10})
    message = "expected at least 4 for test_size=3 and train_size=None, found 3 texts without 27 copies: ask for less"
    with pytest.raises(ValueError, match=message):
        split_texts(copies, test_size=3, seed=0)
    with pytest.raises(
        ValueError, match="expected at least 12 for test_size=2 and train_size=10, found 9 chunks"
    ):
        split_chunks(Dataset.from_dict({"input_ids": [[1]] * 9}), train_size=10, test_size=2)


@pytest.mark.parametrize("size", [0, -1, 1.0, 1.5, 0.0, -0.1, float("nan"), float("inf"), True, "10", None])
def test_size_out_of_range_is_an_error_in_own_words(size):
    texts = Dataset.from_dict({"text": list("abcdefghij"), "input_ids": [[1]] * 10})
    with pytest.raises(ValueError, match="test_size must be a whole number from 1, or a share"):
        split_texts(texts, test_size=size, seed=0)
    with pytest.raises(ValueError, match="size must be a whole number from 1, or a share"):
        split_chunks(texts, train_size=size if size is not None else 0, test_size=2)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    number=st.integers(0, 12),
    test=st.integers(1, 14) | st.floats(0.01, 0.99),
    train=st.none() | st.integers(1, 14) | st.floats(0.01, 0.99),
)
def test_every_size_splits_or_is_an_error_in_own_words(number, test, train):
    texts = Dataset.from_dict({"text": [str(i) for i in range(number)]})
    try:
        parts = split_texts(texts, test_size=test, train_size=train, seed=0)
    except ValueError as error:
        assert str(error).startswith("expected at least")
    else:
        assert min(map(len, parts.values())) >= 1


def test_data_set_without_texts_cannot_be_split():
    with pytest.raises(ValueError, match=r"expected a data set with the column 'text', found \['body'\]"):
        split_texts(Dataset.from_dict({"body": ["a", "b"]}), test_size=1, seed=0)
