import re
from dataclasses import replace

import numpy as np
import pytest
from datasets import Dataset

from mlmtutor import MaskingSettings, freeze_masks, show_context, show_masks
from mlmtutor.model.masked_lm import IGNORED

#          the  [MASK] [MASK]  bad  a  (film for actor) [SEP]
SEEN = np.array([5, 4, 4, 11, 6, 8, 3])
TRUE = np.array([-100, 8, 15, 11, -100, 9, -100])


PLAIN = "the [MASK]{film}|[MASK]{##s} bad{bad} a film{actor} [SEP]"


def test_plain_text_is_what_the_model_sees_with_the_truth_in_braces(tiny):
    assert str(show_masks(SEEN, TRUE, tokenizer=tiny)) == PLAIN


def test_html_shows_the_same_with_lines_of_three_kinds(tiny):
    html = show_masks(SEEN, TRUE, tokenizer=tiny)._repr_html_()
    assert [html.count(f"2px {line}") for line in ("solid", "dashed", "dotted")] == [2, 1, 1]
    assert re.sub(r"<[^>]+>", "", html) == PLAIN  # also what a browser without ruby shows
    assert re.findall(r"<rt[^>]*>(.*?)</rt>", html) == ["film", "##s", "bad", "actor"]


def test_html_is_read_aloud_by_kind(tiny):
    html = show_masks(SEEN, TRUE, tokenizer=tiny)._repr_html_()
    assert re.findall('aria-label="(.*?)"', html) == [
        "[MASK], true token film",
        "[MASK], true token ##s",
        "kept, bad",
        "replaced by film, true token actor",
    ]


def test_pieces_of_one_word_stay_together_and_may_break_only_at_the_bar(tiny):
    html = show_masks(SEEN, TRUE, tokenizer=tiny)._repr_html_()
    (word,) = re.findall('<span style="display:inline-block">(.*?)</ruby></span>', html)
    assert word.count("<ruby") == 2
    assert word.count("<b>|</b><wbr>") == 1


def test_pieces_of_a_word_that_began_before_the_chunk_are_joined_but_not_to_a_special_token(tiny):
    seen = np.array([15, 15, 5, 3, 15])  # ##s ##s the [SEP] ##s
    assert str(show_masks(seen, np.full(5, IGNORED), tokenizer=tiny)) == "##s|##s the [SEP] ##s"


def test_text_is_escaped(tiny):
    from mlmtutor.masks.masked_text import MaskedText, ShownToken

    tokens = (ShownToken("<br", "<script>", "random", True), ShownToken("&", "&", "none", True))
    html = MaskedText(tokens)._repr_html_()
    assert "<br" not in html
    assert "<script>" not in html
    assert "&lt;br" in html
    assert "&amp;" in html


def test_a_quotation_mark_does_not_end_an_attribute():
    from mlmtutor.masks.masked_text import ShownToken

    html = ShownToken('"', "x", "random", True)._repr_html_()
    assert 'aria-label="replaced by x, true token &quot;"' in html


def test_tensors_are_taken_too(tiny):
    import torch

    assert show_masks(torch.tensor(SEEN), torch.tensor(TRUE), tokenizer=tiny) == show_masks(
        SEEN, TRUE, tokenizer=tiny
    )


def test_a_batch_is_an_error(tiny):
    with pytest.raises(ValueError, match=r"one chunk and its labels, found shapes \(1, 7\)"):
        show_masks(SEEN[None], TRUE[None], tokenizer=tiny)


def test_context_shows_the_true_token_and_hides_the_other_masks(tiny):
    ids = np.array([[2, 5, 4, 15, 4, 16, 12, 3]])  # [CLS] the _ ##s _ ##ing was [SEP]
    labels = np.full_like(ids, IGNORED)
    labels[0, 2], labels[0, 4] = 8, 9
    chunks = Dataset.from_dict({"input_ids": ids.tolist()})
    masks = freeze_masks(chunks, tokenizer=tiny, settings=MaskingSettings(), seed=0)
    shown = replace(masks, input_ids=ids, labels=labels)
    tokens = tiny.convert_ids_to_tokens([8, 9])
    assert show_context(shown, 0, tokenizer=tiny).split()[:3] == ["[CLS]", "the", f"[{tokens[0]}]s"]
    assert "_" in show_context(shown, 1, tokenizer=tiny)
    with pytest.raises(ValueError, match="a masked token from 0 to 1, found 2"):
        show_context(shown, 2, tokenizer=tiny)


def test_characters_that_steer_a_terminal_are_written_out():
    from mlmtutor.testing import tiny_tokenizer

    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["\x1b[2J", "\u202e"])
    shown = str(show_masks(np.array([5, 18, 19]), np.array([-100, -100, -100]), tokenizer=tokenizer))
    assert shown == r"the \x1b[2J \u202e"
