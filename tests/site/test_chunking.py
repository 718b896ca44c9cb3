"""The chunking picture: it cuts as the package does, and anyone can move it."""

from itertools import product
from string import Formatter

import pytest
import yaml

from book._ext.chunking import PADDING, SETTINGS, count, cut
from mlmtutor import chunk_texts, load_tokenizer
from mlmtutor.testing import tiny_tokenizer

PICTURE = yaml.safe_load(SETTINGS.read_text("utf-8"))
WORDS = {lang: {name: both[lang] for name, both in PICTURE["words"].items()} for lang in ("en", "zh")}
LENGTHS = {letter: text["tokens"] for letter, text in PICTURE["texts"].items()}
PATHS = [f"book/{lang}/03_chunking.html" for lang in WORDS]
SIZES = range(PICTURE["sizes"]["least"], PICTURE["sizes"]["most"] + 1)
GRID = [
    {"chunk_size": size, "boundary": boundary, "tail": tail}
    for size, boundary, tail in product(SIZES, ("corpus", "group", "text"), ("drop", "keep"))
]

CUT = """([texts, all, padding]) => all.map(({ chunk_size, boundary, group_size, tail }) => {
    const settings = { chunkSize: chunk_size, boundary, groupSize: group_size, tail, padding };
    const stretches = chunking.cut(texts, settings);
    return { rows: stretches.flatMap((stretch) => stretch.chunks), counts: chunking.count(stretches, padding) };
})"""
SHAPE = """picture => Array.from(picture.children, (line) => Array.from(line.children, (chunk) =>
    [chunk.className, Array.from(chunk.children, (one) => one.dataset.text + one.textContent)]))"""


def shape(page) -> list:
    """The lines of the picture, their chunks, and the letters of each."""
    return page.locator(".chunk-picture").evaluate(SHAPE)


def choose(page, *, chunk_size: int, boundary: str, tail: str) -> None:
    page.locator("#chunk-size").fill(str(chunk_size))
    page.locator(f".chunking [value={boundary}]").check()
    page.locator(f".chunking [value={tail}]").check()


def test_rows_and_counts_are_those_of_the_package(visit):
    tokenizer = tiny_tokenizer()
    texts = [
        "the film was good",
        "good",
        "the film the film the film",
        "was",
        "the good film was the film",
        "",
    ]
    ids = tokenizer(texts).input_ids
    grid = [
        {"chunk_size": size, "boundary": boundary, "group_size": group_size, "tail": tail}
        for size, boundary, group_size, tail in product(
            (1, 2, 3, 5, 8, 16, 64), ("corpus", "group", "text"), (1, 2, 3, 10), ("drop", "keep")
        )
    ]
    found = visit(PATHS[0]).evaluate(CUT, [ids, grid, tokenizer.pad_token_id])
    for settings, one in zip(grid, found, strict=True):
        expected = chunk_texts(texts, tokenizer, **settings)
        rows = [list(row) for row in expected.dataset["input_ids"]]
        assert one["rows"] == rows, settings
        assert one["counts"]["chunks"] == len(rows)
        assert one["counts"]["dropped"] == expected.num_dropped
        places = len(rows) * settings["chunk_size"]
        assert one["counts"]["padding"] == round(expected.padding_share * places)


def test_everything_that_the_picture_can_show_is_counted_as_the_package_cuts_it(visit):
    grid = [{**settings, "group_size": PICTURE["group_size"]} for settings in GRID]
    letters = [[letter] * length for letter, length in LENGTHS.items()]
    found = visit(PATHS[0]).evaluate(CUT, [letters, grid, PADDING])
    for settings, one in zip(grid, found, strict=True):
        assert one["counts"] == count(cut(LENGTHS, **settings)), settings


def test_counts_by_hand():
    settings = {"chunk_size": 4, "group_size": 2, "tail": "drop"}
    # AAAA|AABB|BCCC and one C too many
    made = cut({"A": 6, "B": 3, "C": 4}, boundary="corpus", **settings)
    assert count(made) == {"chunks": 3, "dropped": 1, "padding": 0, "mixed": 2}
    # AAAA|AABB and one B, then CCCC
    made = cut({"A": 6, "B": 3, "C": 4}, boundary="group", **settings)
    assert count(made) == {"chunks": 3, "dropped": 1, "padding": 0, "mixed": 1}


def test_texts_have_as_many_tokens_as_the_tokenizer_finds():
    tokenizer = load_tokenizer("mini")
    for text in PICTURE["texts"].values():
        assert len(tokenizer(text["text"]).input_ids) == text["tokens"], text


@pytest.mark.parametrize("path", PATHS)
def test_without_javascript_stands_the_picture_that_the_script_begins_with(visit, path):
    page = visit(path, java_script_enabled=False)
    assert page.locator(".chunking noscript p").is_visible() and not page.locator("#chunk-size").is_visible()
    fixed = page.content().split('<div class="chunk-picture"')[1].split("<dl")[0]
    assert fixed.count("chunk-dropped") == 2 and fixed.count("chunk-mixed") == 3  # one of each in the key
    moving = visit(path)
    drawn = moving.evaluate(
        "html => { const box = document.createElement('div'); box.innerHTML = html; "
        f"return ({SHAPE})(box.firstElementChild); }}",
        '<div class="chunk-picture"' + fixed,
    )
    assert shape(moving) == drawn


@pytest.mark.parametrize("lang", WORDS)
def test_keys_alone_move_it_and_one_sentence_says_what_came_out(visit, lang):
    page = visit(f"book/{lang}/03_chunking.html")
    status = page.locator(".chunking [role=status]")
    assert status.text_content() == ""  # nothing is announced before something changes
    slider = page.get_by_role("slider", name=WORDS[lang]["size"])
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == WORDS[lang]["size_said"].format(size=10)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    settings = {"chunk_size": 10, "boundary": "group", "tail": "keep"}
    counts = count(cut(LENGTHS, group_size=2, **settings))
    assert counts == {"chunks": 4, "dropped": 0, "padding": 9, "mixed": 1}
    assert status.text_content() == WORDS[lang]["said"].format(size=10, **counts)
    shown = {name: int(page.locator(f"[data-count={name}]").inner_text()) for name in counts}
    assert shown == counts
    assert 'chunk_size=10, boundary="group", tail="keep"' in page.locator(".chunk-call").inner_text()
    picture = page.get_by_role("img", name=WORDS[lang]["chunk_said"].format(number=4, parts="").rstrip(".。"))
    assert WORDS[lang]["part"].format(number=4, letter="A") in picture.get_attribute("aria-label")


@pytest.mark.parametrize("lang", WORDS)
def test_it_fits_a_phone_with_every_chunk_on_one_line_and_keeps_nobody_out(visit, violations, lang):
    page = visit(f"book/{lang}/03_chunking.html", viewport={"width": 360, "height": 740})
    for settings in (GRID[0], GRID[-1], GRID[-5]):
        choose(page, **settings)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        boxes = [chunk.bounding_box() for chunk in page.locator(".chunk-picture .chunk").all()]
        assert all(box["height"] < 40 and box["x"] + box["width"] <= 360 for box in boxes)
    assert all(box.bounding_box()["height"] >= 20 for box in page.locator(".chunking [type=radio]").all())
    assert violations(page) == []


def test_texts_differ_in_grey_and_stay_on_paper(visit):
    page = visit(PATHS[0])
    choose(page, chunk_size=16, boundary="corpus", tail="keep")
    script = "cell => getComputedStyle(cell).backgroundImage.split('(')[0]"
    patterns = [page.locator(f".chunk-picture [data-text={one}]").first.evaluate(script) for one in "ABC"]
    assert patterns == ["none", "repeating-linear-gradient", "radial-gradient"]
    page.emulate_media(media="print")
    assert page.locator(".chunk-picture").is_visible() and not page.locator("#chunk-size").is_visible()


def test_both_languages_fill_the_same_numbers_in():
    def gaps(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for name, text in WORDS["en"].items():
        assert gaps(text) == gaps(WORDS["zh"][name]), name


def test_other_pages_do_not_load_it(site):
    having = {path.stem for path in site.glob("book/*/*.html") if "chunking.js" in path.read_text("utf-8")}
    assert having == {"03_chunking"}
