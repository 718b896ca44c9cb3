"""HTML in texts is told from text that only looks like it, and doubted where it is more than a stray tag."""

import warnings

import pytest

from mlmtutor.model.doubts import Doubt
from mlmtutor.texts.markup import check_markup, find_markup


@pytest.mark.parametrize(
    "text",
    [
        "One.<br />Two.",
        "<P>One",
        "</b>",
        '<a href="x">',
        "<h2>",
        "a&nbsp;b",
        "Tom &amp; Jerry",
        "&#39;",
        "&#x27;",
    ],
)
def test_tags_and_entities_are_found(text):
    assert find_markup(["plain", text]) == [1]


@pytest.mark.parametrize(
    "text", ["2 < 3 > 1", "I <3 you", "<name>", "R&D; Q&A", "x <= y", "<break a leg>", "a<b", "<-->"]
)
def test_what_only_looks_like_it_is_left_alone(text):
    assert find_markup([text]) == []


def test_more_than_one_text_in_a_hundred_is_doubted():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_markup([])
        check_markup(["plain"] * 99 + ["<br>"])
    with pytest.warns(
        Doubt, match=r"^2 of 100 texts contain HTML such as <br>: the model will learn that first"
    ):
        check_markup(["plain"] * 98 + ["<br>"] * 2)
