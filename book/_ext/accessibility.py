"""Pages mended where the theme and its neighbours forget keyboards, screen readers and paper."""

import re

from sphinx.application import Sphinx

from .languages import language_of

# mends output of Sphinx, which writes the parameters of a long signature as a definition list without terms
SIGNATURE_LINES = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>")
# mends output of MyST-NB, whose label hides the words of the fold from screen readers and is always English
FOLD_LABEL = ' aria-label="Toggle hidden content"'
# mends output of the theme, whose toggle of the pages below a page has no name
TOGGLE = {"en": "Pages below this one", "zh": "下级页面"}


def mend(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Correct the HTML that other extensions wrote into a page."""
    if "body" not in context:
        return
    body = context["body"].replace(FOLD_LABEL, "")
    context["body"] = SIGNATURE_LINES.sub(_as_lines, body)


def _as_lines(signature: re.Match) -> str:
    return signature[1].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")


def name_toggles(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Name the toggles in the list of pages in the sidebar."""
    write_list = context["generate_toctree_html"]
    named = f'<summary aria-label="{TOGGLE[language_of(pagename)]}">'
    context["generate_toctree_html"] = lambda *parts, **options: str(write_list(*parts, **options)).replace(
        "<summary>", named
    )


def setup(app: Sphinx) -> None:
    """Register the handlers."""
    app.connect("html-page-context", mend)
    app.connect("html-page-context", name_toggles, priority=600)  # the theme's: 500
    app.add_css_file("accessibility.css")
    app.add_css_file("print.css")
    app.add_js_file("print.js", loading_method="defer")
