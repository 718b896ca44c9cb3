"""What a word is: which tokens begin one, and which may be masked at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BEGINS, CONTINUES, SPECIAL = np.arange(3, dtype=np.int8)  # what a token does in a word


@dataclass(frozen=True, eq=False)
class TokenTable:
    """All that masking needs to know of a tokenizer, as arrays over its vocabulary.

    It is small and plain, so data-loader workers get it instead of the tokenizer.

    Attributes:
        mask_id: Id of the mask token.
        pad_id: Id of the padding token, None if there is none.
        is_special: ``(vocab_size,) bool``; such tokens are never masked.
        continues_word: ``(vocab_size,) bool``, the tokens that WordPiece marks with ``##``;
            None where the tokenizer marks no such thing.
        ordinary_ids: Ids that a random replacement is drawn from: every token that is not special.
        unk_id: Id that stands for what the vocabulary lacks, None if there is none. It counts as special.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> table = TokenTable.from_tokenizer(tiny_tokenizer())
        >>> table.mask_id, int(table.continues_word.sum())
        (4, 3)

    Source: chapter 05_word_masking.
    """

    mask_id: int
    pad_id: int | None
    is_special: np.ndarray
    continues_word: np.ndarray | None
    ordinary_ids: np.ndarray
    unk_id: int | None = None

    @classmethod
    def from_tokenizer(cls, tokenizer: PreTrainedTokenizerBase) -> TokenTable:
        """Read the table off a tokenizer.

        Raises:
            ValueError: If the tokenizer has no mask token, as those of causal models do.
        """
        if tokenizer.mask_token_id is None:
            raise ValueError(
                f"expected a tokenizer with a mask token, found none in {tokenizer.name_or_path or 'this one'!r}: "
                "is it the tokenizer of a causal language model?"
            )
        vocabulary, is_special = tokenizer.get_vocab(), flag_special(tokenizer)
        prefix = continuation_prefix(tokenizer)
        continues_word = None
        if prefix is not None:
            continues_word = np.zeros(len(is_special), dtype=bool)
            continues_word[[i for token, i in vocabulary.items() if token.startswith(prefix)]] = True
        ordinary = np.setdiff1d(np.fromiter(vocabulary.values(), dtype=np.int32), np.flatnonzero(is_special))
        return cls(
            tokenizer.mask_token_id,
            tokenizer.pad_token_id,
            is_special,
            continues_word,
            ordinary,
            find_unk_id(tokenizer),
        )

    @cached_property
    def roles(self) -> np.ndarray:
        """What each token does in a word, ``(vocab_size,) int8``: begin it, continue it, or stand outside."""
        roles = np.where(self.continues_word, CONTINUES, BEGINS)
        roles[self.is_special] = SPECIAL
        return roles


def continuation_prefix(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Return the prefix of tokens that continue a word, or None if the tokenizer has no such prefix.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> continuation_prefix(tiny_tokenizer())
        '##'

    Source: chapter 05_word_masking.
    """
    model = _read_model(tokenizer)
    # an empty prefix would make every token a continuation
    return (model["continuing_subword_prefix"] or None) if model.get("type") == "WordPiece" else None


def flag_special(tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    """Flag the tokens that no text is made of: ``(vocab_size,) bool``, the unknown token among them.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> np.flatnonzero(flag_special(tiny_tokenizer())).tolist()
        [0, 1, 2, 3, 4]

    Source: chapter 05_word_masking.
    """
    is_special = np.zeros(max(len(tokenizer), max(tokenizer.get_vocab().values()) + 1), dtype=bool)
    is_special[tokenizer.all_special_ids] = True
    unk_id = find_unk_id(tokenizer)
    if unk_id is not None:
        is_special[unk_id] = True
    return is_special


def find_unk_id(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """Return the id of what the vocabulary lacks, None if there is none, as where tokens are made of bytes.

    A tokenizer that was trained and then wrapped may know it in its model only.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> find_unk_id(tiny_tokenizer())
        1

    Source: chapter 05_word_masking.
    """
    if tokenizer.unk_token_id is not None:
        return tokenizer.unk_token_id
    model = _read_model(tokenizer)
    token = model.get("unk_token")
    return model.get("unk_id") if token is None else model["vocab"].get(token)


def _read_model(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return {} if backend is None else json.loads(backend.to_str())["model"]


def find_first_pieces(
    input_ids: np.ndarray, *, table: TokenTable, word_starts: np.ndarray | None = None
) -> np.ndarray:
    """Return, for every token, the position of the first piece of its word.

    A word ends at the next word, at a special token and at the end of the row. Pieces whose word began in
    the row before (a chunk border cut it) have no first piece: the word counts once, where it begins.

    Args:
        input_ids: ``(batch_size, chunk_size)`` integers.
        table: The tokenizer's :class:`TokenTable`.
        word_starts: ``(batch_size, chunk_size) bool``, true where a word begins. Needed when the tokenizer
            marks no continuations, or to overrule it (a Chinese segmenter).

    Returns:
        ``(batch_size, chunk_size) int64``; -1 where a token is special or its word began in the row before.

    Raises:
        ValueError: If the words can be told neither from the tokens nor from ``word_starts``.

    Example:
        >>> from mlmtutor.testing import tiny_tokenizer
        >>> tokenizer = tiny_tokenizer()
        >>> ids = np.array([tokenizer("good film ##s").input_ids])  # [CLS] good film ##s [SEP]
        >>> find_first_pieces(ids, table=TokenTable.from_tokenizer(tokenizer)).tolist()
        [[-1, 1, 2, 2, -1]]

    Source: chapter 05_word_masking.
    """
    first, is_word, stretch = find_words(input_ids, table=table, word_starts=word_starts)
    position = np.where(is_word, first % input_ids.shape[1], -1)  # (num_stretches,)
    return position.take(stretch).reshape(input_ids.shape)


def begins_word(first_pieces: np.ndarray) -> np.ndarray:
    """Return where a word begins, ``(..., num_tokens) bool``; a token without a word stands for itself.

    Example:
        >>> begins_word(np.array([-1, 1, 2, 2, -1])).tolist()
        [True, True, True, False, True]
    """
    return (first_pieces == np.arange(first_pieces.shape[-1])) | (first_pieces < 0)


def find_words(
    input_ids: np.ndarray, *, table: TokenTable, word_starts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut a batch into stretches: a word with all its pieces, or tokens that belong to none.

    Arguments and errors are those of :func:`find_first_pieces`.

    Returns:
        The position of each stretch's first token in the flattened batch, ``(num_stretches,) int64``, whether the
        stretch is a word, ``(num_stretches,) bool``, and the stretch that each token lies in, ``(num_tokens,) int64``.
    """
    flat_ids = input_ids.reshape(-1)
    if word_starts is not None:
        roles = np.where(word_starts.reshape(-1), BEGINS, CONTINUES)
        roles[table.is_special.take(flat_ids)] = SPECIAL
    elif table.continues_word is not None:
        roles = table.roles.take(flat_ids)
    else:
        raise ValueError(
            "expected word_starts, since this tokenizer does not mark the pieces that continue a word, "
            "found None: make the chunks with mlmtutor.chunk_texts, which stores them"
        )
    cuts = roles != CONTINUES
    cuts[:: input_ids.shape[1]] = True  # a word ends with its row
    first = np.flatnonzero(cuts)
    stretch = np.cumsum(cuts)
    stretch -= 1
    return first, roles.take(first) == BEGINS, stretch


def starts_from_word_ids(word_ids: list[int | None]) -> np.ndarray:
    """Flag the tokens that begin a word, from a fast tokenizer's word ids of one text.

    Example:
        >>> starts_from_word_ids([None, 0, 1, 1, None]).tolist()
        [False, True, True, False, False]

    Source: chapter 05_word_masking.
    """
    ids = np.array([-1 if i is None else i for i in word_ids])
    return (ids != np.concatenate([[-1], ids[:-1]])) & (ids >= 0)
