"""What a visitor sees at an address that leads nowhere, on a server like GitHub Pages, under a sub-path."""

import functools
import http.server
import re
import threading
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest


@pytest.fixture(scope="module")
def stated(site) -> str:
    """The path under which the site says that it stands."""
    first = re.search(r"<loc>(.+?)</loc>", (site / "sitemap.xml").read_text(encoding="utf-8"))[1]
    return urlsplit(first).path.partition("book/")[0]


@pytest.fixture(scope="module")
def host(site, stated, tmp_path_factory):
    """Address of a host that has the site where it should be and a copy elsewhere, and shows its 404 page."""
    root = tmp_path_factory.mktemp("host")
    for place in (root / stated.strip("/"), root / "some" / "copy"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(site, target_is_directory=True)

    class Pages(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def send_error(self, code: int, *arguments: object) -> None:
            body = (site / "404.html").read_bytes()
            self.send_response(HTTPStatus(code))
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    handler = functools.partial(Pages, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def lost(browser, host):
    """Go to an unknown address."""
    contexts = []

    def go(path, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.requested = []
        page.on("request", lambda request: page.requested.append((request.method, request.url)))
        assert page.goto(host + path).status == 404
        page.wait_for_load_state("networkidle")
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.mark.parametrize("unknown", ["nothing", "book/zh/12_nothing.html", "a/b/c/d/", "a/b.html?q=1#c"])
@pytest.mark.parametrize("script", [True, False])
def test_links_lead_into_the_book_from_any_depth_with_and_without_javascript(lost, stated, unknown, script):
    page = lost(stated + unknown, java_script_enabled=script)
    links = [link.get_attribute("href") for link in page.locator("main a").all()]
    assert len(links) == 6 and all(link.startswith(f"{stated}book/") for link in links)
    assert {page.request.get(urlsplit(page.url)._replace(path=link).geturl()).status for link in links} == {
        200
    }
    assert (
        page.locator("main [lang=en] h1").is_visible() and page.locator("main [lang=zh-CN] h2").is_visible()
    )


@pytest.mark.parametrize("unknown", ["nothing", "book/en/nothing/at/all.html"])
def test_a_copy_of_the_site_elsewhere_is_found_too(lost, host, unknown):
    page = lost(f"/some/copy/{unknown}")
    page.get_by_role("link", name="从第 1 章开始").click()
    page.wait_for_url(f"{host}/some/copy/book/zh/01_fill_mask.html")


def test_the_page_loads_no_file_of_its_own(lost, stated):
    page = lost(f"{stated}a/b/c")
    assert [method for method, url in page.requested if not url.endswith("favicon.ico")] == ["GET", "HEAD"]


@pytest.mark.parametrize(
    ("stored", "locale", "first"),
    [
        ("zh", "en-GB", "zh-CN"),
        ("en", "zh-CN", "en"),
        ("eo", "zh-CN", "zh-CN"),
        ("eo", "fr", "en"),
        (None, "fr", "en"),
    ],
)
def test_the_language_chosen_before_stands_first_and_one_that_is_gone_falls_back(
    lost, stated, stored, locale, first
):
    page = lost(f"{stated}nothing", locale=locale)
    if stored:
        page.evaluate("language => localStorage.setItem('mlmtutor-language', language)", stored)
        page.reload()
    assert page.locator("main > section").first.get_attribute("lang") == first
