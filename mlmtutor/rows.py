"""Rows of a chunked data set, numbered and dated, as the collators take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from datasets import Dataset


class ChunkRows:
    """Rows of a chunked data set as arrays, numbered and dated: what the collators draw their masks from.

    A map-style data set for ``DataLoader`` and Trainer. Each row carries its number in the data set and the
    current epoch, so that masks depend on those and not on the order of loading.

    Args:
        dataset: Chunks as :func:`mlmtutor.chunking.chunk_texts` makes them, or a selection of them.
        epoch: The epoch to begin with; Trainer calls ``set_epoch``.

    Example:
        >>> from mlmtutor.chunking import chunk_texts
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> rows = ChunkRows(chunk_texts(["the film was good"] * 3, tiny_tokenizer(), chunk_size=4).dataset)
        >>> rows[1]["input_ids"].tolist(), int(rows[1]["index"]), rows[1]["epoch"]
        ([10, 3, 2, 5], 1, 0)

    Source: chapter 03_chunking.
    """

    def __init__(self, dataset: Dataset, *, epoch: int = 0) -> None:
        table = dataset.with_format("arrow")[:]
        if "input_ids" not in table.column_names:
            raise ValueError(f"expected a data set with the column 'input_ids', found {table.column_names}")
        self.columns: dict[str, np.ndarray] = {"index": np.arange(len(dataset))}
        for name in table.column_names:
            column = table[name]
            # one piece may lie in a file, and is then read as needed
            column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
            if hasattr(column.type, "value_type"):
                flat = column.flatten().to_numpy(zero_copy_only=False)
                self.columns[name] = flat.reshape(len(dataset), -1)
            else:
                self.columns[name] = column.to_numpy(zero_copy_only=False)
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
