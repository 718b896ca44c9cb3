"""Ways out of a page: Colab, the notebook, the source, another machine, paper."""

import json
from pathlib import Path
from unicodedata import normalize
from urllib.parse import unquote

import pypdf
import pytest
import yaml
from bs4 import BeautifulSoup

from book.tools.pdf import print_book

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "zh")
REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]


@pytest.fixture(scope="module")
def ways(site) -> dict[tuple[str, str], BeautifulSoup]:
    """The links below the title of each chapter, by language and name."""
    found = {}
    for lang in LANGUAGES:
        for notebook in (ROOT / "book" / lang).glob("*.ipynb"):
            page = (site / "book" / lang / f"{notebook.stem}.html").read_text(encoding="utf-8")
            found[lang, notebook.stem] = BeautifulSoup(page, "html.parser").select_one("h1 + nav.ways-out")
    return found


def test_colab_opens_the_notebook_of_the_page_from_the_repository_of_the_configuration(ways):
    owner_and_name = REPOSITORY["url"].removeprefix("https://github.com/")
    for (lang, name), links in ways.items():
        address = links.select_one("a[href*=colab]")["href"]
        place, _, path = address.partition(f"/blob/{REPOSITORY['branch']}/")
        assert place == f"https://colab.research.google.com/github/{owner_and_name}"
        notebook = json.loads((ROOT / path).read_text(encoding="utf-8"))
        assert (notebook["metadata"]["mlmtutor"]["lang"], Path(path).stem) == (lang, name)


def test_source_is_the_file_that_the_chapter_is_written_in(ways):
    for (_, name), links in ways.items():
        (source,) = [link["href"] for link in links.select("a") if "/chapters/" in link["href"]]
        assert source.startswith(f"{REPOSITORY['url']}/blob/{REPOSITORY['branch']}/")
        assert (ROOT / "book" / source.partition("/book/")[2]).stem == name


def test_downloaded_notebook_is_the_committed_one(ways, site):
    for (lang, name), links in ways.items():
        (link,) = links.select("a[download]")
        file = (site / "book" / lang / unquote(link["href"])).resolve()
        assert file.read_bytes() == (ROOT / "book" / lang / f"{name}.ipynb").read_bytes()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_colab_there_is_a_way_for_each_trouble(ways, lang):
    text = ways[lang, "01_fill_mask"].details.text
    for word in ("git clone", "ModelScope", "HF_ENDPOINT", f"jupyter lab book/{lang}/01_fill_mask.ipynb"):
        assert word in text


def test_folded_answers_open_with_the_keyboard(address, browser):
    page = browser.new_page()
    page.goto(f"{address}/book/en/03_chunking.html")
    for fold in ("details.hide.above-input", "details:has(summary:text-is('Answer'))"):
        answer = page.locator(f"article {fold}").last
        assert answer.get_attribute("open") is None
        answer.locator("summary").focus()
        page.keyboard.press("Enter")
        assert answer.get_attribute("open") is not None
    page.close()


def test_code_is_copied_without_its_output(address, browser):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}/book/zh/03_chunking.html")
    cell = page.locator("div.cell_input", has_text="import mlmtutor").first
    cell.hover()
    cell.locator("button.copybtn").click()
    assert page.evaluate("navigator.clipboard.readText()") == cell.locator("pre").inner_text().strip()
    context.close()


def test_the_book_on_paper_has_bookmarks_chinese_text_and_open_answers(site, browser, tmp_path):
    pages = ["book/zh/03_chunking", "book/zh/07_perplexity", "book/en/03_chunking"]
    contents = tmp_path / "_toc.yml"
    contents.write_text(yaml.safe_dump({"parts": [{"chapters": [{"file": page} for page in pages]}]}))
    assert print_book(browser, site, contents, "zh", tmp_path / "book.pdf") == 2
    book = pypdf.PdfReader(tmp_path / "book.pdf")
    chapters = [entry.title for entry in book.outline if not isinstance(entry, list)]
    assert chapters == [
        "3. 25,000 条影评怎样变成等长的文本块？",
        "7. 困惑度是什么意思，两个困惑度什么时候能比？",
    ]
    # fonts draw some characters with the glyph of a radical that looks the same
    text = normalize("NFKC", "".join(page.extract_text() for page in book.pages))
    assert "模型可能学会从前一条影评里抄名字" in "".join(text.split()), (
        "an answer is folded, or Chinese is lost"
    )
    assert not list((site / "book" / "zh").glob("whole-book*"))
