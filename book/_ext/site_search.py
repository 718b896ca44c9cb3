"""Search in the text of the pages, section by section, with one index per language.

Why our own engine: any part of a Chinese sentence should be found. Sphinx's search takes a run of Chinese for one word
and knows only which page has it. Pagefind segments Chinese queries since 2026, but does not find arbitrary parts of a
sentence (its issue 987). Here the index is the text itself, so the browser finds any part and can show the sentence.
Each language has its own search page and index; no other page loads them.
"""

import json
import re
from collections.abc import Callable, Iterator
from keyword import iskeyword
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.search.en import SearchEnglish

from .languages import DEFAULT, LANGUAGES, language_of

Entry = tuple[str, str, str]  # anchor, heading, text
NOT_TEXT = (nodes.comment, nodes.raw, nodes.image, nodes.math_block, nodes.title, nodes.meta)


def replace_own_search(app: Sphinx) -> None:
    """Keep Sphinx from writing its index and its search page."""
    app.builder.search = False


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Keep the entries of a page for the index; the docstrings, English on both pages, only from the English one."""
    in_english = language_of(app.env.docname) == DEFAULT
    _collected(app.env)[app.env.docname] = [
        (anchor, heading, text if in_english or not anchor.startswith("mlmtutor.") else "")
        for anchor, heading, text in entries_of(doctree)
    ]


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Drop the entries of a page that is read again or was removed."""
    _collected(env).pop(docname, None)


def merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    """Add the entries that another process has read."""
    _collected(env).update({name: _collected(other)[name] for name in docnames if name in _collected(other)})


def entries_of(doctree: nodes.document) -> Iterator[Entry]:
    """Yield an entry for every section, term of the glossary and object of the package."""
    for place in doctree.findall(_is_place):
        texts, code = [], {}
        for node in _own_nodes(place):
            if _is_code(node):
                # only the names in the code, each once: enough to find it, at a tenth of the size
                names = re.findall(r"[A-Za-z_]\w{2,}", re.sub(r"#.*", "", node.astext()))
                code |= dict.fromkeys(name for name in names if not iskeyword(name))
            elif isinstance(node, nodes.Text):
                texts.append("…" if isinstance(node.parent, nodes.math) else node.astext())
            elif isinstance(node, nodes.TextElement) and not isinstance(node, nodes.Inline):
                texts.append(" ")
        text = " ".join("".join(texts).split())
        anchor, heading = _heading(place)
        yield anchor, heading, " ".join([text, *(name for name in code if name not in text)]).strip()


def _is_place(node: nodes.Node) -> bool:
    if isinstance(node, addnodes.desc_signature):
        return bool(node["ids"])
    return isinstance(node, nodes.section) or (isinstance(node, nodes.term) and bool(node["ids"]))


def _heading(place: nodes.Element) -> tuple[str, str]:
    """Return anchor and heading of a place; the anchor of the first section, which is the page, is empty."""
    if isinstance(place, nodes.section):
        first = isinstance(place.parent, nodes.document)
        return "" if first else place["ids"][0], place.next_node(nodes.title).astext()
    name = place["fullname"] if isinstance(place, addnodes.desc_signature) else place.astext()
    return place["ids"][0], name


def _own_nodes(place: nodes.Element) -> Iterator[nodes.Node]:
    """Yield the nodes whose text belongs to a place, but not to a place within it."""
    whole = place if isinstance(place, nodes.section) else place.parent
    for child in whole.children:
        if child is not place:
            yield from _walk(child)


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    within = node.children[0] if isinstance(node, addnodes.desc | nodes.definition_list_item) else node
    if isinstance(node, NOT_TEXT) or _is_place(within):
        return
    if _is_output(node):  # of what the code printed and drew, only the caption is text of the book
        for caption in list(node.findall(nodes.caption))[:1]:
            yield from _walk(caption)
        return
    yield node
    if not _is_code(node):
        for child in node.children:
            yield from _walk(child)


def _is_code(node: nodes.Node) -> bool:
    return isinstance(node, nodes.literal_block) and node.parent.get("nb_element") == "cell_code_source"


def _is_output(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Element) and node.get("nb_element") == "cell_code_output"


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write one index file per language, and the English stemmer that comes with Sphinx."""
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
        index = json.dumps(pages, ensure_ascii=False, separators=(",", ":"))
        script = f"courseSearch.add({json.dumps(language)}, {index});\n"
        (folder / f"search-{language}.js").write_text(script, encoding="utf-8")


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
