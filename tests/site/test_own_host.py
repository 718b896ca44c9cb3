"""What the site leaves out of the theme's files, and what it must leave in."""


def test_no_page_loads_the_script_that_draws_icons(visit):
    page = visit("book/en/01_fill_mask.html")
    sources = page.evaluate("[...document.scripts].map((script) => script.src)")
    assert any("bootstrap.js" in source for source in sources)
    assert not [source for source in sources if "fontawesome" in source]


def test_icons_are_drawn(address, browser):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(f"{address}/book/zh/01_fill_mask.html")
    page.evaluate("document.fonts.ready")
    drawn = page.evaluate("document.fonts.check('900 16px \"Font Awesome 6 Free\"', '\\uf0c9')")
    assert drawn
    assert page.locator(".primary-toggle .fa-bars").first.bounding_box()["width"] > 8
    page.close()
