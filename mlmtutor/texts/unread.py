"""The reviews that ``mini-imdb`` has read, and those that were kept out, to measure it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlmtutor.texts.own_texts import split_texts
from mlmtutor.texts.reviews import clean_reviews, load_reviews

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


def load_unread_reviews() -> Dataset:
    """Load the reviews that neither ``mini-imdb`` nor ``mini-more`` has been trained on, without line breaks.

    Returns:
        5,000 reviews with the columns ``text`` and ``label`` (0 negative, 1 positive), in an order drawn at random.

    Raises:
        ImportError: If the package with the offline reviews is not installed.

    Example:
        >>> load_unread_reviews().num_rows
        5000

    Source: chapter 10_downstream.
    """
    from datasets import DatasetDict

    return clean_reviews(DatasetDict(test=split_reviews()["test"]))["test"]


def split_reviews() -> DatasetDict:
    """Split the reviews, breaks and all, into those to read, ``train``, and those that are kept out, ``test``.

    The breaks come out afterwards: reviews that differ in their breaks alone become copies without them, so clean
    reviews are split in another way.
    """
    return split_texts(load_reviews("mini")["train"], test_size=5_000, seed=0)
