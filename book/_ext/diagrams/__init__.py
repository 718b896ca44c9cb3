"""The diagrams, figures that replace ``<!-- diagram: chunking -->`` in the source of a chapter or a page.

In a notebook opened elsewhere the comment is invisible. On the page it becomes an inline SVG in the colours of the theme,
with the words of the page's language. A page in both languages names one: ``<!-- diagram: course zh -->``.
"""

import re
from collections.abc import Callable
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform

from .canvas import Drawing
from .course import draw_course, draw_encoder_and_head
from .measures import draw_bootstrap, draw_eighty_ten_ten, draw_frozen_pairs, draw_low_rank, draw_shared_step
from .texts import draw_chunking, draw_held_out, draw_word_groups

HERE = Path(__file__).parent
WORDS = HERE / "words.yml"
MARK = re.compile(r"<!-- diagram: (\w+)(?: (en|zh))? -->")
DIAGRAMS: dict[str, Callable[[dict[str, str]], Drawing]] = {
    "course": draw_course,
    "encoder_and_head": draw_encoder_and_head,
    "chunking": draw_chunking,
    "eighty_ten_ten": draw_eighty_ten_ten,
    "word_groups": draw_word_groups,
    "held_out": draw_held_out,
    "frozen_pairs": draw_frozen_pairs,
    "bootstrap": draw_bootstrap,
    "low_rank": draw_low_rank,
    "shared_step": draw_shared_step,
}


class Diagram(nodes.General, nodes.Element):
    """A drawing; its ``svg`` is written unchanged and is not in the search index."""


class InsertDiagrams(SphinxTransform):
    """Replaces each mark with a figure: the drawing and its caption."""

    default_priority = 500

    def apply(self, **options: object) -> None:
        for comment in list(self.document.findall(nodes.raw)):
            if mark := MARK.fullmatch(comment.astext().strip()):
                comment.parent.replace(comment, self._figure(*mark.groups()))
                for path in [WORDS, *HERE.glob("*.py")]:
                    self.env.note_dependency(str(path))

    def _figure(self, name: str, language: str | None) -> nodes.figure:
        language = language or self.env.docname.removeprefix("book/").partition("/")[0]
        if name not in DIAGRAMS or language not in ("en", "zh"):
            raise ExtensionError(f"{self.env.docname} has a mark for a diagram {name!r} in {language!r}")
        words = read_words(language)[name]
        figure = nodes.figure("", Diagram(svg=draw(name, language)), classes=["diagram"])
        figure["ids"] = [f"diagram-{name}-{language}".replace("_", "-")]
        parts = words["caption"].split("`")  # every second one is code
        figure += nodes.caption(
            "", "", *[nodes.literal("", part) if n % 2 else nodes.Text(part) for n, part in enumerate(parts)]
        )
        return figure


def read_words(language: str) -> dict[str, dict[str, str]]:
    """Return the words of every diagram in one language."""
    diagrams = yaml.safe_load(WORDS.read_text("utf-8"))
    return {
        name: {key: both[language].replace("|", "\n") for key, both in words.items()}
        for name, words in diagrams.items()
    }


def draw(name: str, language: str) -> str:
    """Return one diagram as SVG, with the words of one language."""
    words = read_words(language)[name]
    return DIAGRAMS[name](words).to_svg(name=f"{name}-{language}", title=words["title"], text=words["text"])


def write_html(translator, node: Diagram) -> None:
    """Write the drawing unchanged."""
    translator.body.append(node["svg"])
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the figures and their style."""
    app.add_node(Diagram, html=(write_html, None))
    app.add_transform(InsertDiagrams)
    app.add_css_file("diagrams.css")
