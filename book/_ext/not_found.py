"""Sphinx extension: ``404.html``, which a server shows at every address that leads nowhere.

Such an address may lie at any depth, so the page holds all it needs, and its links start from the root of the site.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sphinx.application import Sphinx

SCRIPT = Path(__file__).parent / "static" / "languages.js"


def add_page(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    """The page, with the path at which the site stands on its host."""
    root = urlsplit(app.config.html_baseurl).path or "/"
    yield "404", {"site_root": root, "languages_script": SCRIPT.read_text(encoding="utf-8")}, "404.html"


def setup(app: Sphinx) -> dict:
    """Register the page."""
    app.connect("html-collect-pages", add_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
