"""The diagrams: said in both languages, and true of the package and of what the chapters print."""

import json
import re
from pathlib import Path
from string import Formatter

import nbformat
import numpy as np
import pytest
import yaml

from book._ext.diagrams import DIAGRAMS, MARK, WORDS, draw, measures, read_words, texts
from book._ext.diagrams.course import GUESSES, TOKENS
from mlmtutor.mini import WEIGHTS
from mlmtutor.teach.han import HAN

ROOT = Path(__file__).resolve().parents[2]
TEXTS = yaml.safe_load(WORDS.read_text("utf-8"))


def printed(slug: str) -> str:
    """All that the cells of a chapter print."""
    cells = nbformat.read(ROOT / "book" / "en" / f"{slug}.ipynb", as_version=4).cells
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", ()))


def test_every_mark_has_a_diagram_and_every_diagram_a_mark_in_both_languages():
    pages = [*(ROOT / "book" / "chapters").glob("*.md"), ROOT / "book" / "index.md"]
    marks = [name for page in pages for name, _ in MARK.findall(page.read_text("utf-8"))]
    expected = sorted(
        [*DIAGRAMS, *DIAGRAMS, "course", "course"]
    )  # the path of the course is on the landing page too
    assert sorted(marks) == expected
    assert all("<!-- diagram" not in MARK.sub("", page.read_text("utf-8")) for page in pages)


@pytest.mark.parametrize("name", DIAGRAMS)
def test_each_diagram_says_everything_in_both_languages(name):
    assert {"title", "text", "caption"} <= TEXTS[name].keys()
    for key, both in TEXTS[name].items():
        assert both.keys() == {"en", "zh"}, key
        fields = [[field for _, field, _, _ in Formatter().parse(both[lang])] for lang in ("en", "zh")]
        assert sorted(filter(None, fields[0])) == sorted(filter(None, fields[1])), key
        assert not HAN.search(both["en"]), key
    for key in ("text", "caption"):
        assert HAN.search(TEXTS[name][key]["zh"])


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", DIAGRAMS)
def test_each_picture_has_a_name_and_a_text_for_who_does_not_see_it(name, lang):
    svg, words = draw(name, lang), read_words(lang)[name]
    label, description = re.search('role="img".* aria-labelledby="(\\S+) (\\S+)"', svg).groups()
    assert f'<title id="{label}">{words["title"]}</title>' in svg
    assert re.search(f'<desc id="{description}">(.+?)</desc>', svg)
    assert "{" not in svg and "|" not in svg


def test_tokens_and_words_are_those_of_the_tokenizer(bert_tokenizer):
    assert bert_tokenizer("This is a great [MASK].").tokens() == TOKENS
    encoding = bert_tokenizer(texts.ENGLISH, add_special_tokens=False, return_offsets_mapping=True)
    assert encoding.tokens() == texts.ENGLISH_TOKENS
    ids, spans = encoding.word_ids(), encoding.offset_mapping
    by_word_id = [place == 0 or ids[place] != ids[place - 1] for place in range(len(ids))]
    by_touch = [place == 0 or spans[place][0] != spans[place - 1][1] for place in range(len(ids))]
    assert texts.starts_by_prefix(texts.ENGLISH_TOKENS) == by_word_id
    assert texts.starts_by_touch(texts.ENGLISH_TOKENS, texts.ENGLISH) == by_touch
    chinese = "".join(texts.CHINESE_WORDS)
    assert bert_tokenizer(chinese, add_special_tokens=False).tokens() == list(chinese)
    assert f'"{chinese}"' in (ROOT / "book/chapters/05_word_masking.md").read_text("utf-8")


def test_reviews_that_are_cut_are_as_long_as_those_of_chapter_3():
    assert f"{list(texts.LENGTHS.values())} together 800" in printed("03_chunking")


def test_guesses_are_those_that_chapter_1_prints():
    for token, percent in GUESSES.items():
        assert f"{percent}%  This is a great {token}." in printed("01_fill_mask")


def test_samples_of_reviews_are_those_that_chapter_7_prints():
    generator = np.random.default_rng(measures.SEED)
    for _ in range(3):
        drawn = generator.integers(6, size=6)
        perplexity = np.exp(measures.LOSS_SUMS[drawn].sum() / measures.COUNTS[drawn].sum())
        assert f"reviews {drawn}: perplexity {perplexity:.1f}" in printed("07_perplexity")
        assert all(f"{perplexity:.1f}" in text for text in TEXTS["bootstrap"]["text"].values())
    assert f"tokens {measures.COUNTS}" in printed("07_perplexity")


def test_one_in_three_test_chunks_shares_its_review_and_none_where_reviews_are_split():
    def count(reviews: dict[int, str]) -> tuple[int, int]:
        shared = [review.count("e") for review in reviews.values() if "t" in review]
        return sum(shared), sum(review.count("e") for review in reviews.values())

    train, test = texts.SPLIT_FIRST
    assert count(texts.DEALT_OUT) == (1, 3)
    assert count(train | test) == (0, 3)
    assert {number: len(review) for number, review in texts.DEALT_OUT.items()} == {
        number: len(review) for number, review in sorted((train | test).items())
    }


def test_thin_matrices_have_the_shape_of_those_in_mini():
    with WEIGHTS.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    name = "bert.encoder.layer.0.attention.self.query.weight"
    assert header[f"{name}.up"]["shape"] == [measures.SIZE, measures.RANK]
    assert header[f"{name}.down"]["shape"] == [measures.RANK, measures.SIZE]
    assert 3 * 2 * measures.SIZE * measures.RANK == measures.SIZE**2  # a third
