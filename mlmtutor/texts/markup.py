"""HTML in texts: line breaks, tags and entities, which a model learns before anything else."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

from mlmtutor.model.doubts import Doubt

TAGS = (
    "a b blockquote body br center code div em font h1 h2 h3 h4 h5 h6 head hr html i img li ol p pre script small span "
    "strong style sub sup table tbody td th thead title tr u ul"
)
MARKUP = re.compile(
    rf"</?(?:{'|'.join(TAGS.split())})(?:\s[^<>]*)?/?>|&(?:amp|apos|gt|lt|nbsp|quot|#x?[0-9a-f]+);",
    re.IGNORECASE,
)
DOUBTFUL_SHARE = 0.01  # of the texts; a tag in one letter of a hundred flatters nothing


def find_markup(texts: Sequence[str]) -> list[int]:
    """Find the texts that contain HTML: a tag such as ``<br />`` or an entity such as ``&amp;``.

    Example:
        >>> find_markup(["Great.<br />I loved it.", "I <3 it, 2 < 3 > 1", "Tom &amp; Jerry"])
        [0, 2]

    Source: chapter 11_your_domain.
    """
    return [position for position, text in enumerate(texts) if MARKUP.search(text)]


def check_markup(texts: Sequence[str]) -> None:
    """Warn if more than one text in a hundred contains HTML.

    Warns:
        Doubt: With the number of these texts.

    Source: chapter 11_your_domain.
    """
    found = find_markup(texts)
    if len(found) > DOUBTFUL_SHARE * len(texts):
        example = MARKUP.search(texts[found[0]])[0]
        warnings.warn(
            f"{len(found):,} of {len(texts):,} texts contain HTML such as {example:.20}: the model will learn that first, "
            "which makes the gain look larger than it is; take it out of the texts",
            Doubt,
            stacklevel=3,
        )
