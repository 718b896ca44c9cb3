"""The two pages at the root of the site, ``index.html`` and ``404.html``.

The first redirects to the landing page. A server shows the second at every address that does not exist. Such an address
may have any depth, so the page contains all it needs, and its links start from the root of the site.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sphinx.application import Sphinx

from .metadata import find_address

SCRIPT = Path(__file__).parent / "static" / "languages.js"


def add_pages(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    """Yield both pages; the second knows the path of the site on its host."""
    yield "index", {"canonical": find_address(app, app.config.root_doc, seen_from="index")}, "entrance.html"
    root = urlsplit(app.config.html_baseurl).path or "/"
    yield "404", {"site_root": root, "languages_script": SCRIPT.read_text(encoding="utf-8")}, "404.html"


def setup(app: Sphinx) -> None:
    """Register the pages."""
    app.connect("html-collect-pages", add_pages)
