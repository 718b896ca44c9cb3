"""What chapter 2 says of random splits, tried with five seeds: about a minute in all.

Run by hand: ``pytest tests/claims/02_reviews.py -s`` prints the counts as well.
"""

import re

import pytest

import mlmtutor as mt

TITLE = re.compile(r'"([A-Z][^"<>]{7,40})"')


@pytest.fixture(scope="module")
def reviews():
    return mt.load_reviews("mini")["train"]


@pytest.mark.parametrize("seed", range(5))
def test_plain_split_leaks_ten_to_twenty_copies(reviews, seed):
    """Chapter 2: "18 of the 96 copies have leaked, and five other seeds gave 10 to 20"."""
    parts = reviews.train_test_split(test_size=0.1, seed=seed)
    num_leaked = len(set(parts["train"]["text"]) & set(parts["test"]["text"]))
    print(f"seed {seed}: {num_leaked} texts on both sides")
    assert 10 <= num_leaked <= 20


@pytest.mark.parametrize("seed", range(5))
def test_more_than_two_in_five_titles_are_quoted_in_training_too(reviews, seed):
    """Chapter 2, exercise 5: "(42 to 44 % with five other seeds)"."""
    parts = mt.split_texts(reviews, test_size=0.1, seed=seed)
    known = {title for text in parts["train"]["text"] for title in TITLE.findall(text)}
    quoting = [titles for text in parts["test"]["text"] if (titles := TITLE.findall(text))]
    share = sum(not known.isdisjoint(titles) for titles in quoting) / len(quoting)
    print(f"seed {seed}: {share:.1%} of {len(quoting)}")
    assert 0.415 <= share <= 0.445
