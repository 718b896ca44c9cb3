import json

import numpy as np
import pytest
from datasets import Dataset

from mlmtutor import load_texts, split_chunks, split_texts
from mlmtutor.texts.own_texts import read_texts


def test_paragraphs_of_a_file_are_texts(tmp_path):
    path = tmp_path / "prose.txt"
    path.write_text("One\nparagraph.\n\n  \nAnother.\n", encoding="utf-8-sig")
    assert read_texts(path) == ["One\nparagraph.", "Another."]


def test_lines_are_texts_where_no_line_is_blank(tmp_path):
    (tmp_path / "lines.txt").write_text("One.\nTwo.\n")
    assert read_texts(tmp_path / "lines.txt") == ["One.", "Two."]


def test_files_of_a_folder_are_texts(tmp_path):
    (tmp_path / "b.txt").write_text("Second.\n\nStill second.")
    (tmp_path / "a.txt").write_text("First.")
    (tmp_path / "notes.md").write_text("not read")
    assert read_texts(tmp_path) == ["First.", "Second.\n\nStill second."]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_rows_of_a_table_are_texts(tmp_path, suffix):
    path = tmp_path / f"table.{suffix}"
    rows = [{"id": 1, "body": 'one "quoted",\nline'}, {"id": 2, "body": None}, {"id": 3, "body": "三"}]
    if suffix == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        getattr(Dataset.from_list(rows), f"to_{suffix}")(path)
    assert load_texts(path, text_column="body")["text"][:] == ['one "quoted",\nline', "三"]


def test_missing_column_names_those_that_are_there(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("id,body\n1,hello\n")
    with pytest.raises(ValueError, match=r"expected the column 'text' in .*found id, body"):
        read_texts(path)


@pytest.mark.parametrize("name", ["empty.txt", "empty.csv", "empty.jsonl", "empty.parquet"])
def test_empty_file_is_an_error(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(ValueError, match="expected texts in .*found it empty"):
        read_texts(tmp_path / name)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00binary", b"PK\x00\x00"])
def test_binary_file_is_an_error(tmp_path, content):
    (tmp_path / "photo.txt").write_bytes(content)
    with pytest.raises(ValueError, match="expected UTF-8 text"):
        read_texts(tmp_path / "photo.txt")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_damaged_table_is_an_error(tmp_path, suffix):
    path = tmp_path / f"table.{suffix}"
    path.write_bytes(b'text,"\xff\xfe\nno table {{{' * 3)
    with pytest.raises(ValueError, match="damaged|expected the column"):
        read_texts(path)


def test_numbers_are_not_texts(tmp_path):
    (tmp_path / "t.csv").write_text("text\n1\n2\n")
    with pytest.raises(ValueError, match="expected texts in column 'text' of .*found 1"):
        read_texts(tmp_path / "t.csv")


def test_other_kinds_of_file_and_nothing_at_all_are_errors(tmp_path):
    (tmp_path / "book.pdf").write_text("x")
    with pytest.raises(ValueError, match="expected a file of kind .txt"):
        read_texts(tmp_path / "book.pdf")
    with pytest.raises(FileNotFoundError, match="found none"):
        read_texts(tmp_path)
    with pytest.raises(FileNotFoundError, match="found no '/nowhere'"):
        read_texts("/nowhere")
    with pytest.raises(FileNotFoundError, match="found no 'my/book.txt'"):
        load_texts("my/book.txt")


def test_mini_texts_are_the_offline_reviews():
    texts = load_texts("mini")
    assert texts.column_names == ["text"]
    assert len(texts) == 25_000


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


def test_too_large_a_split_is_an_error(reviews):
    with pytest.raises(ValueError, match="test_size"):
        split_texts(reviews.select(range(10)), test_size=11, seed=0)
