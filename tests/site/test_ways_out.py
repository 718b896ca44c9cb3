"""Ways out of a page: Colab, the notebook, the source, another machine, paper."""

import json
import re
from pathlib import Path
from unicodedata import normalize
from urllib.parse import unquote

import nbformat
import pypdf
import pytest
import yaml
from bs4 import BeautifulSoup

from book._ext.repository import set_install_cell
from book.tools.pdf import join_pages, print_book

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "zh")


@pytest.fixture(scope="module")
def ways(site) -> dict[tuple[str, str], BeautifulSoup]:
    """The links below the title of each chapter, by language and name."""
    found = {}
    for lang in LANGUAGES:
        for notebook in (ROOT / "book" / lang).glob("*.ipynb"):
            page = (site / "book" / lang / f"{notebook.stem}.html").read_text(encoding="utf-8")
            found[lang, notebook.stem] = BeautifulSoup(page, "html.parser").select_one("h1 + nav.ways-out")
    return found


@pytest.mark.parametrize(
    ("service", "start"),
    [
        # the branch of the notebooks that install from the fork
        ("colab.research", "https://colab.research.google.com/github/Someone/course/blob/colab/"),
        ("mybinder", "https://mybinder.org/v2/gh/Someone/course/main?urlpath=lab/tree/"),
    ],
)
def test_other_places_open_the_notebook_of_the_page_from_the_fork(ways, service, start):
    for (lang, name), links in ways.items():
        address = links.select_one(f"a[href*='{service}']")["href"]
        assert address.startswith(start)
        notebook = json.loads((ROOT / address.removeprefix(start)).read_text(encoding="utf-8"))
        assert (notebook["metadata"]["mlmtutor"]["lang"], Path(address).stem) == (lang, name)
        assert links.select_one("a[href='https://codespaces.new/Someone/course/tree/main']")


def test_source_is_the_file_that_the_chapter_is_written_in(ways, repository):
    for (_, name), links in ways.items():
        (source,) = [link["href"] for link in links.select("a") if "/chapters/" in link["href"]]
        start = repository.show("")
        assert source.startswith(start) and (ROOT / source.removeprefix(start)).stem == name


def test_downloaded_notebook_is_the_committed_one_and_installs_from_the_fork(ways, site, repository):
    for (lang, name), links in ways.items():
        (link,) = links.select("a[download]")
        file = (site / "book" / lang / unquote(link["href"])).resolve()
        committed = nbformat.read(ROOT / "book" / lang / f"{name}.ipynb", as_version=4)
        assert nbformat.read(file, as_version=4) == set_install_cell(committed, repository)
        asked = f'"{requirement_of(name, repository)}"'
        assert asked in file.read_text("utf-8").replace('\\"', '"')


def requirement_of(name, repository):
    """What the notebook of a chapter installs: the Chinese one has packages of its own."""
    extras = "[mini,zh]" if name == "12_chinese" else "[mini]"
    return repository.requirement.replace("[mini]", extras)


def test_page_shows_what_its_notebook_installs(site, repository):
    for lang in LANGUAGES:
        for page in (site / "book" / lang).glob("[0-9]*.html"):
            asked = requirement_of(page.stem, repository)
            assert asked in page.read_text(encoding="utf-8").replace("&quot;", '"'), page


def test_nobodys_address_is_on_no_page(site):
    for page in site.rglob("*"):
        if page.suffix in (".html", ".xml", ".ipynb", ".js", ".txt"):
            assert "github.com/OWNER" not in page.read_text(encoding="utf-8"), page


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
    cell = page.locator("div.cell_input", has_text="choose_profile").first
    cell.hover()
    cell.locator("button.copybtn").click()
    assert page.evaluate("navigator.clipboard.readText()") == cell.locator("pre").inner_text().strip()
    context.close()


def test_drawings_of_the_book_on_paper_find_their_parts_and_their_styles(site):
    html = join_pages([site / f"book/zh/{name}.html" for name in ("03_chunking", "05_word_masking")], "zh")
    book = BeautifulSoup(html, "html.parser")
    ids = {tag["id"] for tag in book.select("[id]")}
    drawings = "".join(map(str, book.select("svg.plot")))
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', drawings))
    assert len(used) > 10 and used <= ids
    styles = [
        link["href"].partition("?")[0].rpartition("/")[2] for link in book.select("link[rel=stylesheet]")
    ]
    assert {"course.css", "chunking.css", "playground.css"} <= set(styles)
    assert len(styles) == len(set(styles))


def test_the_book_on_paper_has_bookmarks_chinese_text_and_open_answers(site, browser, tmp_path):
    pages = ["book/zh/03_chunking", "book/zh/07_perplexity", "book/en/03_chunking"]
    contents = tmp_path / "_toc.yml"
    contents.write_text(yaml.safe_dump({"parts": [{"chapters": [{"file": page} for page in pages]}]}))
    assert print_book(browser, site, contents, "zh", tmp_path / "book.pdf") == 2
    book = pypdf.PdfReader(tmp_path / "book.pdf")
    chapters = [entry.title for entry in book.outline if not isinstance(entry, list)]
    assert chapters == [
        "3. 文本块：25,000 条影评怎样切成等长的块？",
        "7. 困惑度是什么意思，两个困惑度什么时候能比？",
    ]
    # fonts draw some characters with the glyph of a radical that looks the same
    text = normalize("NFKC", "".join(page.extract_text() for page in book.pages))
    assert "模型可能会学着从前一条影评里照抄片名或人名" in "".join(text.split()), (
        "an answer is folded, or Chinese is lost"
    )
    assert not list((site / "book" / "zh").glob("whole-book*"))
