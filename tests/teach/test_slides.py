"""The command slides: what a deck holds and what stays out, that it opens from the disk alone, and what is refused."""

import re
import shutil
from html import unescape
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from mlmtutor.teach import commands
from mlmtutor.teach.chapters import LANGUAGES, list_sources, read_chapter
from mlmtutor.teach.notebooks import compose
from mlmtutor.teach.slides import deck
from mlmtutor.teach.slides.deck import compose_deck, find_committed, read_outputs, write_deck
from mlmtutor.teach.slides.layout import LEFT_OUT, SUMMARY, make_slides
from tests.teach.test_commands import run
from tests.teach.toy import ROOT

SOURCES = list_sources(ROOT / "book" / "chapters")
FOLDED = re.compile(r"<details>(.*?)</details>", re.DOTALL)
PAIR = """
+++ {{"lang": "en"}}

{}

+++ {{"lang": "zh"}}

{}
"""
TOY = "".join(
    [
        "---\nkernelspec:\n  display_name: Python 3\n  language: python\n  name: python3\n---\n",
        PAIR.format(
            "# How long is a word?\n\nA word has letters.\n\nWhat you will learn:\n\n- to count",
            "# 一个词有多长？\n\n词由字母组成。\n\n你将学到：\n\n- 怎样数",
        ),
        "\n```{code-cell} ipython3\nimport sys\n```\n",
        '\n```{code-cell} ipython3\n:tags: [parameters]\n\nword: str = "film"  # the word\n```\n',
        PAIR.format(
            "## Does it *grow*?\n\nWe count [letters](02_toy.ipynb), $n^2$ of them.\n\n"
            "Before you run this: how many are there?\nThree, or four?\n\n<!-- diagram: toy -->",
            "## 词会变长吗？\n\n我们来数[字母](02_toy.ipynb)，共 $n^2$ 个。\n\n有几个，三个还是四个？先猜一猜。",
        ),
        "\n```{code-cell} ipython3\nprint(len(word))\n```\n",
        "\n```{code-cell} ipython3\n:tags: [remove-cell]\n\nassert len(word) == 4\n```\n",
        PAIR.format(
            "There are four.\n\nThe rule is:\n\n$$a \\ge 1$$\n\n## Check yourself\n\nHow long is `film`?",
            "有四个。\n\n规则是：\n\n$$a \\ge 1$$\n\n## 自测\n\n`film` 有多长？",
        ),
        '\n```{code-cell} ipython3\nanswer = ...\nmt.check_answer("1.1", answer)\n```\n',
        PAIR.format(
            "## In this chapter\n\n- Words have letters.\n\n## Exercises\n\n**1.** Count `book`.",
            "## 本章小结\n\n- 词由字母组成。\n\n## 练习\n\n**1.** 数一数 `book`。",
        ),
        '\n```{code-cell} ipython3\n:tags: [hide-cell]\n\n# answer: 4\nprint(len("book"))\n```\n',
    ]
)
# what a slide says about how it fits
MEASURE = """() => {
  const slide = Reveal.getCurrentSlide(), edge = slide.getBoundingClientRect();
  const scrolling = box => box.closest("pre, .table, section.scrolls");
  const out = [...slide.querySelectorAll("*")].filter(box => {
    const place = box.getBoundingClientRect();
    return place.width && (place.right > edge.right + 1 || place.bottom > edge.bottom + 1) && !scrolling(box);
  });
  return {size: +slide.dataset.fit, scrolls: slide.classList.contains("scrolls"), wide: slide.scrollWidth > 1281,
          out: out.map(box => box.outerHTML.slice(0, 80))};
}"""


@pytest.fixture
def toy(write) -> Path:
    """The source of the toy chapter, which the command finds."""
    path = write()
    path.write_text(TOY, encoding="utf-8")
    return path


@pytest.fixture
def executed(toy) -> Path:
    """Its notebook, in English, as if it had run."""
    chapter = read_chapter(toy)
    outputs = [[] for _ in chapter.code]
    outputs[2] = [nbformat.v4.new_output("stream", name="stdout", text="4 letters\n")]
    path = Path("toy.ipynb")
    nbformat.write(compose(chapter, "en", outputs), path)
    return path


@pytest.fixture(scope="module")
def decks(tmp_path_factory) -> dict[str, Path]:
    """Decks of two chapters, one in each language: their pages."""
    folder = tmp_path_factory.mktemp("decks")
    pages = {}
    for name, lang in (("05_word_masking", "en"), ("07_perplexity", "zh")):
        chapter = read_chapter(ROOT / "book" / "chapters" / f"{name}.md")
        slides = make_slides(chapter, lang, read_outputs(find_committed(chapter, lang), chapter))
        pages[lang] = write_deck(slides, chapter, lang, folder / name)
    return pages


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_deck_has_every_heading_and_figure_of_a_chapter_and_no_answer(path, lang):
    chapter = read_chapter(path)
    committed = nbformat.read(ROOT / "book" / lang / f"{path.stem}.ipynb", as_version=4)
    slides = make_slides(chapter, lang, read_outputs(find_committed(chapter, lang), chapter))
    text = "\n".join(cell.source for cell in compose_deck(slides, chapter, lang).cells)
    prose = "\n".join(cell.source for cell in chapter.cells if cell.lang == lang)

    headings = re.findall(r"^## (.+)", prose, re.MULTILINE)
    columns = [slide.head.rpartition("## ")[2] for slide in slides[1:] if slide.is_first]
    assert columns == [heading for heading in headings if heading not in LEFT_OUT]
    assert slides[0].kind == "title" and any(part.source.startswith("- ") for part in slides[0].parts)
    assert columns[-1] in SUMMARY and slides[-1].kind == "summary" and slides[-1].parts

    pictures = sum(
        "image/svg+xml" in one.get("data", {}) for cell in committed.cells for one in cell.get("outputs", ())
    )
    assert text.count('<img class="plot"') == pictures

    _, _, exercises = prose.partition("\n## " + ("Exercises" if lang == "en" else "练习"))
    kept_back = [cell.source for cell in chapter.code if {"hide-cell", "remove-cell"} & set(cell.tags)]
    assert not [cell for cell in kept_back if cell in text]
    for hidden in (exercises, *FOLDED.findall(prose)):
        assert not [line for line in hidden.splitlines() if len(line) > 30 and line in text]
    assert "# answer" not in text and "check_answer" not in text and "<details" not in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_deck_shows_questions_and_keeps_prose_for_the_speaker(lang, executed):
    assert run("slides", "toy", "--lang", lang, "--notebook", executed, "-o", "talk") == (
        0,
        "6 slides: 'talk/index.html'; S opens the speaker's notes\n",
        "",
    )
    page = BeautifulSoup(Path("talk/index.html").read_text(encoding="utf-8"), "html.parser")
    assert page.html["lang"] == lang
    slides = page.select(".slides > section > section")
    assert [slide["data-kind"] for slide in slides] == [
        "title",
        "section",
        "plain",
        "plain",
        "check",
        "summary",
    ]
    notes = [[note.extract().get_text(" ", strip=True) for note in slide.select("aside")] for slide in slides]
    shown = [slide.get_text(" ", strip=True) for slide in slides]
    if lang == "en":
        assert shown[0] == "Chapter 1 How long is a word? What you will learn: to count"
        assert shown[2].startswith("Does it grow ? Guess first How many are there? Three, or four? print")
        assert "A word has letters." in notes[0][0]
    else:
        assert shown[0] == "第 1 章 一个词有多长？ 你将学到： 怎样数"
        assert shown[2].startswith("词会变长吗？ 先猜一猜 有几个，三个还是四个？ print")
        assert "有四个。" in notes[2][1]
    assert slides[2].select_one(".fragment").get_text(strip=True) == "4 letters"
    assert slides[1].select_one("h2") and not slides[1].select_one("pre")
    assert slides[3].select_one("math[display=block]") and "import sys" not in page.get_text()
    everything = page.get_text() + str(notes)
    for left_out in ("answer", "assert", "book", "word: str", "diagram", "02_toy"):
        assert left_out not in everything
    assert len(page.select("a[href]")) == 0


def test_the_same_command_again_writes_the_same_deck(executed):
    arguments = ("slides", "toy", "--notebook", executed, "-o", "talk")
    assert run(*arguments)[0] == 0
    files = {path: path.read_bytes() for path in Path("talk").rglob("*") if path.is_file()}
    Path("talk/mine.txt").write_text("a note")
    assert run(*arguments)[0] == 0
    assert files.items() <= {p: p.read_bytes() for p in Path("talk").rglob("*") if p.is_file()}.items()


def test_without_the_committed_notebooks_a_deck_has_code_alone_and_says_so(toy):
    status, printed, _ = run("slides", "toy")
    assert status == 0 and printed.splitlines() == [
        "6 slides: '01_toy-slides/index.html'; S opens the speaker's notes",
        "without outputs: mlmtutor run 01_toy -o x.ipynb, then mlmtutor slides 01_toy --notebook x.ipynb",
    ]
    page = Path("01_toy-slides/index.html").read_text(encoding="utf-8")
    assert "letters" in page and "4 letters" not in page


def test_cells_that_were_changed_since_the_run_are_counted(toy, executed):
    toy.write_text(TOY.replace("print(len(word))", "print(word)"), encoding="utf-8")
    assert run("slides", "toy", "--notebook", executed)[1].splitlines()[1] == (
        "1 of 6 cells are not in 'toy.ipynb' as they are now: without outputs"
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["02"], "no chapter '02', the nearest is 01_toy; there are: 01_toy"),
        (["toy", "--notebook", "none.ipynb"], "cannot read 'none.ipynb': No such file or directory"),
        (["toy", "--notebook", "folder"], "cannot read 'folder': Is a directory"),
        (["toy", "--notebook", "notes.txt"], "'notes.txt' is no notebook"),
        (["toy", "--notebook", "list.ipynb"], "'list.ipynb' is no notebook"),
        (["toy", "--notebook", "other.ipynb"], "expected a notebook of 01_toy, 'other.ipynb' is one of 02_reviews"),
        (["toy", "--notebook", "mine.ipynb"], "expected a notebook of 01_toy, 'mine.ipynb' is one of no chapter"),
        (["toy", "--notebook", "fresh.ipynb"], "'fresh.ipynb' has no outputs: run it first, or `mlmtutor run 01_toy`"),
        (["toy", "-o", "notes.txt"], "expected a folder, found the file 'notes.txt'"),
        (["toy", "-o", "folder"], "'folder' holds files that are no deck of this command: choose another folder"),
        (["toy", "-o", "/proc/talk"], "cannot write to '/proc/talk': "),
        (["toy", "-o", "notes.txt/talk"], "cannot write to 'notes.txt/talk': "),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(arguments, line, toy, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "index.html").write_text("somebody's page")
    (tmp_path / "notes.txt").write_bytes(b"\xff\xfe no notebook")
    (tmp_path / "list.ipynb").write_text("[1, 2]")
    shutil.copy(ROOT / "book" / "en" / "02_reviews.ipynb", tmp_path / "other.ipynb")
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "mine.ipynb")
    nbformat.write(compose(read_chapter(toy), "en"), tmp_path / "fresh.ipynb")
    before = sorted(tmp_path.rglob("*"))
    status, printed, errors = run("slides", *arguments)
    assert status == 1 and printed == "" and len(errors.splitlines()) == 1
    assert errors.startswith(f"mlmtutor: {line}"), errors
    assert sorted(tmp_path.rglob("*")) == before


def test_missing_packages_are_one_line_with_the_command(toy, monkeypatch):
    monkeypatch.setattr(commands, "find_spec", lambda name: None if name == "sphinx_revealjs" else name)
    assert run("slides", "toy")[2] == (
        "mlmtutor: to make slides, expected sphinx-revealjs, found none: pip install sphinx-revealjs\n"
    )


def test_a_deck_names_no_foreign_host(decks):
    for page in decks.values():
        html = page.read_text(encoding="utf-8")
        soup = BeautifulSoup(html, "html.parser")
        named = [
            tag[key] for tag in soup.find_all(True) for key in ("src", "href", "data") if tag.has_attr(key)
        ]
        local = [name for name in named if not name.startswith("data:image/")]
        assert local and all((page.parent / name).is_file() for name in local)
        for style in page.parent.rglob("*.css"):
            assert not re.search(r"url\((?![\"']?data:)|@import", style.read_text(encoding="utf-8"))
        # a program that names a host, or prints its name, asks it for nothing
        for tag in soup.select("pre, code"):
            tag.decompose()
        assert not re.search(r"https?://(?!www\.w3\.org/)|[\"'(]//", unescape(str(soup)))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_deck_opens_from_the_disk_and_everything_fits(lang, decks, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(decks[lang].as_uri())
    assert page.locator("section.present h1").is_visible()
    page.keyboard.press("ArrowRight")
    assert page.locator("section.present section.present h2").is_visible()
    page.evaluate("Reveal.slide(0)")
    num_slides = page.evaluate("Reveal.getTotalSlides()")
    assert num_slides > 50
    sizes = []
    for number in range(num_slides):
        page.evaluate(
            "number => { const at = Reveal.getIndices(Reveal.getSlides()[number]); Reveal.slide(at.h, at.v) }",
            number,
        )
        found = page.evaluate(MEASURE)
        assert not (found["out"] or found["wide"] or found["scrolls"]), (number, found)
        sizes.append(found["size"])
    assert len(sizes) == num_slides and min(sizes) >= 0.8  # code in 18 pixels of 720
    assert said == [] and all(url.startswith(("file:", "data:")) for url in asked)
    page.close()


def test_an_output_waits_until_the_class_has_guessed(decks, browser):
    page = browser.new_page(viewport={"width": 1024, "height": 768})
    page.goto(decks["en"].as_uri())
    page.evaluate("""() => {
        const slide = document.querySelector(".fragment").closest("section"), at = Reveal.getIndices(slide);
        Reveal.slide(at.h, at.v);
    }""")
    output = page.locator("section.present section.present .fragment")
    assert not output.evaluate("box => box.classList.contains('visible')")
    page.keyboard.press("Space")
    assert output.evaluate("box => box.classList.contains('visible')")
    page.close()


def test_a_deck_is_small(decks):
    for page in decks.values():
        assert sum(path.stat().st_size for path in page.parent.rglob("*") if path.is_file()) < 2_000_000
    assert set(path.name for path in decks["en"].parent.iterdir()) == {deck.PAGE, deck.REVEAL}
