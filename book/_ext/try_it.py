"""A field with a sentence for the model, before and after adaptation, that replaces ``<!-- try-it -->`` in a source.

In a notebook opened elsewhere the comment is invisible. On the page it becomes a form, behind which the model runs in
the visitor's browser (``static/fill-mask.js``); without JavaScript the page shows answers of the package, as stored in
``try_it.json``. The files of the model are written by ``model_files.py``, and fetched only when a visitor asks.
"""

import json
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders import Builder

from .languages import LANGUAGES
from .model_files import SOURCES, add_up, list_model_files
from .widgets import TEMPLATES, ReplaceMark, Widget, register, render, speak

HERE = Path(__file__).parent
SETTINGS = HERE / "try_it.yml"
ANSWERS = HERE / "try_it.json"  # written by `python -m book.tools answers`


class TryIt(Widget):
    """The form and the stored answers."""

    styles = ("try-it.css",)
    modules = ("try-it.js",)

    def to_html(self, builder: Builder) -> str:
        """Return the form for the page that it stands on."""
        folder = self["docname"].split("/")[1]
        # the landing page has no language: it has a form for each
        languages = [folder] if folder in LANGUAGES else list(LANGUAGES)
        files = list_model_files(Path(builder.outdir), page=self["docname"])
        settings = yaml.safe_load(SETTINGS.read_text("utf-8"))
        words, problems = (
            {LANGUAGES[lang][0]: speak(settings[part], lang) for lang in languages}
            for part in ("words", "problems")
        )
        examples = json.loads(ANSWERS.read_text("utf-8"))
        return render(
            "try-it.html",
            forms=words,
            files=files,
            size=add_up(files),
            examples=examples,
            data={"files": files, "examples": examples, "words": words, "problems": problems},
        )


class InsertForms(ReplaceMark):
    """Replaces each mark with a form."""

    mark = "<!-- try-it -->"
    sources = (SETTINGS, ANSWERS, TEMPLATES / "try-it.html", Path(__file__), *SOURCES)

    def make(self) -> nodes.Node:
        return TryIt(docname=self.env.docname)


def setup(app: Sphinx) -> None:
    """Register the form."""
    register(app, TryIt, InsertForms)
