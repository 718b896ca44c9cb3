"""The mask playground, a section that replaces ``<!-- playground -->`` in the source of a chapter.

In a notebook opened elsewhere the comment is invisible. On the page it becomes a form, where ``static/playground.js``
masks as :func:`mlmtutor.mask_batch` does; without JavaScript the page shows one draw of the package.
"""

import json
from pathlib import Path

import jinja2
import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform

from mlmtutor.masks.masking import MaskingSettings

from .passages import PASSAGES, read_passages

HERE = Path(__file__).parent
SETTINGS = HERE / "playground.yml"
TEMPLATE = HERE / "templates" / "playground.html"
MARK = "<!-- playground -->"
FILES = ("masking.js", "playground.js")


class Playground(nodes.General, nodes.Element):
    """The playground; its ``html`` is written unchanged and is not in the search index."""


class InsertPlaygrounds(SphinxTransform):
    """Replaces each mark with a section that has the playground."""

    default_priority = 500

    def apply(self, **options: object) -> None:
        for mark in list(self.document.findall(nodes.raw)):
            if mark.astext().strip() == MARK:
                mark.parent.replace(mark, self._section())
                for path in (SETTINGS, TEMPLATE, PASSAGES, Path(__file__)):
                    self.env.note_dependency(str(path))

    def _section(self) -> nodes.section:
        settings = yaml.safe_load(SETTINGS.read_text("utf-8"))
        language, _, slug = self.env.docname.removeprefix("book/").partition("/")
        if slug not in settings["chapters"]:
            raise ExtensionError(f"{slug} has a {MARK} but no entry in {SETTINGS.name}")
        chapter = settings["chapters"][slug]
        words = {name: forms[language] for name, forms in settings["words"].items()}
        section = nodes.section("", ids=["playground"], names=["playground"])
        section += nodes.title("", words["title"])
        section += nodes.paragraph("", chapter["lead"][language])
        section += Playground(html=render(chapter, words))
        return section


def render(chapter: dict, words: dict[str, str]) -> str:
    """Return the form, its data for the script, and the first draw of the package as an example."""
    passage = read_passages()[chapter["passages"][0]]
    settings = MaskingSettings(unit=chapter["unit"], mask_prob=chapter["rate"] / 100)
    data = json.loads(PASSAGES.read_text("utf-8"))
    data["passages"] = {name: data["passages"][name] for name in chapter["passages"]}
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        chapter=chapter,
        words=words,
        lang=passage.lang,
        # of a large batch, like the script: a batch of one row always hides something
        example=passage.draw(settings, num_rows=100)[0],
        data={**data, "words": words},
    )


def write_html(translator, node: Playground) -> None:
    """Write the playground unchanged."""
    translator.body.append(node["html"])
    raise nodes.SkipNode


def add_files(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Add scripts and style to the pages that have a playground, and to no others."""
    if doctree and next(doctree.findall(Playground), None):
        app.add_css_file("playground.css")
        for name in FILES:
            app.add_js_file(name, loading_method="defer")


def setup(app: Sphinx) -> None:
    """Register the section and its files."""
    app.add_node(Playground, html=(write_html, None))
    app.add_transform(InsertPlaygrounds)
    app.connect("html-page-context", add_files)
