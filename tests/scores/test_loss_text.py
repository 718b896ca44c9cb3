import re
from dataclasses import replace

import numpy as np
import pytest

from mlmtutor import Evaluation, FrozenMasks, MaskingSettings, show_losses

#                the [MASK] [MASK] bad a (film for actor) [SEP];  nothing masked;  good [MASK]
SEEN = np.array([[5, 4, 4, 11, 6, 8, 3], [5, 8, 12, 10, 14, 5, 3], [10, 4, 8, 12, 10, 14, 3]])
TRUE = np.array([[-100, 8, 15, 11, -100, 9, -100], [-100] * 7, [-100, 9, *[-100] * 5]])


def freeze(seen: np.ndarray, labels: np.ndarray, *, mask_id: int = 4) -> FrozenMasks:
    return FrozenMasks(seen, labels, np.arange(len(seen)), MaskingSettings(), 0, mask_id, 0, sha256="same")


def result(losses: list[float], masks: FrozenMasks) -> Evaluation:
    masked = masks.labels != -100
    return Evaluation(
        losses=np.array(losses),
        is_correct=np.zeros(len(losses), dtype=bool),
        kinds=masks.kinds()[masked],
        chunk_index=np.nonzero(masked)[0],
        text_index=np.nonzero(masked)[0],
        num_chunks=len(masks),
        sha256=masks.sha256,
    )


MASKS = freeze(SEEN, TRUE)
BEFORE = result([4.0, 1.0, 0.5, 6.25, 3.0], MASKS)
AFTER = result([1.5, 1.0, 0.75, 6.0, 2.0], MASKS)


@pytest.fixture
def shown(tiny):
    return show_losses(MASKS, 0, before=BEFORE, after=AFTER, tokenizer=tiny)


def test_plain_text_is_a_table_of_the_masked_tokens(shown):
    assert str(shown).split("\n") == [
        "chunk 0, masked tokens: 4, mean loss: 2.94 -> 2.31 nats",
        "true token  model sees  before  after  change",
        "film        [MASK]        4.00   1.50   -2.50",
        "##s         [MASK]        1.00   1.00   +0.00",
        "bad         bad           0.50   0.75   +0.25",
        "actor       film          6.25   6.00   -0.25",
    ]
    assert repr(shown) == str(shown)


def test_each_chunk_gets_its_own_losses(tiny):
    (token,) = show_losses(MASKS, 2, before=BEFORE, after=AFTER, tokenizer=tiny).masked
    assert (token.text, token.before, token.after) == ("actor", 3.0, 2.0)


def test_html_reads_as_the_true_text_with_both_losses(shown):
    paragraph = shown._repr_html_().split("<details>")[0].split("</p>")[1]
    assert (
        re.sub(r"<[^>]+>", "", paragraph)
        == "the film{4.0→1.5}|##s{1.0→1.0} bad{0.5→0.8} a actor{6.2→6.0} [SEP]"
    )


def test_shade_says_the_direction_and_grows_with_the_change(shown):
    shades = re.findall("background:(#[0-9a-f]{6})([0-9a-f]{2})", shown._repr_html_())
    colours, strengths = zip(*((colour, int(shade, 16)) for colour, shade in shades), strict=True)
    assert colours == ("#0072b2", "#0072b2", "#d55e00", "#0072b2")
    assert strengths[1] == 0 < strengths[2] == strengths[3] < strengths[0]


def test_who_sees_no_colour_finds_the_same_in_lines_words_and_a_table(shown):
    html = shown._repr_html_()
    assert re.findall("border:2px ([a-z]+)", html) == ["solid", "solid", "dotted", "dashed"]
    assert 'aria-label="actor, shown as film, loss 6.2 before, 6.0 after"' in html
    table = html.split("<table>")[1]
    first = re.search("<tr>(<td>.*?)</tr>", table)[1]
    assert re.sub(r"<[^>]+>", " ", first).split() == ["film", "[MASK]", "4.00", "1.50", "-2.50"]


def test_text_is_escaped(tiny, shown):
    token = shown.masked[0]
    hostile = replace(token, text='<script>"&', shown=replace(token.shown, shown="<br", kind="random"))
    html = replace(shown, tokens=(hostile, *shown.tokens[2:]))._repr_html_()
    assert "<script>" not in html
    assert "<br" not in html
    assert 'aria-label="&lt;script&gt;&quot;&amp;, shown as &lt;br, loss' in html


def make_byte_level(words: list[str]):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=True)
    pieces = [piece for word in words for piece, _ in byte_level.pre_tokenize_str(word)]
    vocabulary = {piece: number for number, piece in enumerate(["<mask>", "<unk>", *pieces, "Ã"])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer, backend.decoder = byte_level, decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=backend, mask_token="<mask>", unk_token="<unk>")


def test_byte_level_tokens_are_shown_as_letters_and_parts_of_letters_as_they_are():
    tokenizer = make_byte_level(["film", "电影"])
    masks = freeze(np.array([[0, 0, 0]]), np.array([[2, 3, 4]]), mask_id=0)
    losses = result([1.0, 2.0, 3.0], masks)
    text = show_losses(masks, 0, before=losses, after=losses, tokenizer=tokenizer)
    assert [token.text for token in text.masked] == ["film", "电影", "Ã"]
    lines = str(text).split("\n")
    assert [line.index("<mask>") for line in lines[2:]] == [12, 10, 12]  # two characters, four columns


def test_hebrew_runs_from_right_to_left_and_its_numbers_do_not(tiny):
    from mlmtutor.testing import tiny_tokenizer

    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["סרט", "טוב"])
    masks = freeze(np.array([[4, 19, 3]]), np.array([[18, -100, -100]]))
    losses = result([1.0], masks)
    html = show_losses(masks, 0, before=losses, after=losses, tokenizer=tokenizer)._repr_html_()
    assert '<div dir="rtl"' in html
    assert '<rt dir="ltr"' in html
    assert '<div dir="ltr"' in show_losses(MASKS, 0, before=BEFORE, after=AFTER, tokenizer=tiny)._repr_html_()


def test_other_masks_are_an_error(tiny):
    other = replace(AFTER, sha256="other")
    with pytest.raises(ValueError, match="expected evaluations on these masks, same, found after on other"):
        show_losses(MASKS, 0, before=BEFORE, after=other, tokenizer=tiny)


@pytest.mark.parametrize(
    ("chunk", "message"), [(3, "a chunk from 0 to 2, found 3"), (1, "found none in chunk 1")]
)
def test_a_chunk_with_nothing_to_show_is_an_error(tiny, chunk, message):
    with pytest.raises(ValueError, match=message):
        show_losses(MASKS, chunk, before=BEFORE, after=AFTER, tokenizer=tiny)
