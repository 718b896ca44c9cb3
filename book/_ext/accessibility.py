"""Sphinx extension: what the theme and its neighbours leave out for keyboards and screen readers."""

import re

from sphinx.application import Sphinx

# Sphinx writes the parameters of a long signature as a list of terms without terms
SIGNATURE_LINES = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>")
FOLD_LABEL = (
    ' aria-label="Toggle hidden content"'  # hides the words of the fold, and is English on every page
)


def mend(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Correct the text of a page where it is written by others."""
    if "body" not in context:
        return
    body = context["body"].replace(FOLD_LABEL, "")
    context["body"] = SIGNATURE_LINES.sub(_as_lines, body)


def _as_lines(signature: re.Match) -> str:
    return signature[1].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")


def setup(app: Sphinx) -> dict:
    """Register the handlers."""
    app.connect("html-page-context", mend)
    app.add_css_file("accessibility.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
