"""Sphinx extension: the two pages at the root of the site, ``index.html`` and ``404.html``.

The first leads on to the landing page. The second is what a server shows at every address that leads nowhere. Such an
address may lie at any depth, so the page holds all it needs, and its links start from the root of the site.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sphinx.application import Sphinx

SCRIPT = Path(__file__).parent / "static" / "languages.js"


def add_pages(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    """Both pages; the second knows the path at which the site stands on its host."""
    yield "index", {}, "entrance.html"
    root = urlsplit(app.config.html_baseurl).path or "/"
    yield "404", {"site_root": root, "languages_script": SCRIPT.read_text(encoding="utf-8")}, "404.html"


def setup(app: Sphinx) -> dict:
    """Register the pages."""
    app.connect("html-collect-pages", add_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
