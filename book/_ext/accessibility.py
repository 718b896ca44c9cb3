"""Pages mended where the theme and its neighbours forget keyboards, screen readers and paper."""

import re

from sphinx.application import Sphinx

# mends output of Sphinx, which writes the parameters of a long signature as a definition list without terms
SIGNATURE_LINES = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>")
# mends output of MyST-NB, whose label hides the words of the fold from screen readers and is always English
FOLD_LABEL = ' aria-label="Toggle hidden content"'


def mend(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Correct the HTML that other extensions wrote into a page."""
    if "body" not in context:
        return
    body = context["body"].replace(FOLD_LABEL, "")
    context["body"] = SIGNATURE_LINES.sub(_as_lines, body)


def _as_lines(signature: re.Match) -> str:
    return signature[1].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")


def setup(app: Sphinx) -> None:
    """Register the handlers."""
    app.connect("html-page-context", mend)
    app.add_css_file("accessibility.css")
    app.add_css_file("print.css")
    app.add_js_file("print.js", loading_method="defer")
