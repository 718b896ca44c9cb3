"""Which words make a set of texts different from another one: counting words and ranking keywords."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlmtutor.texts.segmenters import Segmenter

BROWN = Path(__file__).parents[1] / "data" / "brown_words.json"
ASCII_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")  # letters, with apostrophes inside: film, don't
# one sign for the apostrophe; soft hyphens and joiners show how a word is set, not which one it is
ALIKE = str.maketrans("\u2019\u02bc\uff07", "'''", "\u00ad\u200c\u200d\u2060")


@dataclass(frozen=True)
class WordCounts:
    """How often words occur in a set of texts.

    Attributes:
        counts: Occurrences by word; a table of frequent words may leave out the rare ones.
        total: Occurrences of all words, also of those that the table leaves out.

    Example:
        >>> WordCounts({"film": 3}, total=2_000_000).per_million("film")
        1.5

    Source: chapter 02_reviews.
    """

    counts: Mapping[str, int]
    total: int

    def per_million(self, word: str) -> float:
        """Occurrences per million words; 0 for a word that is not in the table."""
        return 1e6 * self.counts.get(word, 0) / self.total


@dataclass(frozen=True)
class Keyword:
    """A word, how often two sets of texts use it per million words, and the ratio by which it was ranked."""

    word: str
    keyness: float
    per_million: float
    reference_per_million: float


def count_words(texts: Iterable[str], *, segmenter: Segmenter | None = None) -> WordCounts:
    """Count the words of texts, in lower case.

    A word is a run of letters, with apostrophes between them. Digits and punctuation are not words. However a text
    writes apostrophes and accents, the word is the same.

    Args:
        texts: The texts.
        segmenter: Cuts a text into words where white space does not, such as ``jieba.cut``; what it returns counts as a
            word if it has a letter. None: runs of letters, which in Chinese are whole clauses.

    Raises:
        ValueError: If there is no word.

    Example:
        >>> counts = count_words(["A film, a FILM!", "It's no film."])
        >>> counts.counts["film"], counts.counts["it's"], counts.total
        (3, 1, 7)
        >>> count_words(["Don\u2019t!"]).counts["don't"]
        1
        >>> count_words(["看电影。"], segmenter=lambda text: ["看", "电影", "。"]).counts["电影"]
        1

    Source: chapter 02_reviews.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        if segmenter is not None:
            words = (word.strip().lower() for word in segmenter(text))
            counts.update(word for word in words if any(map(str.isalpha, word)))
        elif text.isascii():
            counts.update(ASCII_WORD.findall(text.lower()))
        else:
            text = unicodedata.normalize("NFC", text.lower()).translate(ALIKE)
            counts.update(_word_pattern().findall(text))
    if not counts:
        raise ValueError("expected texts with at least one word, found none")
    return WordCounts(counts, counts.total())


@cache
def _word_pattern() -> re.Pattern[str]:
    """The pattern of a word in any script: with the vowel signs of Hindi, Tamil or Thai, and accents set apart."""
    # subtle: one character beyond 0xFFFF in the set, and the search takes four times as long
    marks = "".join(c for c in map(chr, range(0x300, 0x10000)) if unicodedata.category(c)[0] == "M")
    letters = rf"[^\W\d_]+(?:[{marks}]+[^\W\d_]*)*"
    return re.compile(f"{letters}(?:'{letters})*")


def load_brown_counts() -> WordCounts:
    """Load how often words occur in the Brown corpus, a million words of American English of 1961.

    The table holds the words that occur 20 times or more; its total counts all words. Category C of the corpus
    (press reviews) is left out, so that no review is in it. It was made by ``python -m mlmtutor.mini.make.brown_words``.

    Example:
        >>> brown = load_brown_counts()
        >>> brown.counts["film"], brown.counts["government"], brown.total
        (82, 421, 978203)

    Source: chapter 02_reviews.
    """
    table = json.loads(BROWN.read_text("utf-8"))
    return WordCounts(table["counts"], table["total"])


def find_keywords(
    counts: WordCounts, reference: WordCounts, *, smoothing: float = 100.0, top_k: int = 20
) -> list[Keyword]:
    """Rank the words that one set of texts uses more than another.

    Keyness is a ratio of frequencies per million words, with ``smoothing`` added to both. The larger it is, the more
    the ranking keeps to frequent words, and the less a word matters that the reference happens to lack.

    Args:
        counts: Words of the texts in question.
        reference: Words of the texts to compare with.
        smoothing: Occurrences per million added on both sides; above 0.
        top_k: Keywords to return.

    Returns:
        At most ``top_k`` keywords, the highest keyness first; equal ones in the order of the alphabet.

    Raises:
        ValueError: If ``smoothing`` or ``top_k`` is out of range.

    Example:
        >>> reviews, news = count_words(["a film", "a good film"]), count_words(["a good law", "a law"])
        >>> [(word.word, word.keyness) for word in find_keywords(reviews, news, smoothing=200_000, top_k=2)]
        [('film', 3.0), ('a', 1.0)]

    Source: Kilgarriff 2009, "Simple maths for keywords"; chapter 02_reviews.
    """
    if smoothing <= 0:
        raise ValueError(f"smoothing must be above 0 occurrences per million, got {smoothing}")
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, got {top_k}")
    words = []
    for word in counts.counts:
        here, there = counts.per_million(word), reference.per_million(word)
        words.append(Keyword(word, (here + smoothing) / (there + smoothing), here, there))
    return sorted(words, key=lambda keyword: (-keyword.keyness, keyword.word))[:top_k]
