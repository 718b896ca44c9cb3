"""Texts to adapt a model to: from your own files or the Hub, and split so that no text is on both sides."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mlmtutor.hub.dataset import load_hub_dataset
from mlmtutor.hub.names import MINI, is_hub_id
from mlmtutor.texts.reviews import load_reviews

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset, DatasetDict

TABLES = (".csv", ".jsonl", ".parquet")
SUFFIXES = (".txt", *TABLES)


def load_texts(source: str | os.PathLike[str], *, text_column: str = "text", split: str = "train") -> Dataset:
    """Load texts to adapt a model to.

    Args:
        source: ``"mini"`` for the offline IMDb reviews, a file (.txt, .csv, .jsonl, .parquet), a folder of such
            files, or the Hub id of a data set.
        text_column: The column that holds the texts.
        split: Which split of a Hub data set.

    Returns:
        A data set with the one column ``text``.

    Raises:
        FileNotFoundError: If there is no such file, folder or data set.
        ConnectionError: If the Hub is needed and cannot be reached.
        ValueError: If the files hold no texts, or not the column or split.

    Example:
        >>> len(load_texts("mini"))
        25000

    Source: chapter 11_your_domain.
    """
    from datasets import Dataset

    name = os.fspath(source)
    if name == MINI:
        return load_reviews(MINI)["train"].select_columns("text")
    if Path(name).exists() or not is_hub_id(name) or Path(name).suffix.lower() in SUFFIXES:
        return Dataset.from_dict({"text": read_texts(name, text_column=text_column)})
    dataset = load_hub_dataset(name, split=split)
    if text_column not in dataset.column_names:
        raise ValueError(
            f"expected the column {text_column!r} in {name!r}, found {', '.join(dataset.column_names)}"
        )
    return dataset.select_columns(text_column).rename_columns(
        {text_column: "text"} if text_column != "text" else {}
    )


def read_texts(path: str | Path, *, text_column: str = "text") -> list[str]:
    """Read the texts of a file, or of all files below a folder.

    Args:
        path: A file or a folder. In a .txt file each paragraph (set off by blank lines) is a text, or each
            line if there are no blank ones; in a folder each .txt file is one text. In tables each row is one.
        text_column: The column with the texts, in .csv, .jsonl and .parquet.

    Returns:
        The texts in the order of file names and rows, without empty ones.

    Raises:
        FileNotFoundError: If the path is not there, or a folder holds no file of these kinds.
        ValueError: If a file is of another kind, not UTF-8, damaged, without the column, or all are empty.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.txt").write_text("One paragraph,\\nin two lines.\\n\\nAnother.")
        ...     read_texts(Path(folder, "a.txt"))
        ['One paragraph,\\nin two lines.', 'Another.']

    Source: chapter 11_your_domain.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"expected a file or folder with texts, found no {str(path)!r}")
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        if not files:
            raise FileNotFoundError(f"expected {', '.join(SUFFIXES)} files in {str(path)!r}, found none")
    else:
        files = [path]
    texts = [
        text
        for file in files
        for text in _read_file(file, text_column=text_column, whole=path.is_dir())
        if text
    ]
    if not texts:
        raise ValueError(f"expected texts in {str(path)!r}, found it empty")
    return texts


def _read_file(file: Path, *, text_column: str, whole: bool) -> list[str]:
    suffix = file.suffix.lower()
    if suffix == ".txt":
        try:
            content = file.read_text(encoding="utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"expected UTF-8 text in {str(file)!r}, found other bytes at {error.start}"
            ) from error
        if "\0" in content:
            raise ValueError(f"expected UTF-8 text in {str(file)!r}, found binary data")
        paragraphs = re.split(r"\n\s*\n", content)
        if len(paragraphs) == 1:
            paragraphs = content.splitlines()
        return [content] if whole else [paragraph.strip() for paragraph in paragraphs]
    if suffix not in TABLES:
        raise ValueError(f"expected a file of kind {', '.join(SUFFIXES)}, found {str(file)!r}")
    if file.stat().st_size == 0:
        return []
    table = _read_table(file, suffix)
    if text_column not in table.column_names:
        raise ValueError(
            f"expected the column {text_column!r} in {str(file)!r}, found {', '.join(table.column_names) or 'none'}"
        )
    values = table[text_column].to_pylist()
    if (bad := next((v for v in values if v is not None and not isinstance(v, str)), None)) is not None:
        raise ValueError(f"expected texts in column {text_column!r} of {str(file)!r}, found {bad!r:.40}")
    return [value.strip() for value in values if value is not None]


def _read_table(file: Path, suffix: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet

    try:
        if suffix == ".csv":
            options = pyarrow.csv.ParseOptions(newlines_in_values=True)
            table = pyarrow.csv.read_csv(file, parse_options=options)
        elif suffix == ".jsonl":
            table = pyarrow.json.read_json(file)
        else:
            table = pyarrow.parquet.read_table(file)
        _ = table.column_names  # names that are not UTF-8 fail here
        return table
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"expected a {suffix} table in {str(file)!r}, found it damaged: {reason:.120}"
        ) from error


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
        ValueError: If the sizes ask for more texts than there are.

    Example:
        >>> from datasets import Dataset
        >>> parts = split_texts(Dataset.from_dict({"text": ["a", "b", "a", "c"]}), test_size=1, seed=0)
        >>> sorted(parts["train"]["text"][:] + parts["test"]["text"][:])
        ['a', 'b', 'c']

    Source: chapter 06_fine_tuning.
    """
    first = {text: i for i, text in reversed(list(enumerate(dataset["text"])))}
    unique = dataset.select(sorted(first.values()))
    return unique.train_test_split(train_size=train_size, test_size=test_size, seed=seed)


def split_chunks(chunks: Dataset, *, train_size: int, test_size: int, seed: int = 123) -> DatasetDict:
    """Sample train and test chunks from one pool, as the original notebook does.

    Chunks of one review can land on both sides, so the test is a little too easy: see :func:`split_texts`.

    Raises:
        ValueError: If the sizes ask for more chunks than there are.

    Example:
        >>> from datasets import Dataset
        >>> pool = Dataset.from_dict({"input_ids": [[i] for i in range(10)]})
        >>> split_chunks(pool, train_size=6, test_size=2).num_rows
        {'train': 6, 'test': 2}

    Source: chapter 06_fine_tuning.
    """
    return chunks.train_test_split(train_size=train_size, test_size=test_size, seed=seed)
