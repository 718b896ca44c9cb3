"""Count the words of the Brown corpus for :mod:`mlmtutor.texts.keyness`: ``python -m mlmtutor.mini.make.brown_words``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from mlmtutor.mini.make.corpora import BROWN_REVIEWS, SOURCES, Document, load_documents
from mlmtutor.mini.make.train import CACHE
from mlmtutor.texts.keyness import BROWN, count_words

MIN_COUNT = 20  # 4,856 words, which make up 92 % of the corpus


def make_table(documents: list[Document], *, min_count: int = MIN_COUNT) -> dict[str, Any]:
    """Count the words of all Brown documents that are not press reviews.

    Args:
        documents: The documents of the corpus.
        min_count: Rarer words are left out of the table, but not of its total.

    Returns:
        Source and licence, ``total``, ``min_count``, and ``counts`` from the most frequent word to the rarest.

    Example:
        >>> table = make_table([Document("ca01", ("A law, a law.",)), Document("cc01", ("A film.",))], min_count=2)
        >>> table["total"], table["counts"]
        (4, {'a': 2, 'law': 2})
    """
    source = SOURCES["brown"]
    words = count_words(p for d in documents if d.name[1] != BROWN_REVIEWS for p in d.paragraphs)
    kept = {word: count for word, count in words.counts.items() if count >= min_count}
    return {
        "source": f"Brown corpus (Francis and Kucera 1964) without press reviews, from {source.package} {source.version}",
        "licence": source.licence,
        "total": words.total,
        "min_count": min_count,
        "counts": dict(sorted(kept.items(), key=lambda item: (-item[1], item[0]))),
    }


def main() -> None:
    """Write the table into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache-dir", type=Path, default=CACHE, help="where the corpora are kept")
    table = make_table(load_documents("brown", cache_dir=parser.parse_args().cache_dir))
    BROWN.write_text(json.dumps(table, indent=0, ensure_ascii=False) + "\n", "utf-8")
    print(f"{len(table['counts']):,} words, {table['total']:,} occurrences of all words, in {BROWN.name}")


if __name__ == "__main__":
    main()
