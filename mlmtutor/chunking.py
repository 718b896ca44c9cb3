"""Texts to equal chunks of tokens, in arrays from the tokenizer to the stored data set."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from mlmtutor.words import Segmenter, continuation_prefix, starts_from_segments, starts_from_word_ids

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase


def split_into_chunks(token_ids: list[int], *, chunk_size: int) -> list[list[int]]:
    """Cut one stream of token ids into equal chunks and drop the remainder.

    This is the idea in two lines; :func:`chunk_texts` does the same to a corpus.

    Args:
        token_ids: Ids of all texts joined end to end, length ``num_tokens``.
        chunk_size: Tokens per chunk.

    Returns:
        ``num_tokens // chunk_size`` lists of ``chunk_size`` ids.

    Raises:
        ValueError: If ``chunk_size`` is below 1.

    Example:
        >>> split_into_chunks([1, 2, 3, 4, 5], chunk_size=2)
        [[1, 2], [3, 4]]

    Source: chapter 03_chunking.
    """
    if chunk_size < 1:
        raise ValueError(f"chunk_size must be at least 1 token, got {chunk_size}")
    end = len(token_ids) - len(token_ids) % chunk_size
    return [token_ids[start : start + chunk_size] for start in range(0, end, chunk_size)]


@dataclass(frozen=True, eq=False)
class Chunks:
    """Chunks and what became of the tokens on the way.

    Attributes:
        dataset: Columns ``input_ids`` (``chunk_size`` int32 each), ``text_index`` (int32, the text in which the
            chunk begins) and, only where words cannot be read off the ids, ``word_starts`` (bool).
        chunk_size: Tokens per chunk.
        num_texts: Texts read.
        num_tokens: Tokens they gave, special tokens included.
        num_dropped: Tokens of those that are in no chunk.
    """

    dataset: Dataset
    chunk_size: int
    num_texts: int
    num_tokens: int
    num_dropped: int

    def __str__(self) -> str:
        return (
            f"{self.num_texts:,} texts, {self.num_tokens:,} tokens -> {len(self.dataset):,} chunks of "
            f"{self.chunk_size}, {self.num_dropped:,} tokens dropped ({self.num_dropped / max(self.num_tokens, 1):.2%})"
        )


class _Tokens(NamedTuple):
    """The tokens of a few texts, joined: ids and word starts per token, and the length of each text."""

    ids: np.ndarray
    starts: np.ndarray | None
    lengths: np.ndarray


class _Encoder:
    """A fast tokenizer without truncation or padding, that gives arrays."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, words: Segmenter | None) -> None:
        from tokenizers import Tokenizer

        # a copy, since a tokenizer may carry truncation and must come back as it was
        self.backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self.backend.no_truncation()
        self.backend.no_padding()
        self.words = words
        self.needs_starts = words is not None or continuation_prefix(tokenizer) is None

    def encode(self, texts: Sequence[str]) -> _Tokens:
        texts = list(texts)
        if (bad := next((t for t in texts if not isinstance(t, str)), "")) != "":
            raise ValueError(f"expected texts, found {type(bad).__name__}: {bad!r:.60}")
        # the fast call skips offsets and word ids
        encode = self.backend.encode_batch if self.needs_starts else self.backend.encode_batch_fast
        ids, starts, lengths = [], [], []
        for text, encoding in zip(texts, encode(texts), strict=True):
            ids.append(np.array(encoding.ids, dtype=np.int32))
            lengths.append(len(ids[-1]))
            if self.words is not None:
                is_special = np.array(encoding.special_tokens_mask, dtype=bool)
                starts.append(
                    starts_from_segments(text, encoding.offsets, is_special=is_special, segmenter=self.words)
                )
            elif self.needs_starts:
                starts.append(starts_from_word_ids(encoding.word_ids))
        return _Tokens(
            np.concatenate([np.empty(0, dtype=np.int32), *ids]),
            np.concatenate([np.empty(0, dtype=bool), *starts]) if self.needs_starts else None,
            np.array(lengths, dtype=np.int64),
        )


def chunk_texts(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    *,
    chunk_size: int = 128,
    boundary: Literal["group", "corpus", "text"] = "group",
    group_size: int = 1000,
    tail: Literal["drop", "keep"] = "drop",
    words: Segmenter | None = None,
    num_proc: int = 1,
    progress: bool = False,
) -> Chunks:
    """Tokenise texts, join them and cut the stream into equal chunks.

    Args:
        texts: The texts; a list or the column of a data set.
        tokenizer: A fast tokenizer. Its truncation is not used, its state is not changed.
        chunk_size: Tokens per chunk.
        boundary: What a chunk may not cross: a ``"group"`` of ``group_size`` texts (what ``datasets.map`` with
            batches of 1,000 does), nothing but the end of the ``"corpus"``, or the end of each ``"text"``.
        group_size: Texts per group.
        tail: ``"drop"`` the tokens left over before a boundary, or ``"keep"`` them in a padded chunk.
        words: Cuts a text into words where white space does not, such as ``jieba.cut``. None: the tokenizer's words.
        num_proc: Processes. The chunks do not depend on it; one process already uses all cores.
        progress: Show a bar on standard error.

    Returns:
        The :class:`Chunks`.

    Raises:
        ValueError: If an option is out of range, a text is not a string, no text is given, the tokenizer is a slow
            one, or ``tail="keep"`` meets a tokenizer without a padding token.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> chunks = chunk_texts(["the film was good"] * 3, tiny_tokenizer(), chunk_size=4)
        >>> print(chunks)
        3 texts, 18 tokens -> 4 chunks of 4, 2 tokens dropped (11.11%)
        >>> chunks.dataset["text_index"][:]
        [0, 0, 1, 2]

    Source: chapter 03_chunking.
    """
    _check(texts, tokenizer, chunk_size, boundary, group_size, tail, num_proc)
    pad_id = tokenizer.pad_token_id
    fill = (pad_id, False) if tail == "keep" else None
    encoded = _encode_groups(texts, tokenizer, words, group_size, num_proc, progress)
    if boundary == "corpus":
        encoded = iter([_join(list(encoded))])
    pieces, num_tokens, first_text = [], 0, 0
    for tokens in encoded:
        pieces.append(_cut(tokens, chunk_size, fill, first_text, per_text=boundary == "text"))
        num_tokens += len(tokens.ids)
        first_text += len(tokens.lengths)
    columns = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    kept = columns["input_ids"].size
    if fill is not None:
        kept = int((columns["input_ids"] != pad_id).sum())
    return Chunks(_to_dataset(columns, chunk_size), chunk_size, len(texts), num_tokens, num_tokens - kept)


def _check(texts, tokenizer, chunk_size, boundary, group_size, tail, num_proc) -> None:
    for name, value in (("chunk_size", chunk_size), ("group_size", group_size), ("num_proc", num_proc)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    if boundary not in ("group", "corpus", "text"):
        raise ValueError(f"boundary must be 'group', 'corpus' or 'text', got {boundary!r}")
    if tail not in ("drop", "keep"):
        raise ValueError(f"tail must be 'drop' or 'keep', got {tail!r}")
    if isinstance(texts, str) or len(texts) == 0:
        raise ValueError(
            f"expected a sequence of texts, found {'one string' if isinstance(texts, str) else 'none'}"
        )
    if getattr(tokenizer, "backend_tokenizer", None) is None:
        raise ValueError(f"expected a fast tokenizer, found {type(tokenizer).__name__}")
    if tail == "keep" and tokenizer.pad_token_id is None:
        raise ValueError("tail='keep' needs a tokenizer with a padding token, found one without")


_encoder: _Encoder | None = None  # of a worker process


def _start_worker(*arguments: Any) -> None:
    global _encoder
    _encoder = _Encoder(*arguments)


def _encode_in_worker(texts: list[str]) -> _Tokens:
    return _encoder.encode(texts)


def _encode_groups(texts, tokenizer, words, group_size, num_proc, progress) -> Iterator[_Tokens]:
    from tqdm import tqdm

    groups = (texts[start : start + group_size] for start in range(0, len(texts), group_size))
    bar = tqdm(
        total=len(texts),
        desc="chunking",
        unit=" texts",
        unit_scale=True,
        disable=not progress,
        file=sys.stderr,
    )
    with bar:
        if num_proc == 1:
            encoded = map(_Encoder(tokenizer, words).encode, groups)
            yield from _tick(encoded, bar)
            return
        # spawn: a forked copy of the tokenizer's threads can hang
        with ProcessPoolExecutor(
            num_proc, get_context("spawn"), initializer=_start_worker, initargs=(tokenizer, words)
        ) as pool:
            yield from _tick(pool.map(_encode_in_worker, groups), bar)


def _tick(encoded: Iterator[_Tokens], bar) -> Iterator[_Tokens]:
    for tokens in encoded:
        bar.update(len(tokens.lengths))
        yield tokens


def _join(parts: list[_Tokens]) -> _Tokens:
    starts = None if parts[0].starts is None else np.concatenate([part.starts for part in parts])
    return _Tokens(np.concatenate([p.ids for p in parts]), starts, np.concatenate([p.lengths for p in parts]))


def _cut(tokens: _Tokens, chunk_size: int, fill, first_text: int, *, per_text: bool) -> dict[str, np.ndarray]:
    """Cut joined tokens into chunks; ``fill`` is (pad id, pad word start) to keep what is left over, or None."""
    text_ends = np.cumsum(tokens.lengths)
    ends = text_ends if per_text else text_ends[-1:]
    begins = np.concatenate([[0], ends[:-1]])
    sizes = ends - begins
    counts = sizes // chunk_size if fill is None else -(-sizes // chunk_size)
    # the first token of every chunk: k * chunk_size past the begin of its stretch
    order = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.repeat(begins, counts) + order * chunk_size  # (num_chunks,)
    where = first[:, None] + np.arange(chunk_size)  # (num_chunks, chunk_size)
    text_index = np.searchsorted(text_ends, first, side="right") + first_text
    columns = {"input_ids": tokens.ids, "text_index": text_index.astype(np.int32)}
    if tokens.starts is not None:
        columns["word_starts"] = tokens.starts
    beyond = where >= np.repeat(ends, counts)[:, None]
    for name, pad in zip(("input_ids", "word_starts"), fill or (0, False), strict=True):
        if name in columns:
            columns[name] = np.where(beyond, pad, columns[name][np.minimum(where, len(tokens.ids) - 1)])
            columns[name] = columns[name].astype(tokens.ids.dtype if name == "input_ids" else bool)
    return columns


def _to_dataset(columns: dict[str, np.ndarray], chunk_size: int) -> Dataset:
    import pyarrow as pa
    from datasets import Dataset

    def to_arrow(array: np.ndarray) -> pa.Array:
        flat = pa.array(array.reshape(-1))
        return flat if array.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, chunk_size)

    return Dataset(pa.table({name: to_arrow(array) for name, array in columns.items()}))
