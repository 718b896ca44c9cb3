"""The chunking picture that can be moved, a section that replaces ``<!-- chunking -->`` in the source of a chapter.

In a notebook opened elsewhere the comment is invisible. On the page it becomes a form and a picture of three short texts,
which ``static/chunking.js`` cuts as :func:`mlmtutor.chunk_texts` does; without JavaScript the picture stays as the
package cut it here.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders import Builder

from mlmtutor.texts.chunking import chunk_tokens
from mlmtutor.texts.encoder import Tokens

from .widgets import TEMPLATES, ReplaceMark, Widget, make_section, register, render, speak

SETTINGS = Path(__file__).with_name("chunking.yml")
PADDING = "–"  # the letter of a place without a token


@dataclass(frozen=True)
class Stretch:
    """What lies between two boundaries: chunks of letters, one letter per token, and what is dropped."""

    chunks: list[str]
    dropped: str


def cut(
    lengths: dict[str, int], *, chunk_size: int, boundary: str, group_size: int, tail: str
) -> list[Stretch]:
    """Let the package cut texts whose tokens are all the letter of their text.

    Example:
        >>> cut({"A": 5, "B": 2}, chunk_size=3, boundary="corpus", group_size=2, tail="drop")
        [Stretch(chunks=['AAA', 'AAB'], dropped='B')]
    """
    texts = [letter * length for letter, length in lengths.items()]
    size = {"corpus": len(texts), "group": group_size, "text": 1}[boundary]
    stretches = []
    for start in range(0, len(texts), size):
        some = texts[start : start + size]
        tokens = Tokens(
            np.array([ord(letter) for letter in "".join(some)]), None, np.array([len(t) for t in some])
        )
        fill = {"input_ids": ord(PADDING)} if tail == "keep" else None
        made = chunk_tokens([tokens], chunk_size=chunk_size, boundary=boundary, fill=fill)
        chunks = ["".join(map(chr, row)) for row in made.dataset["input_ids"]]
        stretches.append(Stretch(chunks, "".join(some)[len(tokens.ids) - made.num_dropped :]))
    return stretches


def count(stretches: list[Stretch]) -> dict[str, int]:
    """Count what the picture shows, by the names of its counters."""
    chunks = [chunk for stretch in stretches for chunk in stretch.chunks]
    return {
        "chunks": len(chunks),
        "dropped": sum(len(stretch.dropped) for stretch in stretches),
        "padding": sum(chunk.count(PADDING) for chunk in chunks),
        "mixed": sum(len(Counter(chunk.replace(PADDING, ""))) > 1 for chunk in chunks),
    }


class ChunkingPicture(Widget):
    """The picture of one page."""

    styles = ("chunking.css",)
    scripts = ("chunking.js", "chunking-picture.js")

    def to_html(self, builder: Builder) -> str:
        """Return the form, its data for the script, and the picture as the package cuts it."""
        settings = self["settings"]
        words = speak(settings["words"], self["language"])
        lengths = {letter: text["tokens"] for letter, text in settings["texts"].items()}
        stretches = cut(lengths, group_size=settings["group_size"], **settings["start"])
        return render(
            "chunking.html",
            settings=settings,
            words=words,
            stretches=stretches,
            padding=PADDING,
            counts=count(stretches),
            data={
                "lengths": lengths,
                "groupSize": settings["group_size"],
                "padding": PADDING,
                "words": words,
            },
        )


class InsertPictures(ReplaceMark):
    """Replaces each mark with a section that has the picture."""

    mark = "<!-- chunking -->"
    sources = (SETTINGS, TEMPLATES / "chunking.html", Path(__file__))

    def make(self) -> nodes.Node:
        settings = yaml.safe_load(SETTINGS.read_text("utf-8"))
        language, _ = self.place()
        title, lead = (settings["words"][name][language] for name in ("title", "lead"))
        widget = ChunkingPicture(language=language, settings=settings)
        return make_section("chunking-picture", title=title, lead=lead, widget=widget)


def setup(app: Sphinx) -> None:
    """Register the section."""
    register(app, ChunkingPicture, InsertPictures)
