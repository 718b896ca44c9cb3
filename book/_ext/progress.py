"""Ticks at the chapters that a visitor has read, kept in the visitor's browser."""

from sphinx.application import Sphinx


def setup(app: Sphinx) -> None:
    """Add script and style."""
    app.add_css_file("progress.css")
    app.add_js_file("progress.js", loading_method="defer")
