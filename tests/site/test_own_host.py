"""What the site leaves out of the theme's files, and what it must leave in."""

import re

import pytest
from bs4 import BeautifulSoup

from book._ext.own_host import trim


@pytest.mark.parametrize(
    ("sheet", "kept"),
    [
        (".here,.gone>p{color:red}", ".here{color:red}"),
        (".here .gone{color:red}p{margin:0}", "p{margin:0}"),
        ("#gone::before{content:'}'}.here{content:\"{\"}", '.here{content:"{"}'),
        (
            "@media print{.gone{color:red}}@media (width>1px){.here{top:0}}",
            "@media (width>1px){.here{top:0}}",
        ),
        (".here:not(.gone){top:0}", ".here:not(.gone){top:0}"),
        ("a:is(.gone,b){top:0}", "a:is(.gone,b){top:0}"),
        ('@charset "utf-8";/* .here{} */.gone{top:0}', '@charset "utf-8";'),
        (".here{background:url(data:x;y)}", ".here{background:url(data:x;y)}"),
        ("@font-face{src:url('a{b')}", "@font-face{src:url('a{b')}"),
    ],
)
def test_rules_stay_whose_classes_and_ids_are_all_used(sheet, kept):
    assert trim(sheet, {"here"}) == kept


def test_every_icon_of_the_pages_is_in_the_small_font(site):
    from fontTools.ttLib import TTFont

    font = TTFont(site / "_static" / "vendor" / "fontawesome" / "webfonts" / "fa-solid-900.ttf")
    rules = (site / "_static" / "styles" / "pydata-sphinx-theme.css").read_text(encoding="utf-8")
    codes = dict(re.findall(r'\.(fa-[\w-]+)(?::before)?\{(?:--fa|content):"\\(\w+)"', rules))
    page = BeautifulSoup((site / "book" / "en" / "01_fill_mask.html").read_text("utf-8"), "html.parser")
    classes = {name for icon in page.select(".fa-solid, .fas") for name in icon["class"]}
    shown = classes & codes.keys()
    assert len(shown) > 3
    assert {int(codes[name], 16) for name in shown} <= font.getBestCmap().keys()


def test_icons_are_drawn(address, browser):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(f"{address}/book/zh/01_fill_mask.html")
    page.evaluate("document.fonts.ready")
    drawn = page.evaluate("document.fonts.check('900 16px \"Font Awesome 6 Free\"', '\\uf0c9')")
    assert drawn
    assert page.locator(".primary-toggle .fa-bars").first.bounding_box()["width"] > 8
    page.close()
