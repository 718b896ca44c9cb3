"""The field where visitors ask the model: it says what is wrong, and anyone can use it."""

import functools
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from book._ext.try_it import SETTINGS

TRY_IT = yaml.safe_load(SETTINGS.read_text("utf-8"))
LANGUAGES = {"en": "en", "zh": "zh-CN"}
PAGES = [f"book/{lang}/{slug}.html" for lang in LANGUAGES for slug in ("01_fill_mask", "08_adapted_model")]
TWENTY_TOKENS = "I went to see it with my brother on a rainy day, and found it [MASK]."


class Server(http.server.ThreadingHTTPServer):
    """A plain static server that counts what is asked of the model's files, and can cut or refuse them."""

    asked, cut, refuse = 0, False, False


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if not self.path.endswith(".safetensors"):
            return super().do_GET()
        self.server.asked += 1
        content = Path(self.translate_path(self.path)).read_bytes()
        if self.server.refuse:
            return self.send_error(503)
        content = content[: len(content) // 2] if self.server.cut else content
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(site) -> Iterator[Server]:
    handler = functools.partial(Handler, directory=site)
    with Server(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def open_page(browser, server) -> Iterator:
    """Open a page of that server; what it asks of another host or logs as an error is kept."""
    contexts = []

    def open_one(path: str = PAGES[0], **options: object):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.home = f"http://127.0.0.1:{server.server_port}/"
        page.errors, page.foreign = [], []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        context.on("request", lambda one: one.url.startswith(page.home) or page.foreign.append(one.url))
        page.goto(page.home + path, wait_until="domcontentloaded")
        return page

    yield open_one
    for context in contexts:
        context.close()


def ask(page, text: str, *, wait: bool = True) -> None:
    page.locator(".try-form:visible textarea").fill(text)
    page.locator(".try-form:visible [name=ask]").click()
    if wait:
        page.locator(".try-form:visible .try-status", has_text="s.").wait_for()


def status(page) -> str:
    return page.locator(".try-form:visible .try-status").inner_text()


def candidates(page, side: str) -> list[str]:
    return page.locator(f".try-form:visible .try-{side} li > span:first-child").all_inner_texts()


def say(part: str, name: str, lang: str, **values: object) -> str:
    return TRY_IT[part][name][lang].format(**values)


def test_the_model_is_fetched_after_a_click_and_only_once(open_page, server, site):
    sizes = [path.stat().st_size for path in (site / "model").iterdir()]
    assert sum(sizes) <= 30e6 and min(sizes) <= 4e6
    page = open_page()
    page.locator(".try-examples button").nth(2).click()
    assert server.asked == 0 and candidates(page, "after")
    ask(page, TWENTY_TOKENS)
    assert server.asked == 2
    page.reload()
    ask(page, "The [MASK] was good.")
    assert server.asked == 2  # the browser kept them
    assert page.foreign == page.errors == []


def test_the_first_answer_comes_within_five_seconds(open_page):
    times = []
    while (
        len(times) < 5 and min(times, default=9) >= 5
    ):  # a machine with other work to do may need several tries
        page = open_page()
        start = time.monotonic()
        ask(page, TWENTY_TOKENS)
        times.append(time.monotonic() - start)
        page.locator(".try-form [name=ask]").click()
        page.locator(".try-status", has_text="20 tokens").wait_for()
        print(f"first answer after {times[-1]:.2f} s; then: {status(page)}")  # pytest -rP shows it
    assert min(times) < 5


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_wrong_input_is_answered_in_one_sentence_of_the_page(open_page, server, lang):
    page = open_page(f"book/{lang}/08_adapted_model.html")
    for text, name in [("  ", "empty"), ("No mask here.", "no_mask"), ("这部[MASK]很好看。", "english_only")]:
        ask(page, text, wait=False)
        assert status(page) == say("problems", name, lang)
        assert page.locator("textarea").get_attribute("aria-invalid") == "true"
    assert server.asked == 0
    ask(page, "word " * 600 + "[MASK].", wait=False)
    page.locator(".try-status", has_text="128").wait_for()
    assert status(page) == say("problems", "too_long", lang, found=604, limit=128)
    ask(page, "A 🎬 and a [mask].", wait=False)
    page.locator(".try-answers li").first.wait_for()
    assert say("words", "unknown", lang, words="🎬") in status(page)
    assert page.locator("textarea").input_value() == "A 🎬 and a [MASK]." and page.errors == []


@pytest.mark.parametrize(("trouble", "name"), [("cut", "damaged"), ("refuse", "unreachable")])
def test_a_file_that_does_not_arrive_is_said_and_asked_for_again(open_page, server, trouble, name):
    page = open_page()
    setattr(server, trouble, True)
    ask(page, "The [MASK] was good.", wait=False)
    page.locator(".try-status", has_text="again").wait_for()
    assert status(page) == say("problems", name, "en") and page.locator(".try-progress").is_hidden()
    setattr(server, trouble, False)
    ask(page, "The [MASK] was good.")
    assert len(candidates(page, "before")) == 5


def test_without_a_connection_it_says_so(open_page):
    page = open_page()
    page.context.set_offline(True)
    ask(page, "The [MASK] was good.", wait=False)
    page.locator(".try-status", has_text="connection").wait_for()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_keys_alone_work_it_and_it_is_told_in_words(open_page, lang):
    page = open_page(f"book/{lang}/01_fill_mask.html")
    page.get_by_role("textbox", name=TRY_IT["words"]["field"][lang]).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("A ")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == TRY_IT["words"]["insert"][lang]
    page.keyboard.press("Enter")
    page.keyboard.type(" made by a [MASK].")  # the field has the focus again
    page.keyboard.press("Enter")
    page.locator(".try-which").first.wait_for()
    lists = page.get_by_role("list", name=TRY_IT["words"]["after"][lang])
    assert lists.count() == 2 and page.locator(".try-pair li").count() == 20
    assert page.locator("textarea").input_value() == "A [MASK] made by a [MASK]."
    found = page.get_by_role("status").inner_text()
    assert all(f"“{word}”" in found for word in (candidates(page, "before")[0], candidates(page, "after")[0]))


@pytest.mark.parametrize("path", ["book/index.html", *PAGES])
def test_answers_fit_a_phone_and_keep_nobody_out(open_page, violations, path):
    page = open_page(path, viewport={"width": 360, "height": 740})
    page.locator(".try-form:visible .try-examples button").last.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(page) == []


@pytest.mark.parametrize("path", ["book/index.html", *PAGES])
def test_without_javascript_a_table_of_answers_stands_there(open_page, path):
    page = open_page(path, java_script_enabled=False)
    rows = page.locator(".try-static tbody tr")
    assert rows.count() == len(TRY_IT["examples"]) and rows.first.is_visible()
    assert page.locator(".try-static noscript").first.is_visible()
    assert not page.locator("textarea").first.is_visible()


def test_the_landing_page_asks_in_the_language_of_the_visitor_who_can_change_it(open_page):
    page = open_page("book/index.html", locale="zh-CN")
    form = page.locator(".try-form:visible")
    assert form.get_attribute("lang") == "zh-CN"
    form.locator("textarea").fill("My [MASK].")
    form.get_by_role("button", name="English", exact=True).click()
    assert form.get_attribute("lang") == "en" and form.locator("textarea").input_value() == "My [MASK]."


def test_other_pages_do_not_load_it(site):
    having = {
        path.relative_to(site).as_posix()
        for path in site.rglob("*.html")
        if "try-it.js" in path.read_text("utf-8")
    }
    assert having == {"book/index.html", *PAGES}
