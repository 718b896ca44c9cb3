"""The mask playground, a section that replaces ``<!-- playground -->`` in the source of a chapter.

In a notebook opened elsewhere the comment is invisible. On the page it becomes a form, where ``static/playground.js``
masks as :func:`mlmtutor.mask_batch` does; without JavaScript the page shows one draw of the package. A text of the
visitor's own, and the model's answers, need the files of the model, which are fetched only when a visitor asks.
"""

import json
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.errors import ExtensionError

from mlmtutor.masks.masking import MaskingSettings

from . import try_it
from .model_files import SOURCES, add_up, list_model_files
from .passages import PASSAGES, read_passages
from .widgets import TEMPLATES, ReplaceMark, Widget, make_section, register, render, speak

SETTINGS = Path(__file__).with_name("playground.yml")
# what the field where visitors ask the model says in the same words
OF_THE_MODEL = ("fetching", "running", "unknown", "before", "after")


class Playground(Widget):
    """The playground of one chapter."""

    styles = ("playground.css",)
    scripts = ("masking.js", "mask-counts.js", "mask-model.js", "playground.js")

    def to_html(self, builder: Builder) -> str:
        """Return the form, its data for the script, and the first draw of the package as an example."""
        language, chapter = self["language"], self["chapter"]
        model = yaml.safe_load(try_it.SETTINGS.read_text("utf-8"))
        words = speak({name: model["words"][name] for name in OF_THE_MODEL} | self["words"], language)
        problems = speak(model["problems"] | self["problems"], language)
        files = list_model_files(Path(builder.outdir), page=self["docname"])
        passage = read_passages()[chapter["passages"][0]]
        settings = MaskingSettings(unit=chapter["unit"], mask_prob=chapter["rate"] / 100)
        data = json.loads(PASSAGES.read_text("utf-8"))
        data["passages"] = {name: data["passages"][name] for name in chapter["passages"]}
        return render(
            "playground.html",
            chapter=chapter,
            words=words,
            lang=passage.lang,
            files=files,
            size=add_up(files),
            # of a large batch, like the script: a batch of one row always hides something
            example=passage.draw(settings, num_rows=100)[0],
            data={**data, "words": words, "problems": problems, "files": files},
        )


class InsertPlaygrounds(ReplaceMark):
    """Replaces each mark with a section that has the playground."""

    mark = "<!-- playground -->"
    sources = (SETTINGS, try_it.SETTINGS, TEMPLATES / "playground.html", PASSAGES, Path(__file__), *SOURCES)

    def make(self) -> nodes.Node:
        settings = yaml.safe_load(SETTINGS.read_text("utf-8"))
        language, slug = self.place()
        if slug not in settings["chapters"]:
            raise ExtensionError(f"{slug} has a {self.mark} but no entry in {SETTINGS.name}")
        chapter = settings["chapters"][slug]
        widget = Playground(
            docname=self.env.docname,
            language=language,
            chapter=chapter,
            words=settings["words"],
            problems=settings["problems"],
        )
        title = settings["words"]["title"][language]
        return make_section("playground", title=title, lead=chapter["lead"][language], widget=widget)


def setup(app: Sphinx) -> None:
    """Register the section."""
    register(app, Playground, InsertPlaygrounds)
