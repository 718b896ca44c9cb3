"""The site built from the committed notebooks, a server for it, and Chromium."""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from filelock import FileLock

from book._ext.repository import Repository
from book.tools.site import build

ROOT = Path(__file__).resolve().parents[2]
LEVEL_AA = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
    "preload": False,
}
# a theme changes colours alone, so in the second only the rules about them look again
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
NO_COLOURS = {"rules": {rule: {"enabled": False} for rule in COLOURS["runOnly"]["values"]}}


@pytest.fixture(scope="session")
def repository() -> Repository:
    """A fork, known to the workflow that builds its site and named nowhere in its files."""
    return Repository("https://github.com/Someone/course", "main")


@pytest.fixture(scope="session")
def site(repository, tmp_path_factory, worker_id) -> Path:
    """Folder of the fork's site, built once for all workers."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    with FileLock(shared / "site.lock"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_REPOSITORY", repository.name)
        patch.setenv("GITHUB_SERVER_URL", "https://github.com")
        patch.setenv("GITHUB_REF", f"refs/heads/{repository.branch}")
        output, built = shared / "site", shared / "site.built"
        if not built.exists():
            build(ROOT, output)
            built.touch()
        return output / "_build" / "html"


@pytest.fixture(scope="session")
def articles(site) -> Callable[[str], dict]:
    """Return the articles of a language, without the frame around them, by file name."""

    @functools.cache
    def read_articles(lang: str) -> dict:
        pages = {
            path.name: path.read_text(encoding="utf-8") for path in (site / "book" / lang).glob("*.html")
        }
        found = {name: BeautifulSoup(page, "html.parser") for name, page in pages.items()}
        found = {name: page.select_one("article.bd-article") for name, page in found.items()}
        return {name: article for name, article in found.items() if article}

    return read_articles


@pytest.fixture(scope="session")
def address(site) -> Iterator[str]:
    """Address of the site, under a sub-path of a plain static server."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=site.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{site.name}"
        server.shutdown()


@pytest.fixture
def visit(browser, address) -> Iterator[Callable]:
    """Open a page of the site as a visitor with an empty browser, cut off from all other hosts."""
    contexts = []

    def open_page(path: str, **options: object):
        context = browser.new_context(**options)
        contexts.append(context)
        context.route(lambda url: not url.startswith(address), lambda route: route.abort())
        page = context.new_page()
        page.goto(f"{address}/{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def violations() -> Callable:
    """Name what keeps out keyboards, screen readers or weak eyes on a page (WCAG, levels A and AA) in both themes."""

    def find_violations(page, *, colours: bool = True) -> list[str]:
        # a colour half-way between two themes is nobody's choice, but a check of contrast would see it
        page.add_style_tag(content="*, *::before, *::after { transition: none !important }")
        found = []
        looks = (
            {"light": LEVEL_AA, "dark": LEVEL_AA | COLOURS} if colours else {"light": LEVEL_AA | NO_COLOURS}
        )
        for theme, options in looks.items():
            page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
            for violation in Axe().run(page, options=options).response["violations"]:
                found += [f"{theme}: {violation['id']}: {one['html']}" for one in violation["nodes"]]
        return found

    return find_violations
