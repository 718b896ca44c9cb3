"""From texts to what a run needs: texts held out, and both parts cut into chunks and sampled."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlmtutor.masks.collator import ChunkRows
from mlmtutor.model.doubts import Doubt, recorded_doubts
from mlmtutor.texts.chunking import chunk_texts, to_dataset
from mlmtutor.texts.copies import find_near_copies
from mlmtutor.texts.markup import check_markup
from mlmtutor.texts.own_texts import split_texts
from mlmtutor.texts.scripts import check_spaces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from mlmtutor.texts.segmenters import Segmenter


DOUBTFUL_COPIES = 0.01  # of the texts held out; a few, as the IMDb reviews have, change no figure


def prepare_chunks(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    *,
    chunk_size: int,
    train_size: int,
    eval_size: int,
    test_share: float,
    unit: Literal["token", "word"],
    segmenter: Segmenter | None,
    seed: int,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Hold out whole texts, each once, cut both parts into chunks, and draw a sample of each.

    Args:
        texts: The texts.
        tokenizer: A fast tokenizer.
        chunk_size: Tokens per chunk.
        train_size: Chunks to train on, at most.
        eval_size: Chunks to measure on, at most.
        test_share: Share of the different texts that are held out.
        unit: What will be masked; words need spaces or a segmenter.
        segmenter: Finds words that no spaces tell, or None.
        seed: Seed of split and sample.

    Returns:
        Columns by name, ``train.input_ids (num_chunks, chunk_size) int32`` and the like for ``held_out``; and facts:
        ``data``, numbers for the report, and ``doubts``.

    Raises:
        ValueError: If there are fewer than two different texts, less than a chunk of either part, or no spaces.
    """
    num_copies = len(texts) - len(set(texts))  # of exact copies only one is used
    data: dict[str, int] = {"texts": len(texts), "copies": num_copies}
    columns = {}
    with recorded_doubts() as doubts:
        if segmenter is None and unit == "word":
            check_spaces(texts)
        check_markup(texts)
        parts = _hold_out(texts, num_copies=num_copies, test_share=test_share, seed=seed)
        data["near_copies"] = _count_near_copies(parts)
        for part, most in (("train", train_size), ("held_out", eval_size)):
            chunks = chunk_texts(
                parts[part]["text"], tokenizer, chunk_size=chunk_size, boundary="corpus", segmenter=segmenter
            )
            if len(chunks.dataset) == 0:
                raise ValueError(
                    f"expected at least {chunk_size} tokens to train on and as many to measure on, found "
                    f"{chunks.num_tokens} in {chunks.num_texts} of the texts: give more text or a smaller chunk_size"
                )
            sample = chunks.dataset.shuffle(seed).select(range(min(most, len(chunks.dataset))))
            rows = ChunkRows(sample).columns
            columns |= {f"{part}.{name}": rows[name] for name in sample.column_names}
            num_texts = len(np.unique(rows["text_index"]))  # a sample need not meet all of them
            data |= {f"{part}_texts": num_texts, f"{part}_chunks": len(sample)}
    return columns, {"data": data, "doubts": doubts}


def _hold_out(texts: Sequence[str], *, num_copies: int, test_share: float, seed: int) -> dict[str, Dataset]:
    from datasets import Dataset

    num_texts = len(texts) - num_copies
    if num_texts < 2:
        copies = f" and {num_copies:,} copies" if num_copies else ""
        raise ValueError(
            f"expected at least 2 texts, one of them to measure on, found {num_texts}{copies}: set paragraphs off by "
            "blank lines, or take --cut lines"
        )
    if num_copies > num_texts:
        warnings.warn(
            f"{num_copies:,} of {len(texts):,} texts are exact copies of others and were left out",
            Doubt,
            stacklevel=2,
        )
    num_held_out = max(1, min(round(test_share * num_texts), num_texts - 1))
    parts = split_texts(Dataset.from_dict({"text": texts}), test_size=num_held_out, seed=seed)
    return {"train": parts["train"], "held_out": parts["test"]}


def _count_near_copies(parts: dict[str, Dataset]) -> int:
    """Count the texts held out that are largely in the training texts, too, and warn if they are many."""
    held_out = parts["held_out"]["text"][:]
    num_found = len(find_near_copies(held_out, parts["train"]["text"][:]))
    if num_found > DOUBTFUL_COPIES * len(held_out):
        warnings.warn(
            f"{num_found:,} of {len(held_out):,} texts to measure on are near copies of training texts, which makes the "
            "gain look larger than it is; remove what is repeated, or keep copies together on one side",
            Doubt,
            stacklevel=2,
        )
    return num_found


def select_chunks(columns: dict[str, np.ndarray], part: str) -> Dataset:
    """Return the chunks of one part of what :func:`prepare_chunks` returned."""
    of_part = {name.split(".")[1]: column for name, column in columns.items() if name.startswith(f"{part}.")}
    return to_dataset(of_part, of_part["input_ids"].shape[1])
