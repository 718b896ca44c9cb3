"""Cells of code and their outputs: all of a line can be read, and what is for tests is not on the page."""

from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "book").glob("[ez][nh]/*.ipynb"))
CUT = """() => [...document.querySelectorAll(".bd-article pre")]
    .filter((pre) => pre.scrollWidth > pre.clientWidth + 1)
    .map((pre) => [getComputedStyle(pre).overflowX, pre.innerText.split("\\n").sort((a, b) => b.length - a.length)[0]])"""


def find_wide(page, address, path):
    page.goto(f"{address}/book/{path.parent.name}/{path.stem}.html")
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
    return page.evaluate(CUT)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_does_not_fit_can_be_scrolled_to_and_on_a_desktop_all_of_it_fits(address, browser, path):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    assert {overflow for overflow, _ in find_wide(page, address, path)} <= {"auto"}
    page.set_viewport_size({"width": 1300, "height": 900})
    lines = [line for _, line in find_wide(page, address, path)]
    wide = [line for line in lines if "://" not in line and max(map(len, line.split()), default=0) < 80]
    page.close()
    assert wide == [], "these lines do not fit on a page"


def test_code_breaks_where_it_is_printed(address, browser):
    page = browser.new_page(viewport={"width": 700, "height": 900})
    page.emulate_media(media="print")
    assert find_wide(page, address, NOTEBOOKS[0]) == []
    page.close()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_cells_for_tests_are_not_on_the_page_and_folded_in_the_notebook(articles, path):
    cells = [
        c for c in nbformat.read(path, as_version=4).cells if "remove-cell" in c.metadata.get("tags", [])
    ]
    assert cells, "expected at least the cell that checks the parameters, tagged remove-cell"
    page = articles(path.parent.name)[f"{path.stem}.html"].get_text()
    for cell in cells:
        assert cell.metadata.get("jupyter") == {"source_hidden": True, "outputs_hidden": True}
        assert cell.source.strip() not in page


def test_only_what_can_be_run_has_a_copy_button_and_a_finger_finds_it(visit):
    page = visit("book/en/01_fill_mask.html", has_touch=True, is_mobile=True)
    page.wait_for_load_state()
    inputs = page.locator(".cell_input .highlight").count()
    assert page.locator(".cell_input button.copybtn").count() == inputs > 0
    assert page.locator(".cell_output button.copybtn").count() == 0
    opacity = page.locator("button.copybtn").first.evaluate("button => getComputedStyle(button).opacity")
    assert opacity == "1"
