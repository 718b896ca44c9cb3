"""A field with a sentence for the model, before and after adaptation, that replaces ``<!-- try-it -->`` in a source.

In a notebook opened elsewhere the comment is invisible. On the page it becomes a form, behind which the model runs in
the visitor's browser (``static/fill-mask.js``); without JavaScript the page shows answers of the package, as stored in
``try_it.json``. The files of the model are written by ``model_files.py``, and fetched only when a visitor asks.
"""

import json
import sys
from pathlib import Path

import jinja2
import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from .languages import LANGUAGES
from .model_files import SOURCES, find_missing, write_model_files

HERE = Path(__file__).parent
SETTINGS = HERE / "try_it.yml"
ANSWERS = HERE / "try_it.json"  # written by `python -m book.tools answers`
TEMPLATE = HERE / "templates" / "try-it.html"
MARK = "<!-- try-it -->"
FOLDER = "model"  # of the site


class TryIt(nodes.General, nodes.Element):
    """The form and the stored answers; they are no part of the search index."""


class InsertForms(SphinxTransform):
    """Replaces each mark with a form."""

    default_priority = 500

    def apply(self, **options: object) -> None:
        for mark in list(self.document.findall(nodes.raw)):
            if mark.astext().strip() == MARK:
                mark.parent.replace(mark, TryIt(docname=self.env.docname))
                for path in (SETTINGS, ANSWERS, TEMPLATE, Path(__file__), *SOURCES):
                    self.env.note_dependency(str(path))


def write_html(translator, node: TryIt) -> None:
    """Write the form for the page that it stands on, and once per build the files of the model."""
    docname = node["docname"]
    folder = docname.split("/")[1]
    # the landing page has no language: it has a form for each
    languages = [folder] if folder in LANGUAGES else list(LANGUAGES)
    files = []
    if missing := find_missing():
        print(f"{docname}: the model of this page was left out: {missing}", file=sys.stderr)
    else:
        up = "../" * docname.count("/")
        written = write_model_files(Path(translator.builder.outdir, FOLDER))
        files = [{**file, "url": f"{up}{FOLDER}/{file['name']}"} for file in written]
    translator.body.append(render(languages, files))
    raise nodes.SkipNode


def render(languages: list[str], files: list[dict]) -> str:
    """Return the form in some languages, and its data for the script."""
    settings = yaml.safe_load(SETTINGS.read_text("utf-8"))

    def speak(part: str) -> dict[str, dict[str, str]]:
        return {
            LANGUAGES[lang][0]: {name: forms[lang] for name, forms in settings[part].items()}
            for lang in languages
        }

    examples = json.loads(ANSWERS.read_text("utf-8"))
    words = speak("words")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        forms=words,
        files=files,
        size=round(sum(file["bytes"] for file in files) / 1e6),
        examples=examples,
        data={"files": files, "examples": examples, "words": words, "problems": speak("problems")},
    )


def add_files(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Add script and style to the pages that have a form, and to no others."""
    if doctree and next(doctree.findall(TryIt), None):
        app.add_css_file("try-it.css")
        app.add_js_file("try-it.js", type="module")


def setup(app: Sphinx) -> None:
    """Register the form and its files."""
    app.add_node(TryIt, html=(write_html, None))
    app.add_transform(InsertForms)
    app.connect("html-page-context", add_files)
