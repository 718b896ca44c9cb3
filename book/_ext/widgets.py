"""What the forms of the site share: a mark in a source becomes a form, whose files come with the pages that have it."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import jinja2
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.transforms import SphinxTransform

TEMPLATES = Path(__file__).parent / "templates"
STYLES = ("widgets.css",)
SCRIPTS = ("widgets.js",)


class Widget(nodes.General, nodes.Element):
    """A form; it is no part of the search index."""

    styles: ClassVar[tuple[str, ...]] = ()
    scripts: ClassVar[tuple[str, ...]] = ()
    modules: ClassVar[tuple[str, ...]] = ()  # scripts that import others

    def to_html(self, builder: Builder) -> str:
        """Return the form as it stands on its page."""
        raise NotImplementedError


class ReplaceMark(SphinxTransform):
    """Replaces each `mark` in a source; its page is made again when one of the `sources` changes."""

    default_priority = 500
    mark: ClassVar[str]
    sources: ClassVar[tuple[Path, ...]]

    def make(self) -> nodes.Node:
        """Return what comes instead of a mark."""
        raise NotImplementedError

    def apply(self, **options: object) -> None:
        for comment in list(self.document.findall(nodes.raw)):
            if comment.astext().strip() == self.mark:
                comment.parent.replace(comment, self.make())
                for path in (*self.sources, Path(__file__)):
                    self.env.note_dependency(str(path))

    def place(self) -> tuple[str, str]:
        """Return the language and the name of the page."""
        language, _, slug = self.env.docname.removeprefix("book/").partition("/")
        return language, slug


def make_section(name: str, *, title: str, lead: str, widget: Widget) -> nodes.section:
    """Return a section of a chapter that has a form."""
    section = nodes.section("", ids=[name], names=[name])
    section += nodes.title("", title)
    section += nodes.paragraph("", lead)
    section += widget
    return section


def speak(settings: dict[str, dict[str, str]], language: str) -> dict[str, str]:
    """Return words in one language, from a file that has each in both."""
    return {name: forms[language] for name, forms in settings.items()}


def render(template: str, **values: object) -> str:
    """Fill in one of the templates."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((TEMPLATES / template).read_text("utf-8")).render(**values)


def write_html(translator, node: Widget) -> None:
    """Write a form."""
    translator.body.append(node.to_html(translator.builder))
    raise nodes.SkipNode


def add_files(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Add scripts and styles to the pages that have a form, and to no others."""
    widgets = list(doctree.findall(Widget)) if doctree else []
    if not widgets:
        return

    def once(files: Iterable[tuple[str, ...]]) -> dict[str, None]:
        return dict.fromkeys(name for names in files for name in names)

    for name in once((STYLES, *(widget.styles for widget in widgets))):
        app.add_css_file(name)
    for name in once((SCRIPTS, *(widget.scripts for widget in widgets))):
        app.add_js_file(name, loading_method="defer")
    for name in once(widget.modules for widget in widgets):
        app.add_js_file(name, type="module")


def register(app: Sphinx, widget: type[Widget], transform: type[ReplaceMark]) -> None:
    """Register one kind of form."""
    app.add_node(widget, html=(write_html, None))
    app.add_transform(transform)


def setup(app: Sphinx) -> None:
    """Register the handler that adds the files of all forms."""
    app.connect("html-page-context", add_files)
