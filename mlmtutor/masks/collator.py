"""From chunks to masked batches: numbered rows, and the collator that masks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlmtutor.masks.masking import MaskingSettings, mask_batch
from mlmtutor.texts.words import TokenTable

if TYPE_CHECKING:
    import pyarrow as pa
    import torch
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase


PER_TOKEN = ("input_ids", "word_starts")  # columns with a value for each token of a chunk


class ChunkRows:
    """Rows of a chunked data set as arrays, each with its number and the epoch: all that the masks depend on.

    A map-style data set for ``DataLoader`` and Trainer. Since rows carry their number, masks do not depend on the
    order of loading.

    Args:
        dataset: Chunks as :func:`mlmtutor.texts.chunking.chunk_texts` makes them, or a selection of them.
        epoch: The epoch to begin with; Trainer calls ``set_epoch``.

    Raises:
        ValueError: If it is no data set with a column ``input_ids`` of integers, or its rows have different lengths.

    Example:
        >>> from mlmtutor.texts.chunking import chunk_texts
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> rows = ChunkRows(chunk_texts(["the film was good"] * 3, tiny_tokenizer(), chunk_size=4).dataset)
        >>> rows[1]["input_ids"].tolist(), int(rows[1]["index"]), rows[1]["epoch"]
        ([10, 3, 2, 5], 1, 0)

    Source: chapter 03_chunking.
    """

    def __init__(self, dataset: Dataset, *, epoch: int = 0) -> None:
        from datasets import Dataset

        if not isinstance(dataset, Dataset):
            raise ValueError(
                f"expected a datasets.Dataset of chunks, found {type(dataset).__name__}: mlmtutor.chunk_texts makes one"
            )
        table = dataset.with_format("arrow")[:]
        if "input_ids" not in table.column_names:
            raise ValueError(f"expected a data set with the column 'input_ids', found {table.column_names}")
        self.columns: dict[str, np.ndarray] = {"index": np.arange(len(dataset))}
        for name in table.column_names:
            column = table[name]
            # one piece may lie in a file, and is then read as needed
            column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
            if name in PER_TOKEN:
                self.columns[name] = _stack(column, name=name)
            else:
                self.columns[name] = column.to_numpy(zero_copy_only=False)
        check_rows(self.columns)
        self.epoch = epoch

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch that the rows carry from now on."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.columns["index"])

    def __getitem__(self, rows: int | slice | Sequence[int] | np.ndarray) -> dict[str, Any]:
        return {name: column[rows] for name, column in self.columns.items()} | {"epoch": self.epoch}

    def __getitems__(self, rows: Sequence[int]) -> dict[str, Any]:
        return self[np.asarray(rows)]


def _stack(column: pa.Array, *, name: str) -> np.ndarray:
    """Return a column of lists as an array ``(num_chunks, chunk_size)``; lists of a fixed size are not copied."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_list = pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list
    if not any(check(column.type) for check in is_list) or pa.types.is_nested(column.type.value_type):
        raise ValueError(
            f"expected a list of token ids in each row of {name!r}, found the type {column.type}"
        )
    if column.null_count:
        row = pc.index(column.is_null(), pa.scalar(True)).as_py()
        raise ValueError(f"expected a list in each row of {name!r}, found none in row {row}: leave it out")
    lengths = pc.list_value_length(column).to_numpy()
    check_lengths(lengths, name=name)
    values = column.flatten()
    if values.null_count:
        raise ValueError(f"expected a value for each token of {name!r}, found {values.null_count:,} missing")
    width = lengths[0] if len(lengths) else 0
    return values.to_numpy(zero_copy_only=False).reshape(len(column), width)


def check_lengths(lengths: Sequence[int] | np.ndarray, *, name: str) -> None:
    """Check that rows have one length.

    Raises:
        ValueError: If they have not.

    Example:
        >>> check_lengths([8, 8, 5], name="input_ids")
        Traceback (most recent call last):
            ...
        ValueError: expected chunks of equal length in 'input_ids', found 8 and 5 (rows 0 and 2): mlmtutor.chunk_texts makes them, or pad them
    """
    differs = np.flatnonzero(np.asarray(lengths) != lengths[0]) if len(lengths) else []
    if len(differs):
        raise ValueError(
            f"expected chunks of equal length in {name!r}, found {lengths[0]} and {lengths[differs[0]]} "
            f"(rows 0 and {differs[0]}): mlmtutor.chunk_texts makes them, or pad them"
        )


def check_rows(rows: Mapping[str, np.ndarray]) -> None:
    """Check that rows hold integer ids, at least one each, and that the words are marked token by token.

    Raises:
        ValueError: If they do not.
    """
    ids, starts = rows["input_ids"], rows.get("word_starts")
    if ids.shape[-1] == 0 and len(ids):
        raise ValueError(
            f"expected chunks of at least one token in 'input_ids', found {len(ids):,} empty rows"
        )
    if ids.dtype.kind not in "iu":
        raise ValueError(f"expected integers in 'input_ids', found {ids.dtype}: tokenise the texts first")
    if starts is not None and starts.shape != ids.shape:
        raise ValueError(
            f"expected 'word_starts' for each of the {ids.shape[-1]} tokens of a chunk, found {starts.shape[-1]}"
        )


class MaskingCollator:
    """Turn rows into a masked batch, for Trainer or any ``DataLoader``.

    Args:
        tokenizer: The model's tokenizer.
        settings: What to mask and how; whole words at 20 % with 80/10/10 if None.
        seed: Seed of the draw.

    Called with rows of :class:`ChunkRows`, or with a list of such rows, it returns int64
    tensors ``(batch_size, chunk_size)``: ``input_ids``, ``labels`` (-100 where nothing is to be predicted) and,
    only if the batch holds padding, ``attention_mask``. It never changes what it is given.

    Raises:
        ValueError: If rows carry no ``index``, have different lengths or ids that are not the tokenizer's, or a batch
            holds nothing that can be masked.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> tokenizer = tiny_tokenizer()
        >>> row = {"input_ids": tokenizer("the film was good").input_ids, "index": 0, "epoch": 0}
        >>> batch = MaskingCollator(tokenizer, seed=3)([row])
        >>> sorted(batch), tuple(batch["labels"].shape)
        (['input_ids', 'labels'], (1, 6))

    Source: chapters 04_token_masking and 05_word_masking.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, *, settings: MaskingSettings | None = None, seed: int = 0
    ) -> None:
        self.table = TokenTable.from_tokenizer(tokenizer)
        self.settings = MaskingSettings() if settings is None else settings
        self.seed = seed

    def __call__(self, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        import torch

        rows = _as_columns(rows)
        check_rows(rows)
        masked_ids, labels = mask_batch(
            rows["input_ids"],
            table=self.table,
            settings=self.settings,
            seed=self.seed,
            epoch=int(np.max(rows.get("epoch", 0))),
            index=rows["index"],
            word_starts=rows.get("word_starts"),
        )
        arrays = {"input_ids": masked_ids, "labels": labels}
        if (padding := np.asarray(rows["input_ids"]) == self.table.pad_id).any():
            arrays["attention_mask"] = (~padding).astype(np.int64)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _as_columns(rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return what the masks depend on as arrays, from rows of :class:`ChunkRows` or a list of such."""
    if isinstance(rows, Mapping):
        names, columns = set(rows), rows
    else:
        names = set.intersection(*(set(row) for row in rows)) if rows else set()
        columns = {name: [row[name] for row in rows] for name in names}
    for needed in ("index", "input_ids"):
        if needed not in names:
            raise ValueError(
                f"expected rows with an {needed!r}, found {sorted(names)}: "
                "wrap the data set in mlmtutor.ChunkRows, and leave remove_unused_columns off"
            )
    for name in names.intersection(PER_TOKEN):
        if not isinstance(columns[name], np.ndarray):
            check_lengths([len(row) for row in columns[name]], name=name)
    return {name: np.asarray(columns[name]) for name in names.intersection(("index", "epoch", *PER_TOKEN))}
