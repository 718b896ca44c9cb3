"""The landing page: its style and the links at its end; those to the printed book come later (tools/printed.py)."""

from sphinx.application import Sphinx


def know_home(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Let the footer (``landing-footer.html``) link to the repository, if there is one."""
    context["home"] = app.repository


def setup(app: Sphinx) -> None:
    """Register the handler and the style."""
    app.connect("html-page-context", know_home)
    app.add_css_file("landing.css")
