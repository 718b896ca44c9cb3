"""Texts to adapt a model to: from your own files or the Hub, and split so that no text is on both sides."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import TYPE_CHECKING

from mlmtutor.hub.dataset import load_hub_dataset
from mlmtutor.hub.names import MINI, MINI_ZH, is_hub_id
from mlmtutor.model.doubts import Doubt
from mlmtutor.model.messages import show
from mlmtutor.texts.folders import kind_of
from mlmtutor.texts.markup import check_markup
from mlmtutor.texts.reading import Reading, read_texts
from mlmtutor.texts.reviews import load_reviews
from mlmtutor.texts.tables import check_texts, find_column

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


def load_texts(
    source: str | os.PathLike[str],
    *,
    text_column: str = "text",
    split: str = "train",
    config: str | None = None,
    encoding: str | None = None,
    cut: str = "auto",
) -> Dataset:
    """Load texts to adapt a model to, and warn of what is doubtful about them.

    Args:
        source: ``"mini"`` for the offline IMDb reviews without their line breaks ``<br />``, ``"mini-zh"`` for Chinese
            reviews without copies, a file (.txt, .md, .csv, .tsv, .jsonl, .json, .parquet, or .gz
            of one), a folder of such files, or the Hub id of a data set.
        text_column: The column that holds the texts.
        split: Which split of a Hub data set.
        config: Which configuration of a Hub data set that has several.
        encoding: Encoding of text files that are not in UTF-8, such as ``"gb18030"``.
        cut: What is one text of a .txt file, as in ``mlmtutor.texts.reading.read_texts``.

    Returns:
        A data set with the one column ``text``.

    Raises:
        FileNotFoundError: If there is no such file, folder or data set.
        ConnectionError: If the Hub is needed and cannot be reached.
        ValueError: If the files hold no texts, or not the column, or are damaged or in another encoding.

    Warns:
        Doubt: If files were left out or may be cut wrongly, or if more than one text in a hundred contains HTML.

    Example:
        >>> len(load_texts("mini"))
        25000

    Source: chapter 11_your_domain.
    """
    from datasets import Dataset

    reading = read_source(
        source, text_column=text_column, split=split, config=config, encoding=encoding, cut=cut
    )
    for doubt in reading.doubts:
        warnings.warn(doubt, Doubt, stacklevel=2)
    check_markup(reading.texts)
    return Dataset.from_dict({"text": reading.texts})


def read_source(
    source: str | os.PathLike[str],
    *,
    text_column: str = "text",
    split: str = "train",
    config: str | None = None,
    encoding: str | None = None,
    cut: str = "auto",
) -> Reading:
    """Read texts from any source, and say what was read. Arguments and errors are those of :func:`load_texts`.

    Returns:
        The texts, and what was read, left out and is doubtful; nothing is warned of.

    Example:
        >>> print(read_source("mini"))
        25,000 texts; line breaks of web pages (<br />) taken out

    Source: chapter 11_your_domain.
    """
    name = os.fspath(source)
    if name == MINI:
        return Reading(load_reviews(MINI, clean=True)["train"]["text"][:], source=MINI, without_breaks=True)
    if name == MINI_ZH:
        return Reading(load_reviews(MINI_ZH, clean=True)["train"]["text"][:], source=MINI_ZH)
    if not _is_on_hub(name):
        if config is not None:
            raise ValueError(
                f"expected a data set of the Hub for config={show(config)}, found {show(name)}: leave config out"
            )
        return read_texts(os.path.expanduser(name), text_column=text_column, encoding=encoding, cut=cut)
    if encoding is not None:
        raise ValueError(
            f"expected files for encoding={show(encoding)}, found the data set {show(name)}: leave encoding out"
        )
    return _read_hub(name, text_column=text_column, split=split, config=config)


def _is_on_hub(name: str) -> bool:
    """Whether a name is a Hub id; one that could be a path on this machine with a slip in it never gets there."""
    if not name.strip():
        raise ValueError(
            f"expected a file, a folder, 'mini', 'mini-zh' or owner/name, found {show(name)}: name the source"
        )
    if name == "-":
        raise ValueError("expected a file or folder, found '-' (standard input): save it as a file first")
    if "://" in name:
        raise ValueError(f"expected a file or folder, found the address {show(name)}: download it first")
    if os.path.lexists(os.path.expanduser(name)):
        return False
    if any(mark in name for mark in "*?["):
        raise FileNotFoundError(
            f"expected one file or folder, found the pattern {show(name)}: give the folder that holds the files"
        )
    owner, _, rest = name.partition("/")
    if rest and "/" not in rest and owner.strip(".~") and os.path.isdir(owner):
        raise FileNotFoundError(
            f"expected a file or folder with texts, found no {show(name)} in the folder {show(owner)}: "
            "look for a slip in the name; for a data set of the Hub, start in another folder"
        )
    return is_hub_id(name) and not kind_of(name)


def _read_hub(name: str, *, text_column: str, split: str, config: str | None) -> Reading:
    dataset = load_hub_dataset(name, split=split, config=config)
    place = f"the data set {show(name)}"
    column = dataset.column_names[find_column(dataset.column_names, text_column, place=place)]
    feature = dataset.features[column]
    if getattr(feature, "dtype", None) not in ("string", "large_string", "string_view", "null"):
        raise ValueError(
            f"expected texts in the column {show(text_column)} of {place}, found {feature!s:.60}: "
            "name another column (text_column)"
        )
    texts = check_texts(dataset[column][:], column=column, place=place)
    filled = [text for text in texts if text.strip()]
    if not filled:
        raise ValueError(
            f"expected texts in the split {show(split)} of {place}, found it empty: choose another split"
        )
    which = ", ".join([config, split] if config else [split])
    return Reading(filled, source=f"{name} ({which})", num_empty=len(texts) - len(filled))


def split_texts(
    dataset: Dataset, *, test_size: int | float, seed: int, train_size: int | float | None = None
) -> DatasetDict:
    """Split whole texts, so that no text is in two splits, not even as an exact copy.

    Of exact duplicates only the first is used. Split texts first and chunk afterwards: then no test chunk
    comes from a review that was trained on.

    Args:
        dataset: A data set with the column ``text``.
        test_size: Texts for ``test``: a number, or a share between 0 and 1.
        seed: Seed of the shuffle.
        train_size: The same for ``train``; all the rest if None.

    Returns:
        The splits ``train`` and ``test``.

    Raises:
        ValueError: If a size is out of range, or the sizes ask for more texts than there are without copies.

    Example:
        >>> from datasets import Dataset
        >>> parts = split_texts(Dataset.from_dict({"text": ["a", "b", "a", "c"]}), test_size=1, seed=0)
        >>> sorted(parts["train"]["text"][:] + parts["test"]["text"][:])
        ['a', 'b', 'c']

    Source: chapter 06_fine_tuning.
    """
    if "text" not in dataset.column_names:
        raise ValueError(
            f"expected a data set with the column 'text', found {show(dataset.column_names, longest=60)}: rename its column"
        )
    first = {text: i for i, text in reversed(list(enumerate(dataset["text"])))}
    unique = dataset.select(sorted(first.values()))
    copies = len(dataset) - len(unique)
    found = f"{len(unique):,} texts" + (f" without {copies:,} copies" if copies else "")
    _check_sizes(len(unique), train_size=train_size, test_size=test_size, found=found)
    return unique.train_test_split(train_size=train_size, test_size=test_size, seed=seed)


def split_chunks(chunks: Dataset, *, train_size: int, test_size: int, seed: int = 123) -> DatasetDict:
    """Sample train and test chunks from one pool, as the original notebook does.

    Chunks of one review can land on both sides, so the test is a little too easy: see :func:`split_texts`.

    Raises:
        ValueError: If a size is out of range, or the sizes ask for more chunks than there are.

    Example:
        >>> from datasets import Dataset
        >>> pool = Dataset.from_dict({"input_ids": [[i] for i in range(10)]})
        >>> split_chunks(pool, train_size=6, test_size=2).num_rows
        {'train': 6, 'test': 2}

    Source: chapter 06_fine_tuning.
    """
    _check_sizes(len(chunks), train_size=train_size, test_size=test_size, found=f"{len(chunks):,} chunks")
    return chunks.train_test_split(train_size=train_size, test_size=test_size, seed=seed)


def _check_sizes(
    num_items: int, *, train_size: int | float | None, test_size: int | float, found: str
) -> None:
    test = _to_number(test_size, num_items, name="test_size", round_share=math.ceil)
    train = (
        1
        if train_size is None
        else _to_number(train_size, num_items, name="train_size", round_share=math.floor)
    )
    if train < 1 or train + test > num_items:
        raise ValueError(
            f"expected at least {max(train, 1) + test:,} for test_size={test_size} and train_size={train_size}, found "
            f"{found}: ask for less, or give more"
        )


def _to_number(size: int | float, num_items: int, *, name: str, round_share: Callable[[float], int]) -> int:
    """Return how many items ``train_test_split`` takes for a size."""
    if not isinstance(size, bool):
        if isinstance(size, Integral) and size >= 1:
            return int(size)
        if isinstance(size, Real) and 0 < size < 1:
            return round_share(size * num_items)
    raise ValueError(f"{name} must be a whole number from 1, or a share between 0 and 1, got {show(size)}")
