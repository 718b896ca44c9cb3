"""Every link within the site leads to a page, and to a place on it; every file that a page asks for is there."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup


def find_dead_links(site: Path) -> list[str]:
    """Links of the built pages whose file or anchor does not exist, as ``page -> link``."""
    pages = {
        path.resolve(): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in [site / "index.html", *site.glob("book/**/*.html")]
    }
    anchors = {path: {tag["id"] for tag in page.select("[id]")} for path, page in pages.items()}
    dead = []
    for path, page in pages.items():
        for link in page.select("[href], [src]"):
            address = urlsplit(link.get("href") or link.get("src"))
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            anchor = unquote(address.fragment)
            if not target.exists() or (target in anchors and anchor and anchor not in anchors[target]):
                dead.append(f"{path.relative_to(site.resolve())} -> {link.get('href') or link.get('src')}")
    return dead


def test_no_link_is_dead(site):
    assert find_dead_links(site) == []


def test_dead_links_are_found(tmp_path):
    (tmp_path / "book").mkdir()
    page = (
        '<main><h1 id="here"></h1><a href="#here">1</a><a href="#there">2</a><a href="none.html">3</a></main>'
        '<img src="none.png"><a href="https://example.org/none">4</a>'
    )
    (tmp_path / "index.html").write_text(page)
    assert [re.sub(".* ", "", link) for link in find_dead_links(tmp_path)] == [
        "#there",
        "none.html",
        "none.png",
    ]
