"""A page on paper: light whatever the screen shows, complete, and without what only a screen needs."""

import io

import pypdf
import pytest

DARK = {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}}


@pytest.fixture
def open_dark(visit):
    """Open a page in dark mode."""

    def open_page(path):
        page = visit(path, **DARK)
        page.evaluate("localStorage.setItem('mode', 'dark'); localStorage.setItem('theme', 'dark')")
        page.reload()
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        return page

    return open_page


def test_a_dark_page_is_printed_light_with_its_folds_open_and_is_dark_afterwards(open_dark):
    page = open_dark("book/en/01_fill_mask.html")
    folds = "document.querySelectorAll('article details:not([open])').length"
    closed = page.evaluate(folds)
    assert closed > 3
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.evaluate(folds) == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(folds) == closed


@pytest.mark.parametrize(
    ("path", "title", "next_page"),
    [
        ("book/en/01_fill_mask.html", "1. What does a masked language model know?", "IMDb reviews?"),
        ("book/zh/04_token_masking.html", "4. 词元遮盖", "整词，什么算"),
    ],
)
def test_the_printed_page_has_its_number_and_nothing_around_it(open_dark, path, title, next_page):
    page = open_dark(path)
    reader = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    text = " ".join(" ".join(sheet.extract_text() for sheet in reader.pages).split())
    assert title in text
    assert next_page not in text.partition(title)[0]  # no contents of the sidebar before it
    assert "http" not in text.partition(title)[2][:500]


@pytest.mark.parametrize("path", ["book/en/06_fine_tuning.html", "book/zh/04_token_masking.html"])
def test_nothing_is_cut_off_at_the_edge_of_the_paper(open_dark, path):
    page = open_dark(path)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 673, "height": 1000})  # A4 without its margins
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    wide = page.evaluate(
        """() => [...document.querySelectorAll("article :is(pre, figure, table, ruby, .output)")]
            .filter((part) => part.getClientRects().length)
            .filter((part) => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== "inline"
                || part.getBoundingClientRect().right > innerWidth + 1)
            .map((part) => part.textContent.slice(0, 60))"""
    )
    assert wide == []


def test_what_only_a_screen_needs_is_not_printed(open_dark):
    page = open_dark("book/en/01_fill_mask.html")
    page.emulate_media(media="print")
    shown = page.evaluate(
        """() => [...document.querySelectorAll("button, .bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, "
                + ".prev-next-area, .ways-out, .bd-footer, .headerlink, #jb-print-docs-body")]
            .filter((part) => part.getClientRects().length && part.closest("article, aside, header, footer, .bd-main"))
            .map((part) => part.className || part.tagName)"""
    )
    assert shown == []
