"""Two languages in one site.

A page ``book/en/NAME`` has its counterpart at ``book/zh/NAME``. Every page gets the ``lang`` of its folder, a link
to its counterpart in the header, and the theme's own words in its language. Sections have the same anchors in both
languages (``s1``, ``s2``, ...), so the link can lead to the section that is being read.
"""

from gettext import NullTranslations
from pathlib import Path

from docutils import nodes
from sphinx import locale
from sphinx.application import Sphinx
from sphinx.util import logging

from .theme_words import CATALOGUES, HARD_CODED, chinese

HERE = Path(__file__).parent
LOGGER = logging.getLogger(__name__)

# folder -> (value of the lang attribute, text of a link to this language, text in the search field)
LANGUAGES = {
    "en": ("en", "English", "Search this book ..."),
    "zh": ("zh-CN", "中文", "搜索本书……"),
}
DEFAULT = "en"  # for the landing page, which is outside both folders
GENERATED = {"search"}  # pages in both folders that have no source


def language_of(pagename: str) -> str:
    """Return the language folder of a page, e.g. ``zh`` for ``book/zh/01_fill_mask``, or the default."""
    parts = pagename.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "book" and parts[1] in LANGUAGES else DEFAULT


def counterparts(pagename: str, known: set[str]) -> dict[str, str]:
    """Return the page in each language, itself included; nothing for a page without a counterpart."""
    language = language_of(pagename)
    prefix = f"book/{language}/"
    if not pagename.startswith(prefix):
        return {}
    pages = {other: f"book/{other}/{pagename.removeprefix(prefix)}" for other in LANGUAGES}
    name = pagename.removeprefix(prefix)
    return pages if name in GENERATED or known.issuperset(pages.values()) else {}


def number_sections(app: Sphinx, doctree: nodes.document) -> None:
    """Add a numbered anchor to every section but the first, which is the page."""
    for number, section in enumerate(doctree.findall(nodes.section)):
        if number:
            section["ids"].append(f"s{number}")


def swap_words(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Switch Sphinx to the words of the page's language before it writes the text."""
    locale.translators.update(app.theme_words[language_of(docname)])


def speak_the_pages_language(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Switch the theme's words and set the language link before any other handler uses them."""
    language = language_of(pagename)
    words = app.theme_words[language]
    locale.translators.update(words)
    app.builder.templates.environment.install_gettext_translations(words["general", "sphinx"])
    context["language_links"] = [
        {"page": page, "lang": LANGUAGES[other][0], "text": LANGUAGES[other][1]}
        for other, page in counterparts(pagename, app.env.found_docs).items()
        if other != language
    ]
    _, previous, following = app.builder.relations.get(pagename, [None, None, None])
    for name, page in (("prev", previous), ("next", following)):
        # "next" does not lead from the last English page to the first Chinese one, nor from the landing page
        if page and (language_of(page) != language or pagename == app.config.root_doc):
            context[name] = None


def set_language(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Set the page's ``lang`` after the theme's handlers have run."""
    language = language_of(pagename)
    context["language"], _, context["theme_search_bar_text"] = LANGUAGES[language]
    if pagename.startswith(f"book/{language}/") and not counterparts(pagename, app.env.found_docs):
        LOGGER.warning("%s has no counterpart in the other language", pagename)


def add_own_files(app: Sphinx, config) -> None:
    """Add the folders of our templates and static files."""
    config.templates_path.append(str(HERE / "templates"))
    config.html_static_path.append(str(HERE / "static"))


def load_theme_words(app: Sphinx) -> None:
    """Load the words of both languages before the first page is read."""
    untouched = {key: locale.translators.get(key, NullTranslations()) for key in CATALOGUES}
    app.theme_words = {"en": untouched, "zh": chinese()}
    render = app.builder.templates.render

    def render_in_language(template: str, context: dict) -> str:
        page = render(template, context)
        if language_of(context.get("pagename", "")) == "zh":
            for english, chinese in HARD_CODED.items():
                page = page.replace(english, chinese)
        return page

    app.builder.templates.render = render_in_language


def setup(app: Sphinx) -> None:
    """Register the handlers."""
    app.connect("config-inited", add_own_files)
    app.connect("builder-inited", load_theme_words, priority=900)
    app.connect("doctree-read", number_sections, priority=900)
    app.connect("doctree-resolved", swap_words)
    app.connect("html-page-context", speak_the_pages_language, priority=1)
    app.connect("html-page-context", set_language, priority=600)  # the theme's: 500, 501
    app.add_css_file("languages.css")
    app.add_js_file("languages.js", loading_method="defer")
