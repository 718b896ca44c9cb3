"""Search in the text of the pages, section by section, with one index per language.

Why our own engine: any part of a Chinese sentence should be found. Sphinx's search takes a run of Chinese for one word
and knows only which page has it. Pagefind segments Chinese queries since 2026, but does not find arbitrary parts of a
sentence (its issue 987). Here the index is the text itself, so the browser finds any part and can show the sentence.
Each language has its own search page and index, which nothing loads before somebody searches. What the scripts
make of a query that finds nothing as it is, such as a question, is in ``search_words.yml``.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.search.en import SearchEnglish

from .glossary import read_glossary
from .languages import DEFAULT, LANGUAGES, language_of
from .search_entries import Entry, entries_of

WORDS = Path(__file__).with_name("search_words.yml")


def replace_own_search(app: Sphinx) -> None:
    """Keep Sphinx from writing its index and its search page."""
    app.builder.search = False


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Keep the entries of a page for the index; the docstrings, English on both pages, only from the English one."""
    in_english = language_of(app.env.docname) == DEFAULT
    _collected(app.env)[app.env.docname] = [
        entry if in_english or not entry.anchor.startswith("mlmtutor.") else entry._replace(text="", code="")
        for entry in entries_of(doctree)
    ]


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Drop the entries of a page that is read again or was removed."""
    _collected(env).pop(docname, None)


def merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    """Add the entries that another process has read."""
    _collected(env).update({name: _collected(other)[name] for name in docnames if name in _collected(other)})


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write one index file per language, with the words for it, and the English stemmer that comes with Sphinx."""
    if exception or app.builder.name != "html":
        return
    folder = Path(app.outdir, "_static")
    (folder / "stemmer.js").write_text(SearchEnglish.js_stemmer_code, encoding="utf-8")
    for language in LANGUAGES:
        pages = [
            {"page": app.builder.get_target_uri(name), "number": _number(app.env, name), "entries": entries}
            for name, entries in sorted(_collected(app.env).items())
            if name.startswith(f"book/{language}/")
        ]
        index = json.dumps([language, pages, words_for(language)], ensure_ascii=False, separators=(",", ":"))
        script = f"courseSearch.add(...{index});\n"
        (folder / f"search-{language}.js").write_text(script, encoding="utf-8")


def words_for(language: str) -> dict:
    """Return the words of questions, and pairs of what visitors type and what the book of a language says."""
    words = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    synonyms = [[one["typed"], one[language]] for one in words["synonyms"]]
    for term in read_glossary():
        name, *others = term.forms[language]
        if names := [*others, *term.also, *term.avoid]:
            synonyms.append([names, [name]])
    return words | {"synonyms": synonyms}


def _number(env: BuildEnvironment, docname: str) -> str:
    number = env.toc_secnumbers.get(docname, {}).get("", ())
    return "".join(f"{part}. " for part in number)


def add_search_pages(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    """Yield one search page for each language."""
    for language in LANGUAGES:
        yield f"book/{language}/search", {}, "search.html"


def lead_to_search(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Point every search field to the search page of its language."""
    pathto: Callable = context["pathto"]
    search_page = f"book/{language_of(pagename)}/search"
    context["pathto"] = lambda page, *rest, **named: pathto(
        search_page if page == "search" else page, *rest, **named
    )


def _collected(env: BuildEnvironment) -> dict[str, list[Entry]]:
    if not hasattr(env, "search_entries"):
        env.search_entries = {}
    return env.search_entries


def setup(app: Sphinx) -> None:
    """Register the handlers."""
    app.connect("builder-inited", replace_own_search)
    app.connect("doctree-read", collect, priority=950)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("html-collect-pages", add_search_pages)
    app.connect("html-page-context", lead_to_search, priority=1)
    app.connect("build-finished", write_index)
    app.add_css_file("search.css")
    app.add_js_file("search-field.js", loading_method="defer")
