"""The mask playground: it draws as the package does, and anyone can work it."""

import json
import re
from collections.abc import Callable
from string import Formatter

import numpy as np
import pytest
import torch
import yaml

from book._ext.passages import PASSAGES, read_passages
from book._ext.try_it import SETTINGS as TRY_IT
from book.tools.write_answers import MODELS
from book.tools.write_passages import write_passages
from mlmtutor import MaskingSettings, chunk_texts, load_model, load_tokenizer

PLAYGROUND = yaml.safe_load(PASSAGES.with_name("playground.yml").read_text("utf-8"))
PROBLEMS = yaml.safe_load(TRY_IT.read_text("utf-8"))["problems"] | PLAYGROUND["problems"]
WORDS = {lang: {name: both[lang] for name, both in PLAYGROUND["words"].items()} for lang in ("en", "zh")}
KINDS = ("mask", "random", "kept")
NUM_ROWS = 50
PHONE = {"width": 360, "height": 740}
OWN_TEXT = "A naïve film, and an unwatchable one: [MASK] my words, it's over-long."

DRAW = """([name, unit, rate, maskShare, randomShare, rows]) => {
    const { passages, special, ordinary } = JSON.parse(document.querySelector(".mask-playground script").textContent);
    const { tokens } = passages[name];
    const firstPieces = masking.unitStarts(passages[name], new Set(special), unit);
    return [...Array(rows).keys()].map((row) =>
        masking.mask(tokens, firstPieces, { rate, maskShare, randomShare, ordinary, row }).map(({ shown, kind }) => [shown, kind]));
}"""


@pytest.fixture(scope="module")
def open_chapter(browser, address) -> Callable:
    """Open a chapter at its playground, cut off from all other hosts; what it logs as an error is kept."""
    contexts = []

    def open_page(slug: str, *, lang: str = "en", **options: object):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        context.route(lambda url: not url.startswith(address), lambda route: route.abort())
        page = context.new_page()
        page.fetched = []  # files of the model
        context.on("request", lambda one: "safetensors" in one.url and page.fetched.append(one.url))
        page.goto(f"{address}/book/{lang}/{slug}.html#playground", wait_until="domcontentloaded")
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on(
            "console", lambda message: page.errors.append(message.text) if message.type == "error" else None
        )
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def words_page(open_chapter):
    """The chapter that has every passage, to call functions on."""
    return open_chapter("05_word_masking")


@pytest.fixture
def page(open_chapter):
    """The playground of chapter 4 as it opens; nothing done to it may log an error."""
    opened = open_chapter("04_token_masking")
    yield opened
    assert opened.errors == []
    opened.close()


def button(page, name: str, lang: str = "en"):
    return page.get_by_role("button", name=WORDS[lang][name], exact=True)


def numbers(page) -> list[float]:
    """The numbers of the sentence that screen readers are told after every change."""
    return [float(number) for number in re.findall(r"[\d.]*\d", page.locator(".mask-status").inner_text())]


def masked_tokens(page) -> list[str]:
    return page.locator(".mask-text .mask-token").all_inner_texts()


def test_passages_are_what_the_package_makes_of_the_reviews(tmp_path):
    write_passages(tmp_path / "passages.json")
    assert json.loads((tmp_path / "passages.json").read_text("utf-8")) == json.loads(
        PASSAGES.read_text("utf-8")
    )


def test_words_are_grouped_as_the_package_groups_them(words_page):
    script = """() => {
        const { passages, special } = JSON.parse(document.querySelector(".mask-playground script").textContent);
        const firstPieces = (passage) => masking.findFirstPieces(passage, new Set(special));
        return Object.fromEntries(Object.entries(passages).map(([name, passage]) => [name, firstPieces(passage)]));
    }"""
    found = words_page.evaluate(script)
    assert found == {name: passage.first_pieces.tolist() for name, passage in read_passages().items()}
    assert found["inside"][0] == -1  # its first piece belongs to a word of the chunk before
    assert found["chinese"][1:4] == [1, 1, 1]
    across = 'masking.findFirstPieces({ tokens: ["film", "[SEP]", "##s"] }, new Set(["[SEP]"]))'
    assert words_page.evaluate(across) == [0, -1, -1]


@pytest.mark.parametrize("unit", ["token", "word"])
@pytest.mark.parametrize(
    ("rate", "mask_share", "random_share"), [(0.15, 0.8, 0.1), (0.6, 0.8, 0.1), (1, 1, 0)]
)
def test_draws_are_those_of_the_package(words_page, unit, rate, mask_share, random_share):
    settings = MaskingSettings(unit=unit, mask_prob=rate, mask_share=mask_share, random_share=random_share)
    for name, passage in read_passages().items():
        drawn = words_page.evaluate(DRAW, [name, unit, rate, mask_share, random_share, NUM_ROWS])
        expected = passage.draw(settings, num_rows=NUM_ROWS)
        assert drawn == [[[token.shown, token.kind] for token in row.tokens] for row in expected], name


@pytest.mark.parametrize("unit", ["token", "word"])
def test_what_is_masked_is_within_5_standard_deviations_of_what_is_asked_for(words_page, unit):
    rate, rows = 0.15, 400
    drawn = np.array(words_page.evaluate(DRAW, ["inside", unit, rate, 0.8, 0.1, rows]))[:, :, 1]
    passage = read_passages()["inside"]
    starts = (
        passage.first_pieces if unit == "word" else np.flatnonzero(~passage.table.is_special[passage.ids[0]])
    )
    sizes = np.unique(starts[starts >= 0], return_counts=True)[1]  # tokens per unit
    masked = (drawn != "none").sum()
    deviation = np.sqrt(rows * rate * (1 - rate) * (sizes**2).sum())
    assert abs(masked - rows * rate * sizes.sum()) < 5 * deviation
    for kind, share in {"mask": 0.8, "random": 0.1, "kept": 0.1}.items():
        assert abs((drawn == kind).sum() - share * masked) < 5 * np.sqrt(masked * share * (1 - share)), kind


def test_every_masked_token_is_counted_and_framed_by_its_kind(page):
    draw, masked, all_tokens, expected = numbers(page)
    assert (draw, len(masked_tokens(page)), all_tokens, expected) == (1, masked, 63, 9.4)
    for kind in KINDS:
        found = page.locator(f".mask-text ruby:has(.mask-{kind})")
        assert found.count() == int(page.locator(f"[data-row={kind}] td").first.inner_text().split()[0])
        said = re.compile(WORDS["en"][f"{kind}_said"].format(shown=r"\S+", token=r"\S+"))
        for ruby in found.all():  # to be read, not only seen; the truth stands above what the model sees
            assert said.fullmatch(ruby.get_attribute("aria-label"))
            truth, seen = ruby.locator("rt").bounding_box(), ruby.locator(".mask-token").bounding_box()
            assert truth["y"] + truth["height"] / 2 < seen["y"]


def test_the_random_numbers_say_what_is_masked(page):
    page.get_by_role("checkbox", name=WORDS["en"]["numbers"]).check()
    slider = page.get_by_role("slider")
    script = """tokens => tokens.filter(token => token.querySelector(":scope > small")).map(token =>
        [Number(token.querySelector(":scope > small").textContent), Boolean(token.querySelector(".mask-token"))])"""
    for rate in (5, 15, 60):
        slider.fill(str(rate))
        shown = page.locator(".mask-text .mask-none").evaluate_all(script)
        assert len(shown) == 63
        assert all(
            masked == (number < rate / 100) for number, masked in shown if abs(number - rate / 100) > 0.01
        )


def test_keys_alone_work_every_control(page):
    slider = page.get_by_role("slider", name=WORDS["en"]["rate"])
    page.get_by_role("combobox", name=WORDS["en"]["passage"]).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert (slider.get_attribute("aria-valuetext"), numbers(page)[3]) == ("20\xa0%", 12.6)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("radio", name=WORDS["en"]["word"]).is_checked()
    assert numbers(page)[-1] == 58  # words
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator(".mask-text .mask-mask").count() == len(masked_tokens(page))
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert "[MASK]" in page.locator(".mask-text").inner_text() and not masked_tokens(page)
    page.keyboard.press("Tab")  # past the box of the random numbers
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert numbers(page)[0] == 2
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert numbers(page)[0] == 102


def test_a_higher_rate_masks_more_and_uncovers_nothing(page):
    slider = page.get_by_role("slider")
    before: list[int] = []
    for rate in range(5, 101, 5):
        slider.fill(str(rate))
        script = "tokens => tokens.flatMap((token, at) => token.querySelector('.mask-token') ? [at] : [])"
        masked = page.locator(".mask-text .mask-word").evaluate_all(script)
        assert set(before) <= set(masked)
        before = masked
    assert numbers(page)[1] == 63


def test_many_draws_come_close_to_the_rate_and_a_change_of_it_starts_afresh(page):
    for _ in range(5):
        button(page, "hundred").click()
    assert numbers(page)[4] == 501
    share, rate = numbers(page)[5:]
    assert rate == 15 and abs(share - rate) < 5 * 100 * np.sqrt(0.15 * 0.85 / (501 * 63))
    assert "501" in page.get_by_role("columnheader").all_inner_texts()[1]
    assert "501" in page.locator(".mask-bars").get_attribute("aria-label")
    page.get_by_role("slider").press("ArrowRight")
    assert len(numbers(page)) == 4


def test_the_model_sees_the_tokens_but_not_the_truth(page):
    button(page, "again").click()
    page.get_by_role("checkbox", name=WORDS["en"]["model"]).check()
    settings = MaskingSettings(unit="token", mask_prob=0.15)
    expected = read_passages()["start"].draw(settings, num_rows=NUM_ROWS)[1]
    shown = re.split(r"[\s|]+", page.locator(".mask-text").inner_text().strip())
    assert shown == [token.shown for token in expected.tokens]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_playground_speaks_the_language_of_its_page_and_fits_a_phone(open_chapter, lang):
    page = open_chapter("05_word_masking", lang=lang, viewport=PHONE)
    words = WORDS[lang]
    assert words["title"] in page.locator("#playground h3").inner_text()
    for role, name in [
        ("slider", "rate"),
        ("checkbox", "model"),
        ("radio", "token"),
        ("combobox", "passage"),
    ]:
        assert page.get_by_role(role, name=words[name]).count() == 1
    assert page.locator(".mask-text").get_attribute("lang") == "en"
    page.get_by_role("combobox").select_option(label=words["chinese"])
    button(page, "hundred", lang).click()
    assert page.locator(".mask-text").get_attribute("lang") == "zh-CN"
    assert (
        page.locator(".mask-status").inner_text().startswith({"en": "Draw 101:", "zh": "第 101 次："}[lang])
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.errors == []


def use_text(page, text: str) -> None:
    if not page.locator(".mask-own textarea").is_visible():
        page.locator(".mask-own summary").click()
    page.locator(".mask-own textarea").fill(text)
    page.locator(".mask-own button").click()


def let_model_answer(page) -> list[str]:
    """Ask the model, and return what is said of each masked token."""
    page.locator("[name=ask]").click()
    page.locator(".mask-answers").first.wait_for()
    return page.locator(".mask-answers").evaluate_all("all => all.map((one) => one.ariaLabel)")


def test_a_text_of_ones_own_is_cut_as_the_package_cuts_it_and_masked(page):
    assert WORDS["en"]["cut_first"].format(size=26) == page.locator("[name=cut]").text_content()
    use_text(page, OWN_TEXT)
    page.locator(".mask-model-status", has_text="tokens").wait_for()
    tokenizer = load_tokenizer("mini")
    row = chunk_texts([OWN_TEXT], tokenizer, chunk_size=64, tail="keep").dataset["input_ids"][0]
    expected = [
        token for token in tokenizer.convert_ids_to_tokens(row) if token != "[PAD]"
    ]  # [MASK] is read as three words
    shown = page.locator(".mask-text :is(.mask-none, .mask-special)").evaluate_all(
        "all => all.map((one) => (one.querySelector('rt') ?? one).textContent)"
    )
    assert shown == expected and "##watch" in shown and "[MASK]" not in shown
    status = page.locator(".mask-model-status").inner_text()
    assert status == WORDS["en"]["own_tokens"].format(tokens=len(expected))
    assert numbers(page)[2] == len(expected) - 2
    assert page.get_by_role("combobox").input_value() == "own" and len(page.fetched) == 2
    assert page.locator("[name=ask]").inner_text() == WORDS["en"]["ask"]  # nothing more to fetch


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_text_that_cannot_be_used_is_answered_in_one_sentence_of_the_page(open_chapter, lang):
    page = open_chapter("05_word_masking", lang=lang)
    status = page.locator(".mask-model-status")
    for text, name in [
        (" ", "empty_text"),
        ("这部片很好看。", "english_only"),
        ("so " * 61, "too_many_words"),
    ]:
        use_text(page, text)
        sentence = PROBLEMS[name][lang].format(found=61, limit=60)
        status.filter(has_text=sentence).wait_for()
        assert page.locator(".mask-own textarea").get_attribute("aria-invalid") == "true"
    page.get_by_role("combobox").select_option("chinese")
    page.locator("[name=ask]").click()
    status.filter(has_text=PROBLEMS["english_text"][lang]).wait_for()
    assert page.fetched == [] and page.errors == []
    use_text(page, "A 🎬 was here.")
    status.filter(has_text="🎬").wait_for()
    assert page.locator(".mask-text").inner_text().count("[UNK]") == 1
    page.close()


def test_the_answers_are_those_of_the_package_and_go_with_the_draw(page):
    passage = read_passages()["start"]
    drawn = passage.draw(MaskingSettings(unit="token", mask_prob=0.15), num_rows=NUM_ROWS)[0].tokens
    places = [place for place, token in enumerate(drawn) if token.kind != "none"]
    tokenizer = load_tokenizer("mini")
    ids = torch.tensor([tokenizer.convert_tokens_to_ids([token.shown for token in drawn])])
    candidates = {}
    for side, name in MODELS.items():
        with torch.no_grad():
            best = load_model(name)(ids).logits[0, places].argmax(-1)
        candidates[side] = tokenizer.convert_ids_to_tokens(best.tolist())
    truth = [passage.tokens[place] for place in places]

    assert page.fetched == []
    said = let_model_answer(page)
    for at, sentence in enumerate(said):
        expected = [
            WORDS["en"]["right_said" if found[at] == truth[at] else "wrong_said"].format(
                side=side, token=found[at]
            )
            for side, found in candidates.items()
        ]
        assert sentence == "; ".join(expected)
    right = {side: sum(map(str.__eq__, found, truth)) for side, found in candidates.items()}
    status = page.locator(".mask-model-status")
    assert status.inner_text() == WORDS["en"]["answered"].format(all=len(places), **right)
    assert 0 < right["before"] + right["after"] < 2 * len(places)
    button(page, "again").click()
    assert page.locator(".mask-answers").count() == 0 and not status.is_visible()
    assert let_model_answer(page) != said and len(page.fetched) == 2


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_thumb_hits_every_box_and_the_two_buttons_stand_on_one_line(open_chapter, violations, lang):
    page = open_chapter("04_token_masking", lang=lang, viewport=PHONE)
    page.locator(".mask-own summary").click()
    for box in page.locator(".mask-playground :is([type=radio], [type=checkbox])").all():
        found = box.bounding_box()
        assert min(found["width"], found["height"]) >= 20
    again, hundred = (button(page, name, lang).bounding_box() for name in ("again", "hundred"))
    assert again["y"] == hundred["y"] and again["height"] == hundred["height"] < 48
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(page) == []


def test_the_chart_shows_where_the_draws_are(page):
    for rate in (5, 15, 60, 100):
        page.get_by_role("slider").fill(str(rate))
        button(page, "hundred").click()
        heights = page.locator(".mask-bars span").evaluate_all("all => all.map((bar) => bar.clientHeight)")
        assert len(heights) <= 40 and max(heights) > 90
        low, high = (page.locator(f".mask-axis span:{end}-child").inner_text() for end in ("first", "last"))
        assert len(heights) == int(high) - int(low) + 1
        assert sum(height > 0 for height in heights) >= len(heights) / 3 or rate == 100


def test_both_languages_fill_the_same_numbers_in():
    def gaps(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    pairs = {name: (text, WORDS["zh"][name]) for name, text in WORDS["en"].items()}
    pairs |= {name: (forms["en"], forms["zh"]) for name, forms in PLAYGROUND["problems"].items()}
    for name, (en, zh) in pairs.items():
        assert gaps(en) == gaps(zh), name


def test_without_javascript_there_is_one_draw_and_a_sentence(open_chapter):
    page = open_chapter("04_token_masking", java_script_enabled=False)
    sentence = page.locator(".mask-playground noscript p")
    assert sentence.is_visible() and sentence.inner_text() == WORDS["en"]["static"]
    assert not page.get_by_role("slider").is_visible() and not page.get_by_role("table").is_visible()
    settings = MaskingSettings(unit="token", mask_prob=0.15)
    expected = read_passages()["start"].draw(settings, num_rows=NUM_ROWS)[0]
    shown = [page.locator(f".mask-text [title={kind}]").count() for kind in KINDS]
    assert shown == [sum(token.kind == kind for token in expected.tokens) for kind in KINDS]
    assert sum(shown)


def test_other_pages_do_not_load_it(site):
    having = {path.stem for path in site.glob("book/*/*.html") if "playground.js" in path.read_text("utf-8")}
    assert having == set(PLAYGROUND["chapters"])
