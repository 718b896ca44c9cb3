"""Segmenters: the programs that cut texts into words where white space does not."""

from __future__ import annotations

import logging
import pkgutil
import warnings
from collections.abc import Callable, Iterable

import numpy as np

JIEBA = "jieba"
Segmenter = Callable[[str], Iterable[str]]

PROBE = "Two words. 看电影。"  # what any segmenter must be able to cut, in letters with and without spaces


def load_segmenter(name: str) -> Segmenter:
    """Load a segmenter by name and try it.

    Args:
        name: ``"jieba"``, or where a function can be imported from: ``"package.module:function"``.

    Returns:
        The function; it takes a text and returns its words in order.

    Raises:
        ImportError: If the package or the function is not there.
        ValueError: If the name is none, or what it names does not cut a text into its words.

    Example:
        >>> load_segmenter("builtins:str.split")("two words")
        ['two', 'words']
        >>> load_segmenter("builtins:len")
        Traceback (most recent call last):
            ...
        ValueError: expected a segmenter in 'builtins:len', found that ...

    Source: chapter 11_your_domain.
    """
    place = {JIEBA: "jieba:cut"}.get(name, name)
    if "." not in place and ":" not in place:
        raise ValueError(f"expected the segmenter 'jieba' or 'package.module:function', found {name!r}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what old packages say when they are compiled
            segmenter = pkgutil.resolve_name(place)
    except ValueError:
        raise ValueError(
            f"expected the segmenter 'jieba' or 'package.module:function', found {name!r}"
        ) from None
    except Exception as error:
        package = place.split(":")[0].split(".")[0]
        raise ImportError(
            f"cannot import the segmenter {name!r}: {str(error) or type(error).__name__:.120}: is it spelled right and "
            f"installed (pip install {package}), or on PYTHONPATH if it is your own?"
        ) from error
    logging.getLogger("jieba").setLevel(logging.WARNING)  # which tells of its dictionary otherwise
    if not callable(segmenter):
        raise ValueError(f"expected a function in the segmenter {name!r}, found {type(segmenter).__name__}")
    try:
        find_segments(PROBE, segmenter)
    except ValueError as error:
        raise ValueError(f"expected a segmenter in {name!r}, found that it fails a test: {error}") from error
    return segmenter


def find_segments(text: str, segmenter: Segmenter) -> np.ndarray:
    """Cut a text into words and return which word each character is in.

    Args:
        text: One text.
        segmenter: Returns the words in order; white space and punctuation may be left out. ``jieba.cut`` is one.

    Returns:
        ``(num_characters,) int64``: the number of the word, -1 for white space and for what was left out.

    Raises:
        ValueError: If the segmenter fails, or returns anything but the words of the text in order.

    Example:
        >>> find_segments("a film.", str.split).tolist()
        [0, -1, 1, 1, 1, 1, 1]

    Source: chapter 05_word_masking.
    """
    word_at = np.full(len(text), -1)
    end = 0
    for number, word in enumerate(_cut(text, segmenter)):
        if not isinstance(word, str):
            raise _complain(text, f"{type(word).__name__} {word!r:.40} for a string")
        start = text.find(word, end)
        if start < 0:
            raise _complain(text, f"{word!r:.40}, which does not follow in it")
        _check_gap(text, end, start)
        end = start + len(word)
        word_at[start:end] = number
    _check_gap(text, end, len(text))
    word_at[[character.isspace() for character in text]] = -1
    return word_at


def _cut(text: str, segmenter: Segmenter) -> list[str]:
    try:
        words = segmenter(text)
        if not isinstance(words, (str, bytes)):
            return list(words)
    except Exception as error:
        raise _complain(text, f"{type(error).__name__}: {error!s:.80}") from error
    raise _complain(text, f"one {type(words).__name__} {words!r:.40} for a list")


def _check_gap(text: str, start: int, end: int) -> None:
    if any(character.isalnum() for character in text[start:end]):
        raise _complain(text, f"none that holds {text[start:end].strip()!r:.40}")


def _complain(text: str, found: str) -> ValueError:
    return ValueError(
        f"expected the segmenter to return the words of the text in order and unchanged, found {found}, for {text!r:.60}"
    )


def starts_from_segments(
    text: str, offsets: list[tuple[int, int]], *, is_special: np.ndarray, segmenter: Segmenter
) -> np.ndarray:
    """Flag the tokens that begin a word, where a segmenter decides what a word is.

    A token that reaches into the next word joins the two. A token of none, such as punctuation that the segmenter
    left out, stands alone.

    Args:
        text: One text.
        offsets: Character range of each token in ``text``, length ``num_tokens``.
        is_special: ``(num_tokens,) bool``.
        segmenter: Cuts a text into its words, see :func:`find_segments`.

    Returns:
        ``(num_tokens,) bool``.

    Raises:
        ValueError: If the segmenter fails, or returns anything but the words of the text in order.

    Example:
        >>> offsets = [(0, 0), (0, 1), (1, 2), (2, 3), (0, 0)]
        >>> special = np.array([True, False, False, False, True])
        >>> starts_from_segments("看电影", offsets, is_special=special, segmenter=lambda text: ["看", "电影"]).tolist()
        [False, True, True, False, False]

    Source: chapter 05_word_masking.
    """
    word_at = np.append(find_segments(text, segmenter), -1)
    position = np.arange(len(text) + 1)
    is_space = np.array([character.isspace() for character in text] + [False])
    # a space before a word belongs to it, as in the pieces of many tokenizers, and one behind it does, too
    following = np.minimum.accumulate(np.where(is_space, len(text), position)[::-1])[::-1]
    before = np.maximum.accumulate(np.where(is_space, 0, position))
    start, end = np.array(offsets, dtype=np.int64).reshape(-1, 2).T
    first = np.where(is_special, -1, word_at[following[start]])  # (num_tokens,), as are the next two
    last = np.where(is_special, -1, word_at[before[np.maximum(end - 1, start)]])
    reached = np.maximum.accumulate(np.maximum(first, last))
    return ((first > np.concatenate([[-1], reached[:-1]])) | (first < 0)) & ~is_special
