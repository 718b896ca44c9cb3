"""Texts to equal chunks of tokens, in arrays from the tokenizer to the stored data set."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Literal

import numpy as np

from mlmtutor.model.doubts import Doubt
from mlmtutor.model.progress import bar
from mlmtutor.texts.encoder import Encoder, Tokens
from mlmtutor.texts.scripts import is_traditional, lost_signs, unknown_characters
from mlmtutor.texts.segmenters import Segmenter

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

MAX_SIZE = 2**31 - 1  # of a list in Arrow
DOUBTFUL_UNKNOWN = 0.05  # of the characters
DOUBTFUL_LOST = 0.05  # Hindi loses 17 % of its signs where accents are stripped, European languages none
MIN_SIZE = 200  # texts and characters; a single sentence may well be unknown to a tokenizer


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

    @property
    def dropped_share(self) -> float:
        """Share of the tokens that are in no chunk."""
        return self.num_dropped / max(self.num_tokens, 1)

    @property
    def padding_share(self) -> float:
        """Share of the places in the chunks that are filled with padding; 0 where there is no chunk."""
        num_places = len(self.dataset) * self.chunk_size
        return 1 - (self.num_tokens - self.num_dropped) / num_places if num_places else 0.0

    def __str__(self) -> str:
        return (
            f"{self.num_texts:,} texts, {self.num_tokens:,} tokens -> {len(self.dataset):,} chunks of "
            f"{self.chunk_size}, {self.num_dropped:,} tokens dropped ({self.dropped_share:.2%})"
        )


def chunk_texts(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    *,
    chunk_size: int = 128,
    boundary: Literal["group", "corpus", "text"] = "group",
    group_size: int = 1000,
    tail: Literal["drop", "keep"] = "drop",
    segmenter: Segmenter | None = None,
    directory: str | PathLike[str] | None = None,
    progress: bool | None = None,
) -> Chunks:
    """Tokenise texts, join them and cut the stream into equal chunks.

    A special token that is typed in a text, such as ``[MASK]``, is read like any other word.

    Args:
        texts: The texts; a list or the column of a data set.
        tokenizer: A fast tokenizer. Its truncation is not used, its state is not changed.
        chunk_size: Tokens per chunk.
        boundary: What a chunk may not cross: a ``"group"`` of ``group_size`` texts (what ``datasets.map`` with
            batches of 1,000 does), nothing but the end of the ``"corpus"``, or the end of each ``"text"``.
        group_size: Texts per group.
        tail: ``"drop"`` the tokens left over before a boundary, or ``"keep"`` them in a padded chunk.
        segmenter: Cuts a text into words where white space does not, such as ``jieba.cut``. None: the tokenizer's words.
        directory: A folder on a disk, for chunks that do not fit in memory. They are then read as needed from temporary
            files there, deleted with the chunks. None keeps them in memory.
        progress: Show a bar. None: where a person is watching, see :func:`mlmtutor.model.progress.is_watched`.

    Returns:
        The :class:`Chunks`.

    Raises:
        ValueError: If an option is out of range, a text is not a string of Unicode, no text is given, the tokenizer
            is a slow one or makes nothing but special and unknown tokens of them, the segmenter returns anything
            but the words of a text, or ``tail="keep"`` meets a tokenizer without a padding token.

    Warns:
        UserWarning: If the tokenizer drops many of the letters, accents and vowel signs of the texts, or does not know
            many of their characters.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> chunks = chunk_texts(["the film was good"] * 3, tiny_tokenizer(), chunk_size=4)
        >>> print(chunks)
        3 texts, 18 tokens -> 4 chunks of 4, 2 tokens dropped (11.11%)
        >>> chunks.dataset["text_index"][:]
        [0, 0, 1, 2]

    Source: chapter 03_chunking.
    """
    _check(texts, tokenizer, chunk_size, boundary, group_size, tail)
    fill = {"input_ids": tokenizer.pad_token_id, "word_starts": False} if tail == "keep" else {}
    encoder = Encoder(tokenizer, segmenter)
    starts = range(0, len(texts), group_size)
    steps = bar(starts, name="chunking", unit="group", total=len(starts), progress=progress)
    groups = (encoder.encode(texts[start : start + group_size]) for start in steps)
    chunks = chunk_tokens(groups, chunk_size=chunk_size, boundary=boundary, fill=fill, directory=directory)
    if encoder.num_ordinary == 0 and encoder.num_texts + encoder.num_characters >= MIN_SIZE:
        raise ValueError(
            f"expected tokens of the texts, found {chunks.num_tokens:,} from {chunks.num_texts:,} texts, all of them "
            f"special or unknown to this tokenizer of {len(tokenizer):,} tokens: are the texts empty or in another "
            "language, or is it without its vocabulary?"
        )
    if encoder.num_characters >= MIN_SIZE and (lost := lost_signs(texts, tokenizer)) > DOUBTFUL_LOST:
        warnings.warn(
            f"expected a tokenizer that keeps the signs of the texts, found that it drops {lost:.0%} of their letters, "
            "accents and vowel signs: take a model in the language of the texts, cased if there are two",
            Doubt,
            stacklevel=2,
        )
    if encoder.num_characters >= MIN_SIZE:
        _doubt_unknown(*unknown_characters(texts, tokenizer))
    return chunks


def _doubt_unknown(share: float, unknown: str) -> None:
    if share <= DOUBTFUL_UNKNOWN:
        return
    remedy = "take a model in the language of the texts, or take out what is no text"
    if is_traditional(unknown):
        remedy = "they are traditional: make them simplified, as OpenCC does (pip install opencc), or take another model"
    warnings.warn(
        f"expected characters that the vocabulary has, found {share:.0%} unknown to it, such as {unknown[:8]}: {remedy}",
        Doubt,
        stacklevel=3,
    )


def _check(texts, tokenizer, chunk_size, boundary, group_size, tail) -> None:
    for name, value in (("chunk_size", chunk_size), ("group_size", group_size)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
        if value > MAX_SIZE:
            raise ValueError(f"{name} must be at most {MAX_SIZE}, got {value}")
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


def chunk_tokens(
    groups: Iterable[Tokens],
    *,
    chunk_size: int,
    boundary: str = "group",
    fill: Mapping[str, int] | None = None,
    directory: str | PathLike[str] | None = None,
) -> Chunks:
    """Cut groups of tokenised texts into chunks, see :func:`chunk_texts`.

    Args:
        groups: The tokens of some texts each.
        chunk_size: As in :func:`chunk_texts`.
        boundary: As in :func:`chunk_texts`.
        fill: What to fill up the last chunk before a boundary with, by column. None or nothing: it is dropped.
        directory: As in :func:`chunk_texts`.

    Returns:
        The :class:`Chunks`.
    """
    if boundary == "corpus":
        groups = [_join(list(groups))]
    store = _Store(directory)
    num_texts = num_tokens = num_kept = 0
    for tokens in groups:
        ends = np.cumsum(tokens.lengths)
        begin = 0
        # the ends of the texts that lie between two boundaries
        for text_ends in ends[:, None] if boundary == "text" else [ends]:
            end = int(text_ends[-1])
            num_chunks = (end - begin + (chunk_size - 1 if fill else 0)) // chunk_size
            store.add("input_ids", _cut(tokens.ids[begin:end], chunk_size, fill, "input_ids"))
            # how many chunks have begun when a text ends
            begun = np.minimum((text_ends - begin + chunk_size - 1) // chunk_size, num_chunks)
            text_index = np.arange(num_texts, num_texts + len(text_ends), dtype=np.int32)
            store.add("text_index", [np.repeat(text_index, np.diff(begun, prepend=0))])
            if tokens.starts is not None:
                store.add("word_starts", _cut(tokens.starts[begin:end], chunk_size, fill, "word_starts"))
            num_kept += end - begin if fill else num_chunks * chunk_size
            num_texts += len(text_ends)
            begin = end
        num_tokens += len(tokens.ids)
    dataset = to_dataset(store.join(), chunk_size)
    return Chunks(dataset, chunk_size, num_texts, num_tokens, num_tokens - num_kept)


def _join(parts: list[Tokens]) -> Tokens:
    starts = None if parts[0].starts is None else np.concatenate([part.starts for part in parts])
    return Tokens(np.concatenate([p.ids for p in parts]), starts, np.concatenate([p.lengths for p in parts]))


def _cut(stretch: np.ndarray, chunk_size: int, fill: Mapping[str, int] | None, name: str) -> list[np.ndarray]:
    """Cut one column between two boundaries: whole chunks without copying, then what is left over if it is kept."""
    whole = len(stretch) - len(stretch) % chunk_size
    pieces = [stretch[:whole].reshape(-1, chunk_size)]
    if fill and whole < len(stretch):
        last = np.full((1, chunk_size), fill[name], dtype=stretch.dtype)
        last[0, : len(stretch) - whole] = stretch[whole:]
        pieces.append(last)
    return pieces


class _Store:
    """Pieces of columns: kept in memory, or written to temporary files that are mapped into it."""

    def __init__(self, directory: str | PathLike[str] | None) -> None:
        self.directory = directory
        self.pieces: dict[str, list[np.ndarray]] = defaultdict(list)
        self.files: dict[str, IO[bytes]] = {}

    def add(self, name: str, pieces: list[np.ndarray]) -> None:
        if self.directory is None:
            self.pieces[name] += pieces
            return
        if name not in self.files:
            self.files[name] = TemporaryFile(dir=self.directory)  # noqa: SIM115, open as long as it is mapped
            self.pieces[name] = [pieces[0][:0]]  # tells type and shape
        for piece in pieces:
            piece.tofile(self.files[name])

    def join(self) -> dict[str, np.ndarray]:
        columns = {name: np.concatenate(pieces) for name, pieces in self.pieces.items()}
        for name, file in self.files.items():
            file.flush()
            if file.tell() > 0:
                flat = np.memmap(file, dtype=columns[name].dtype, mode="r")
                columns[name] = flat.reshape(-1, *columns[name].shape[1:])
        return columns


def to_dataset(columns: dict[str, np.ndarray], chunk_size: int) -> Dataset:
    import pyarrow as pa
    from datasets import Dataset
    from datasets.fingerprint import generate_random_fingerprint

    def to_arrow(array: np.ndarray) -> pa.Array:
        flat = pa.array(array.reshape(-1))
        return flat if array.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, chunk_size)

    table = pa.table({name: to_arrow(array) for name, array in columns.items()})
    # subtle: without a fingerprint the library pickles all data to make one, which copies them
    return Dataset(table, fingerprint=generate_random_fingerprint())
