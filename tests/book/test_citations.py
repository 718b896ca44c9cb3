"""Papers are cited as the list of references has them."""

import pytest

from book.tools.citations import check_citations, compare, read_references

PAPERS = {
    "2305.10588": {
        "authors": ["Kauf", "Ivanova"],
        "year": 2023,
        "title": "A Better Way to Do Masked Language Model Scoring",
    }
}
LINK = "[arXiv:2305.10588](https://arxiv.org/abs/2305.10588)"


@pytest.mark.parametrize(
    "line",
    [
        f"- Kauf and Ivanova 2023, *A Better Way to Do Masked Language Model Scoring*, {LINK}.",
        f"- Kauf、Ivanova 2023，*A Better Way*（改进的打分），{LINK}。",
        f"- Kauf et al. 2023, *A Better Way*, {LINK}.",
        f"- Kauf 等 2023，*A Better Way*，{LINK}。",
        f"- The repair: Kauf and Ivanova 2023, *A Better Way*, {LINK}.",
    ],
)
def test_reference_in_either_language_is_read(line):
    assert compare(line, PAPERS["2305.10588"]) == ""


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("- Kauf 2023, *A Better Way*", "expected the authors Kauf, Ivanova, found Kauf"),
        ("- Ivanova et al. 2023, *A Better Way*", "expected the authors"),
        ("- Kauf and Ivanova 2024, *A Better Way*", "expected the year 2023, found 2024"),
        ("- Kauf and Ivanova 2023, *A Good Way*", "expected the title"),
        ("- Kauf and Ivanova, *A Better Way*", "expected '- AUTHORS YEAR, "),
    ],
)
def test_reference_that_differs_from_the_list_is_found(line, problem):
    assert compare(line, PAPERS["2305.10588"]).startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("See [x](https://arxiv.org/abs/1234.56789).", "1234.56789 is not in book/references.yml"),
        ("[arXiv:2305.10587](https://arxiv.org/abs/2305.10588)", "says 2305.10587 and leads to 2305.10588"),
        (f"## References\n\n- Kauf 2023, *A*, {LINK}.", "reference 2305.10588: expected the authors"),
        (f"## References\n\n- Kauf and Ivanova 2023, *A Better Way*, {LINK}.", None),
        (f"As {LINK} shows.", None),
    ],
)
def test_chapter_cites_only_what_is_listed(write, text, problem):
    found = check_citations(write("Count the letters with `len`.", text), PAPERS)
    assert found == [] if problem is None else problem in found[0] and len(found) == 1


def test_every_listed_paper_has_authors_a_year_and_a_title():
    for paper in read_references().values():
        assert paper["authors"] and isinstance(paper["year"], int) and paper["title"]
