import re

import numpy as np
import pytest

from mlmtutor import show_masks

#          the  [MASK] [MASK]  bad  a  (film for actor) [SEP]
SEEN = np.array([5, 4, 4, 11, 6, 8, 3])
TRUE = np.array([-100, 8, 15, 11, -100, 9, -100])


def test_kinds_and_word_borders_are_told_apart_without_colour(tiny):
    assert str(show_masks(SEEN, TRUE, tokenizer=tiny)) == "the [film]|[##s] (bad) a {actor>film} [SEP]"


def test_html_shows_the_same_with_lines_of_three_kinds(tiny):
    html = show_masks(SEEN, TRUE, tokenizer=tiny)._repr_html_()
    assert [html.count(line) for line in ("2px solid", "2px dashed", "2px dotted")] == [2, 1, 1]
    text = re.sub(r"<[^>]+>", "", html)
    assert text == "the [film]|[##s] (bad) a {actor} film [SEP]"


def test_text_is_escaped(tiny):
    from mlmtutor.masked_text import MaskedText, ShownToken

    tokens = (ShownToken("<br", "<script>", "random", True), ShownToken("&", "&", "none", True))
    html = MaskedText(tokens)._repr_html_()
    assert "<br" not in html
    assert "<script>" not in html
    assert "&lt;br" in html
    assert "&amp;" in html


def test_tensors_are_taken_too(tiny):
    import torch

    assert show_masks(torch.tensor(SEEN), torch.tensor(TRUE), tokenizer=tiny) == show_masks(
        SEEN, TRUE, tokenizer=tiny
    )


def test_a_batch_is_an_error(tiny):
    with pytest.raises(ValueError, match=r"one chunk and its labels, found shapes \(1, 7\)"):
        show_masks(SEEN[None], TRUE[None], tokenizer=tiny)
