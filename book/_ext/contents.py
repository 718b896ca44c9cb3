"""Tables of contents in one language.

The sidebar of a page lists the chapters of its language only. ``{chapters} zh`` writes the Chinese list into a page.
"""

from collections.abc import Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.adapters.toctree import TocTree
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from .languages import LANGUAGES, language_of


class Chapters(SphinxDirective):
    """The chapters of a language, numbered, and then its appendices."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return [chapter_list(lang=self.arguments[0])]


class chapter_list(nodes.General, nodes.Element):
    """A placeholder for the list, until the titles of all pages are known."""


def parts_of(env: BuildEnvironment, language: str) -> Iterator[addnodes.toctree]:
    """Yield the parts of ``_toc.yml``, each with only its pages in this language, and no empty part."""
    for part in env.tocs[env.config.root_doc].findall(addnodes.toctree):
        own = part.deepcopy()
        own["includefiles"] = [page for page in part["includefiles"] if language_of(page) == language]
        own["entries"] = [entry for entry in part["entries"] if entry[1] in own["includefiles"]]
        if own["entries"]:
            yield own


def write_lists(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace each placeholder with its list."""
    for place in doctree.findall(chapter_list):
        lists = []
        for part in parts_of(app.env, place["lang"]):
            items = [_link(app, docname, page) for page in part["includefiles"]]
            if part["numbered"]:
                lists.append(nodes.enumerated_list("", *items, enumtype="arabic", suffix="."))
            else:
                lists += [nodes.rubric(text=part["caption"]), nodes.bullet_list("", *items)]
        language = LANGUAGES[place["lang"]][0]
        place.replace_self(nodes.container("", *lists, classes=["chapters", f"language-{language}"]))


def _link(app: Sphinx, docname: str, page: str) -> nodes.list_item:
    link = make_refnode(app.builder, docname, page, "", nodes.Text(app.env.titles[page].astext()))
    return nodes.list_item("", nodes.paragraph("", "", link))


def show_own_language(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Show only the parts of the page's language in the sidebar."""

    def contents(**options: object) -> str:
        resolve = TocTree(app.env).resolve
        parts = [
            resolve(pagename, app.builder, part, **options)
            for part in parts_of(app.env, language_of(pagename))
        ]
        return "".join(app.builder.render_partial(part)["fragment"] for part in parts if part)

    context["toctree"] = contents


def setup(app: Sphinx) -> None:
    """Register the directive and the handlers."""
    app.add_node(chapter_list)
    app.add_directive("chapters", Chapters)
    app.connect("doctree-resolved", write_lists)
    app.connect("html-page-context", show_own_language)
