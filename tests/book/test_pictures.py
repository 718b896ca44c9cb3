"""The cards of shared pages: their lines, their drawing, and machines without a Chinese font."""

import json
from types import SimpleNamespace

import pytest
from PIL import ImageFont

from book._ext import pictures, sharing
from book._ext.try_it import ANSWERS

TITLES = (
    "What does perplexity mean, and when can two be compared?",
    "A gallery of mistakes: what goes wrong, and how do you notice?",
    "困惑度是什么意思，两个困惑度什么时候能比？",
    "一个没有任何标点的非常非常长的标题它一行肯定写不下所以要分成几行",
)


@pytest.fixture
def no_han_font(monkeypatch):
    monkeypatch.setattr(pictures, "find_han_font", lambda: None)
    pictures._font.cache_clear()
    yield
    pictures._font.cache_clear()


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_broken_into_lines_that_fit_and_nothing_is_lost(title):
    lines = pictures._break(title, 60)
    assert len(lines) > 1
    assert "".join(lines).replace(" ", "") == title.replace(" ", "")
    assert max(map(pictures._font(60).getlength, lines)) <= pictures.WIDTH - 2 * pictures.MARGIN


def test_a_chinese_title_is_broken_after_a_clause():
    assert pictures._break("困惑度是什么意思，两个困惑度什么时候能比？", 72)[0] == "困惑度是什么意思，"


@pytest.mark.parametrize("title", TITLES)
def test_the_title_does_not_touch_the_chapters_below(title):
    card = pictures.draw_card(title, kicker="Chapter 7", number=7, num_chapters=11)
    between = card.crop((0, pictures.HEIGHT - 125, pictures.WIDTH, pictures.HEIGHT - 115))
    assert len(between.getcolors()) == 1


def test_the_chapter_is_masked_among_the_others():
    def count_yellow(number):
        card = pictures.draw_card("Title", kicker="", number=number, num_chapters=11)
        return next(
            count
            for count, colour in card.getcolors(pictures.WIDTH * pictures.HEIGHT)
            if colour == (255, 200, 87)
        )

    assert count_yellow(3) > count_yellow(None) + 500


def test_a_bar_is_as_long_as_its_probability():
    (answers, *_) = next(iter(json.loads(ANSWERS.read_text("utf-8")).values()))
    card = pictures.draw_guesses(["Title"], "A [MASK].", {"after": answers["after"][:1]})
    row = [card.getpixel((x, 450)) for x in range(pictures.WIDTH)]
    length = sum(pixel == (255, 200, 87) for pixel in row)
    assert length == pytest.approx(4 + 560 * answers["after"][0]["probability"], abs=2)


def test_a_chinese_page_takes_the_english_card_where_no_font_has_its_letters(no_han_font, tmp_path):
    pages = ("book/en/01_toy", "book/zh/01_toy", "book/index")
    environment = SimpleNamespace(
        found_docs=set(pages),
        titles={page: SimpleNamespace(astext=lambda page=page: f"Title of {page}") for page in pages},
        toc_secnumbers={page: {"": (1,)} for page in pages[:2]},
    )
    app = SimpleNamespace(
        env=environment, outdir=tmp_path, config=SimpleNamespace(root_doc="book/index", html_baseurl="")
    )
    english, chinese, landing = [sharing.draw_card(app, page) for page in pages]
    assert chinese == english != landing
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in repr(sharing._landing_words(has_han=False)))


def test_a_card_is_drawn_again_only_when_it_changes(no_han_font, tmp_path, monkeypatch):
    environment = SimpleNamespace(
        found_docs={"book/en/01_toy"},
        titles={"book/en/01_toy": SimpleNamespace(astext=lambda: "Title")},
        toc_secnumbers={"book/en/01_toy": {"": (1,)}},
    )
    app = SimpleNamespace(env=environment, outdir=tmp_path, config=SimpleNamespace(root_doc="book/index"))
    first = tmp_path / sharing.draw_card(app, "book/en/01_toy")
    first.write_bytes(b"kept")
    assert tmp_path / sharing.draw_card(app, "book/en/01_toy") == first
    assert first.read_bytes() == b"kept"
    environment.titles["book/en/01_toy"] = SimpleNamespace(astext=lambda: "Another title")
    second = tmp_path / sharing.draw_card(app, "book/en/01_toy")
    assert [*second.parent.iterdir()] == [second]


def test_the_icon_has_the_shapes_of_the_favicon():
    icon = pictures.draw_icon(320)
    assert icon.getpixel((5, 300)) == (11, 79, 113)  # ground
    assert icon.getpixel((70, 160)) == icon.getpixel((250, 160)) == (255, 255, 255)  # words
    assert icon.getpixel((122, 92)) == (255, 200, 87)  # frame of the mask


def test_the_font_for_chinese_has_simplified_letters():
    found = pictures.find_han_font()
    if found is None:
        pytest.skip("no Chinese font on this machine")
    family = ImageFont.truetype(found[0], index=found[1]).getname()[0]
    assert "CJK" not in family or family.endswith("SC")
