"""The overview of the API reference: every public name with one line, linked to its description.

``{api-names} a5_models`` lists the names that the page ``a5_models`` describes, in its order. The English line is the first of the
docstring, the Chinese one is in ``api_lines.yml``. Once all descriptions were on the page of the overview, so its
rows have their anchors: an old link leads to the row, and the row leads on.
"""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from .api_pages import public_names
from .languages import DEFAULT, language_of

CHINESE = Path(__file__).with_name("api_lines.yml")
HEAD = {"en": ("name", "what it is or does"), "zh": ("名称", "用途")}
MODULES = re.compile(r"^```\{api\} (\S+)$", flags=re.MULTILINE)


class ApiNames(SphinxDirective):
    """The public names on one page of the reference."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        page = f"{self.env.docname.rpartition('/')[0]}/{self.arguments[0]}"
        source = self.env.doc2path(page)
        self.env.note_dependency(str(source))
        self.env.note_dependency(str(CHINESE))
        rows = []
        for module_name in MODULES.findall(Path(source).read_text(encoding="utf-8")):
            module = importlib.import_module(f"mlmtutor.{module_name}")
            self.env.note_dependency(module.__file__)
            rows += [self._row(page, name, value) for name, value in public_names(module)]
        return [self._table(rows)]

    def _table(self, rows: list[nodes.row]) -> nodes.table:
        head = nodes.row("", *(_cell(nodes.Text(word)) for word in HEAD[language_of(self.env.docname)]))
        columns = [nodes.colspec(colwidth=1) for _ in head]
        group = nodes.tgroup("", *columns, nodes.thead("", head), nodes.tbody("", *rows), cols=len(columns))
        return nodes.table("", group, classes=["api-names"])

    def _row(self, page: str, name: str, value: object) -> nodes.row:
        anchor = f"{value.__module__}.{name}"
        link = make_refnode(self.env.app.builder, self.env.docname, page, anchor, nodes.literal(text=name))
        members = [nodes.inline(ids=[f"{anchor}.{member}"]) for member in described_members(value)]
        line = self.parse_inline(describe(name, value, language_of(self.env.docname)))[0]
        return nodes.row("", _cell(link, *members), _cell(*line), ids=[anchor])


def _cell(*content: nodes.Node) -> nodes.entry:
    return nodes.entry("", nodes.paragraph("", "", *content))


def described_members(value: object) -> Iterator[str]:
    """Yield the methods and properties of a class that are described with it."""
    for name, member in vars(value).items() if inspect.isclass(value) else ():
        if not name.startswith("_") and inspect.getdoc(member) and _is_code(member):
            yield name


def _is_code(member: object) -> bool:
    return callable(member) or any(hasattr(member, name) for name in ("fget", "func", "__func__"))


def describe(name: str, value: object, language: str) -> str:
    """Return one line of Markdown about a public name."""
    if language == DEFAULT:
        return re.sub(r":\w+:(`[^`]+`)", r"\1", inspect.getdoc(value).partition("\n")[0])
    return yaml.safe_load(CHINESE.read_text(encoding="utf-8"))[name]


def setup(app: Sphinx) -> None:
    """Register the directive; its style is in ``api.css``."""
    app.add_directive("api-names", ApiNames)
