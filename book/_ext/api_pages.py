"""The API reference, made from the docstrings, on pages of each language.

``{api} model.fill_mask`` documents the public names of the module ``mlmtutor.model.fill_mask`` in the order of their definition.
The docstrings are English in both languages. Every object is defined on an English page; the Chinese one shows it
too, has the same anchors, and its links stay in Chinese. Each entry links its line in the repository, if that is known.
The overview of these pages is in ``api_overview.py``.
"""

import ast
import dataclasses
import functools
import importlib
import inspect
import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

import mlmtutor

from .languages import DEFAULT, LANGUAGES, language_of

SOURCE = {"en": "[source]", "zh": "[源码]"}


class ApiModule(SphinxDirective):
    """The public names of one module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = importlib.import_module(f"mlmtutor.{self.arguments[0]}")
        lines = ["```{eval-rst}", f".. py:currentmodule:: {module.__name__}"]
        for name, value in public_names(module):
            lines += ["", f".. autofunction:: {name}"]
            if inspect.isclass(value):
                lines[-1:] = [f".. autoclass:: {name}", "   :members:"]
            if language_of(self.env.docname) != DEFAULT:
                lines.append("   :no-index:")
        block = nodes.container(classes=["api", "language-en"])
        self.state.nested_parse(StringList([*lines, "```"]), self.content_offset, block)
        return [block]


def public_names(module) -> list[tuple[str, object]]:
    """Return what `mlmtutor` makes public of a module, in the order of the file."""
    found = [(name, getattr(mlmtutor, name)) for name in mlmtutor.__all__]
    own = [(name, value) for name, value in found if value.__module__ == module.__name__]
    return sorted(own, key=lambda pair: inspect.getsourcelines(pair[1])[1])


def explain_fields(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Document the fields of a settings dataclass with the comment behind each of them."""
    if what != "class" or not dataclasses.is_dataclass(obj) or "Attributes:" in lines:
        return
    fields = [f"    {field}: {comment}" for field, comment in field_comments(obj).items()]
    if fields:
        first_section = lines.index("Example:") if "Example:" in lines else len(lines)
        lines[first_section:first_section] = ["Attributes:", *fields, ""]


def field_comments(settings: type) -> dict[str, str]:
    """Return the comment behind each field of a dataclass."""
    source = inspect.getsource(settings)
    lines = source.splitlines()
    comments = {}
    for node in ast.parse(source).body[0].body:
        if isinstance(node, ast.AnnAssign):
            text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            if comment := re.search(r"  # (.+)", text):
                comments[node.target.id] = comment[1]
    return comments


def link_sources(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Link the chapters that a docstring names as its source, by their titles in the language of the page."""
    language = language_of(app.env.docname)

    def link(match: re.Match) -> str:
        page = f"book/{language}/{match[0]}"
        if page not in app.env.found_docs:
            return match[0]
        number = match[0].partition("_")[0].lstrip("0")
        return f"{number}, :doc:`/{page}`"

    for number, line in enumerate(lines):
        if line.startswith("Source: "):
            lines[number] = re.sub(r"\b(?:\d\d|a\d)_\w+", link, line).replace("`.", "`")


def show_factories(
    app: Sphinx,
    what: str,
    name: str,
    obj: object,
    options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    """Write ``...`` for a default that comes from a factory, since ``<factory>`` cannot be parsed."""
    return signature and signature.replace("<factory>", "..."), returns


class AnchorUnindexed(SphinxTransform):
    """Copies the anchors of the English page to the objects on the Chinese one, which are not indexed."""

    default_priority = 500

    def apply(self, **options: object) -> None:
        for signature in self.document.findall(addnodes.desc_signature):
            if not signature["ids"] and signature.get("module"):
                signature["ids"].append(f"{signature['module']}.{signature['fullname']}")


class LinkSourceLines(SphinxTransform):
    """Links each entry to its line in the repository; nothing where that is not known."""

    default_priority = 500

    def apply(self, **options: object) -> None:
        language = language_of(self.env.docname)
        for signature in self.document.findall(addnodes.desc_signature):
            if self.app.repository and signature.get("module"):
                place = find_source(signature["module"], signature["fullname"])
                classes = ["source-link", f"language-{LANGUAGES[language][0]}"]
                address = self.app.repository.show(place[0], line=place[1])
                signature += nodes.reference("", SOURCE[language], refuri=address, classes=classes)


def find_source(module: str, name: str) -> tuple[str, int]:
    """Return file and line of a public object, or of a member of one, such as ``Evaluation.loss``."""
    found = functools.reduce(getattr, name.split("."), importlib.import_module(module))
    found = getattr(found, "fget", None) or getattr(found, "func", found)  # of a property, a cached one too
    return f"{module.replace('.', '/')}.py", inspect.getsourcelines(found)[1]


class StayInTheLanguage(SphinxPostTransform):
    """Keeps links between objects on the Chinese pages; otherwise they lead to the English ones.

    The titles of chapters in the English docstrings are marked as Chinese.
    """

    default_priority = 900

    def run(self, **options: object) -> None:
        language = language_of(self.env.docname)
        if language == DEFAULT:
            return
        own_pages = self._map_pages(language)
        for block in self.document.findall(_is_reference):
            for link in block.findall(nodes.reference):
                page, has_anchor, anchor = link.get("refuri", "").partition("#")
                if has_anchor and page in own_pages:
                    link["refuri"] = f"{own_pages[page]}#{anchor}"
                elif next(link.findall(_is_title), None):
                    link["classes"].append(f"language-{LANGUAGES[language][0]}")

    def _map_pages(self, language: str) -> dict[str, str]:
        """Return the addresses of the English pages of the reference, seen from this page, and of their twins."""
        pages = {entry.docname for entry in self.env.domains["py"].objects.values()}
        twins = {page: page.replace(f"/{DEFAULT}/", f"/{language}/") for page in pages}
        locate = functools.partial(self.app.builder.get_relative_uri, self.env.docname)
        return {locate(page): locate(twin) for page, twin in twins.items()}


def _is_reference(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and "api" in node["classes"]


def _is_title(node: nodes.Node) -> bool:
    return isinstance(node, nodes.inline) and "doc" in node["classes"]


def setup(app: Sphinx) -> None:
    """Register the directive and what it needs."""
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.add_directive("api", ApiModule)
    app.connect("autodoc-process-docstring", explain_fields, priority=400)  # napoleon's: 500
    app.connect("autodoc-process-docstring", link_sources, priority=400)
    app.connect("autodoc-process-signature", show_factories)
    app.add_transform(AnchorUnindexed)
    app.add_transform(LinkSourceLines)
    app.add_post_transform(StayInTheLanguage)
    app.add_css_file("api.css")
