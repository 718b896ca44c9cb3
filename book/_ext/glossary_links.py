"""The glossary pages, and links to them where a page first uses a term.

``{glossary-terms}`` lists the entries of ``book/glossary.yml`` in the language of its page. Every chapter in that
language links the first use of each term in its running text to the entry, and the link shows the meaning.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from .glossary import GLOSSARY, Term, TermFinder, read_glossary
from .languages import LANGUAGES, language_of

PAGE = "book/{lang}/a3_glossary"
OTHER = dict(zip(LANGUAGES, reversed(LANGUAGES), strict=True))
CHAPTER = {"en": "Chapter {}", "zh": "第 {} 章"}
REFERENCES = {"References", "参考文献"}  # titles of papers are not our words
NOT_RUNNING_TEXT = (nodes.table, nodes.literal, nodes.reference, nodes.math, nodes.raw)


class GlossaryTerms(SphinxDirective):
    """The entries: English ones in alphabetical order, Chinese ones in teaching order."""

    def run(self) -> list[nodes.Node]:
        lang = language_of(self.env.docname)
        terms = list(read_glossary())
        if lang == "en":
            terms.sort(key=lambda term: term.forms["en"][0].lower())
        entries = [self._entry(term, lang) for term in terms]
        listed = nodes.definition_list("", *entries, classes=["glossary-terms"])
        return [addnodes.glossary("", listed, sorted=False)]

    def _entry(self, term: Term, lang: str) -> nodes.definition_list_item:
        name, translation = (term.forms[of][0] for of in (lang, OTHER[lang]))
        title = nodes.term("", name, ids=[term.anchor])
        if translation != name:
            words = nodes.inline(text=translation, classes=[f"language-{LANGUAGES[OTHER[lang]][0]}"])
            title += [nodes.Text(" "), self._link(PAGE.format(lang=OTHER[lang]), term.anchor, words)]
        other_names = f"又译：{'、'.join(term.also)}。" if lang == "zh" and term.also else ""
        meaning = nodes.paragraph("", "", *self.parse_inline(f"{term.meaning[lang]}{other_names} ")[0])
        chapter = nodes.inline(text=CHAPTER[lang].format(int(term.chapter[:2])), classes=["glossary-chapter"])
        page = f"book/{lang}/{term.chapter}"
        meaning += self._link(page, "", chapter) if page in self.env.found_docs else chapter
        return nodes.definition_list_item("", title, nodes.definition("", meaning))

    def _link(self, page: str, anchor: str, child: nodes.Node) -> nodes.Node:
        return make_refnode(self.env.app.builder, self.env.docname, page, anchor, child)


class LinkFirstUses(SphinxPostTransform):
    """Turns the first use of each term in the running text of a page into a link to its entry."""

    default_priority = 900

    def run(self, **options: object) -> None:
        lang = language_of(self.env.docname)
        target = PAGE.format(lang=lang)
        if not is_notebook(self.env) or target not in self.env.found_docs:
            return
        finder, linked = TermFinder(read_glossary(), lang), set()
        for text in [text for text in self.document.findall(nodes.Text) if is_running_text(text)]:
            parts: list[nodes.Node] = []
            done = 0
            for (start, end), term in finder.find(text):
                if term.anchor not in linked:
                    linked.add(term.anchor)
                    parts += [nodes.Text(text[done:start]), self._link(text[start:end], term, lang)]
                    done = end
            if parts:
                text.parent.replace(text, [*parts, nodes.Text(text[done:])])

    def _link(self, words: str, term: Term, lang: str) -> nodes.reference:
        link = make_refnode(
            self.app.builder,
            self.env.docname,
            PAGE.format(lang=lang),
            term.anchor,
            nodes.Text(words),
            title=re.sub(r"[`$\\]", "", term.meaning[lang]),
        )
        link["classes"].append("glossary-link")
        return link


def is_notebook(env: BuildEnvironment) -> bool:
    """Return whether the current page is a chapter."""
    return env.doc2path(env.docname).endswith(".ipynb")


def is_running_text(text: nodes.Text) -> bool:
    """Return whether a text is in a paragraph, but not in code, a link, formula, table, output or the references."""
    node, in_paragraph = text.parent, False
    while node is not None:
        if isinstance(node, NOT_RUNNING_TEXT) or node.get("nb_element") == "cell_code":
            return False
        if isinstance(node, nodes.section) and node.next_node(nodes.title).astext() in REFERENCES:
            return False
        in_paragraph = in_paragraph or isinstance(node, nodes.paragraph)
        node = node.parent
    return in_paragraph


def depend_on_glossary(app: Sphinx, doctree: nodes.document) -> None:
    """Rebuild a page when the glossary changes, if the book has one."""
    page = PAGE.format(lang=language_of(app.env.docname))
    if page in app.env.found_docs and (is_notebook(app.env) or app.env.docname == page):
        app.env.note_dependency(str(GLOSSARY))


def setup(app: Sphinx) -> None:
    """Register the directive, the links and their style."""
    app.add_directive("glossary-terms", GlossaryTerms)
    app.add_post_transform(LinkFirstUses)
    app.connect("doctree-read", depend_on_glossary)
    app.add_css_file("glossary.css")
    app.add_js_file("glossary.js", loading_method="defer")
