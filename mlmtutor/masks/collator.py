"""From chunks to masked batches: numbered rows, and the collator that masks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlmtutor.masks.masking import MaskingSettings, mask_batch
from mlmtutor.texts.words import TokenTable

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase


class ChunkRows:
    """Rows of a chunked data set as arrays, each with its number and the epoch: all that the masks depend on.

    A map-style data set for ``DataLoader`` and Trainer. Since rows carry their number, masks do not depend on the
    order of loading.

    Args:
        dataset: Chunks as :func:`mlmtutor.texts.chunking.chunk_texts` makes them, or a selection of them.
        epoch: The epoch to begin with; Trainer calls ``set_epoch``.

    Example:
        >>> from mlmtutor.texts.chunking import chunk_texts
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
        ValueError: If rows carry no ``index``, or a batch holds nothing that can be masked.

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

        if not isinstance(rows, Mapping):
            rows = {name: np.asarray([row[name] for row in rows]) for name in rows[0]}
        if "index" not in rows:
            raise ValueError(
                f"expected rows with an 'index', found {sorted(rows)}: "
                "wrap the data set in mlmtutor.ChunkRows, and leave remove_unused_columns off"
            )
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
