"""Diagrams as they are drawn: every word in its place, and letters that can be read on a phone."""

import pytest

from book._ext.diagrams import DIAGRAMS, HERE, draw

PHONE = {"width": 360, "height": 740}
MIN_LETTERS = 11  # pixels, at the width of a phone
CSS = (HERE.parent / "static" / "diagrams.css").read_text("utf-8")
# the narrowest and the widest letters that visitors are likely to have
FONTS = ("Liberation Sans", "DejaVu Sans")

# words that leave the picture, that cross the edge of a box, or that touch other words
MISPLACED = """(svg) => {
    const box = (element) => {
        const { x, y, width, height } = element.getBBox();
        return { left: x, top: y, right: x + width, bottom: y + height };
    };
    // letters do not fill the height of their line
    const letters = (text) => { const b = box(text); return { ...b, top: b.top + 2, bottom: b.bottom - 2 }; };
    const within = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
    const apart = (a, b) => a.right <= b.left || a.left >= b.right || a.bottom <= b.top || a.top >= b.bottom;
    const { width, height } = svg.viewBox.baseVal;
    const texts = [...svg.querySelectorAll("text")], rects = [...svg.querySelectorAll("rect")].map(box);
    return texts.filter((text, number) => {
        const own = letters(text);
        return !within(own, { left: 0, top: 0, right: width, bottom: height })
            || rects.some((rect) => !within(own, rect) && !apart(own, rect))
            || texts.slice(number + 1).some((other) => !apart(own, letters(other)));
    }).map((text) => text.textContent);
}"""


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_word_leaves_its_box_or_touches_another(browser, lang, font):
    page = browser.new_page()
    fonts = f":root {{ --pst-font-family-base: '{font}'; --pst-font-family-monospace: 'DejaVu Sans Mono' }}"
    pictures = "".join(f'<figure class="diagram">{draw(name, lang)}</figure>' for name in DIAGRAMS)
    page.set_content(f'<html lang="{lang}"><style>{fonts}{CSS}</style>{pictures}')
    found = page.locator("svg").evaluate_all(f"pictures => pictures.map({MISPLACED})")
    page.close()
    assert {name: words for name, words in zip(DIAGRAMS, found, strict=True) if words} == {}


@pytest.mark.parametrize(
    "path", ["book/en/07_perplexity.html", "book/zh/01_fill_mask.html", "book/index.html"]
)
def test_letters_can_be_read_on_a_phone(visit, path):
    page = visit(path, viewport=PHONE)
    sizes = page.locator("figure.diagram text").evaluate_all(
        "texts => texts.map((text) => text.getScreenCTM().a * parseFloat(getComputedStyle(text).fontSize))"
    )
    assert len(sizes) > 20
    assert min(sizes) >= MIN_LETTERS
