"""The plots of the chapters in the page itself: in the colours of the theme, with the words of the page's language.

Chapters draw as SVG (``book/tools/pictures.py``), in black on white and in English, as a notebook needs it anywhere. On the page
each drawing becomes a part of it, so that it is sharp, follows the theme and can be read at the width of a phone.
"""

import hashlib
import re
from functools import cache
from html import escape, unescape
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from .languages import language_of

WORDS = Path(__file__).with_name("figures.yml")
BACKGROUND = re.compile(
    r'<path d="[^"]*" style="fill: #ffffff" />'
)  # of the whole and of its axes, the first two
COLOURS = {
    "#000000": "currentcolor",
    "#ffffff": "var(--pst-color-background)",
    "#0072b2": "var(--plot-blue)",
    "#d55e00": "var(--plot-orange)",
    "#009e73": "var(--plot-green)",
    "#cc79a7": "var(--plot-pink)",
    "#808080": "var(--pst-color-text-muted)",
}
COLOUR = re.compile("|".join(COLOURS))
OWN_ID = re.compile(r'(\bid="|url\(#|href="#)')
SIZE = re.compile(r' (?:width|height)="[\d.]+pt"')
TEXT = re.compile(r"(<text\b[^>]*>)([^<]+)")
SIZE_OF_TEXT = re.compile(r"(<text\b[^>]*font-size: )([\d.]+)px")
SMALLEST = 10  # of the drawing's units; on a phone, what is smaller cannot be read


class InlineFigures(SphinxTransform):
    """Replaces each picture that is a drawing by the drawing itself."""

    default_priority = 500

    def apply(self, **options: object) -> None:
        language = language_of(self.env.docname)
        for number, image in enumerate(list(self.document.findall(nodes.image))):
            if image["uri"].endswith(".svg") and "://" not in image["uri"]:
                path = Path(self.env.relfn2path(image["uri"])[1])
                svg = fit_into_page(
                    path.read_text("utf-8"), alt=image.get("alt", ""), language=language, number=number
                )
                image.parent.replace(image, nodes.raw("", svg, format="html"))
                for source in (path, WORDS):
                    self.env.note_dependency(str(source))


def fit_into_page(drawing: str, *, alt: str, language: str, number: int = 0) -> str:
    """Return a drawing with the colours of the theme, words of one language, and ids that no other drawing has.

    Args:
        drawing: SVG, as ``book/tools/pictures.py`` keeps it.
        alt: What it shows, for readers who do not see it.
        language: ``en`` or ``zh``.
        number: Which one of the page it is.
    """
    name = hashlib.sha256(f"{number} {drawing}".encode()).hexdigest()[:8]
    drawing = BACKGROUND.sub("", drawing, count=2)
    drawing = SIZE_OF_TEXT.sub(lambda text: f"{text[1]}{max(SMALLEST, float(text[2])):g}px", drawing)
    drawing = COLOUR.sub(lambda colour: COLOURS[colour[0]], drawing)
    drawing = OWN_ID.sub(rf"\g<1>{name}-", SIZE.sub("", drawing, count=2))
    if language == "zh":
        drawing = TEXT.sub(lambda text: text[1] + escape(translate(unescape(text[2])), quote=False), drawing)
    return drawing.replace("<svg", f'<svg class="plot" role="img" aria-label="{escape(alt)}"', 1)


def translate(text: str) -> str:
    """Return the Chinese for the words of a drawing; words of the model, numbers and code stay as they are.

    Example:
        >>> translate("length (tokens)"), translate("seconds for 2,000 reviews"), translate("##ing")
        ('长度（词元）', '处理 2,000 条影评所用的秒数', '##ing')
    """
    exact, patterns = read_words()
    if text in exact:
        return exact[text]
    for pattern, chinese in patterns.items():
        if match := pattern.fullmatch(text):
            return chinese.format(*(exact.get(part, part) for part in match.groups()))
    return text


@cache
def read_words() -> tuple[dict[str, str], dict[re.Pattern, str]]:
    """Return the words of drawings in Chinese: whole texts, and patterns for texts with numbers in them."""
    words = yaml.safe_load(WORDS.read_text("utf-8"))
    exact = {english: chinese for english, chinese in words.items() if "{}" not in english}
    patterns = {
        re.compile(re.escape(english).replace(r"\{\}", "(.+)")): chinese
        for english, chinese in words.items()
        if "{}" in english
    }
    return exact, patterns


def setup(app: Sphinx) -> None:
    """Register the transform and the style of plots."""
    app.add_transform(InlineFigures)
    app.add_css_file("figures.css")
