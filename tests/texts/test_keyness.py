import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmtutor import WordCounts, count_words, find_keywords, load_brown_counts
from mlmtutor.mini.make.brown_words import MIN_COUNT, make_table
from mlmtutor.mini.make.corpora import Document
from mlmtutor.texts.keyness import BROWN


def test_words_are_runs_of_letters_with_apostrophes_inside():
    counts = count_words(["Don't stop! It's 10/10, café-life ' s"]).counts
    assert counts == {"don't": 1, "stop": 1, "it's": 1, "café": 1, "life": 1, "s": 1}


@pytest.mark.parametrize("apostrophe", ["'", "\u2019", "\u02bc", "\uff07"])
def test_apostrophe_is_the_same_however_it_is_written(apostrophe):
    assert count_words([f"I don{apostrophe}t say {apostrophe}tis{apostrophe}."]).counts == {
        "i": 1,
        "don't": 1,
        "say": 1,
        "tis": 1,
    }


def test_accent_is_the_same_in_one_character_or_two():
    decomposed = "de\u0301cor na\u0131\u0308ve"
    assert count_words([decomposed]).counts == count_words([unicodedata.normalize("NFC", decomposed)]).counts
    assert count_words(["de\u0301cor", "décor", "DE\u0301COR"]).counts == {"décor": 3}
    assert count_words(["q\u0307uick"]).total == 1  # no single character for it


@pytest.mark.parametrize(
    "words", ["हिन्दी में फिल्म", "தமிழ் படம்", "ภาพยนตร์ ที่ดี", "বাংলা ছবি", "مُدَرِّس جديد", "שָׁלוֹם עולם"]
)
def test_vowel_signs_stay_in_their_word(words):
    assert count_words([words + ", 10!"]).counts == dict.fromkeys(words.split(), 1)


def test_hyphens_and_joiners_that_are_not_seen_do_not_part_words():
    assert count_words(["per\u00adplex\u00adity", "perplexity", "perplex\u2060ity"]).counts == {
        "perplexity": 3
    }
    assert count_words(["می\u200cخواهم"]).total == 1


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.text(st.characters(max_codepoint=127)).filter(lambda text: any(map(str.isalpha, text))))
def test_text_of_ascii_is_counted_as_in_any_script(text):
    alone, beside = count_words([text]).counts, count_words([text + " é"]).counts
    assert beside == {**alone, "é": 1}


def test_texts_without_words_are_an_error():
    with pytest.raises(ValueError, match="at least one word, found none"):
        count_words(["10/10", ""])


def test_frequency_is_per_million_of_all_words_also_of_those_left_out():
    counts = WordCounts({"film": 2}, total=500_000)
    assert counts.per_million("film") == 4.0
    assert counts.per_million("unheard") == 0.0


def test_keyness_is_the_smoothed_ratio_worked_out_by_hand():
    here, there = WordCounts({"film": 900, "the": 50_000}, 1_000_000), WordCounts({"the": 60_000}, 1_000_000)
    film, the = find_keywords(here, there, smoothing=100)
    assert (film.word, film.keyness, film.per_million, film.reference_per_million) == (
        "film",
        10.0,
        900.0,
        0.0,
    )
    assert the.keyness == pytest.approx(50_100 / 60_100)


def test_size_of_the_texts_does_not_matter():
    small, large = count_words(["a film", "a law"]), count_words(["a film", "a law"] * 50)
    assert [k.keyness for k in find_keywords(small, large)] == [1.0, 1.0, 1.0]


def test_smoothing_keeps_rare_words_down():
    here = WordCounts({"rotoscoping": 1, "film": 800}, 100_000)
    there = WordCounts({"film": 100}, 100_000)
    assert find_keywords(here, there, smoothing=0.1)[0].word == "rotoscoping"
    assert find_keywords(here, there, smoothing=100)[0].word == "film"


def test_order_of_ties_does_not_depend_on_the_order_of_the_texts():
    ranked = [find_keywords(count_words([text]), count_words(["a"])) for text in ("b c d", "d b c")]
    assert ranked[0] == ranked[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"smoothing": 0}, "smoothing must be above 0 .* got 0"),
        ({"top_k": 0}, "top_k must be at least 1, got 0"),
    ],
)
def test_options_out_of_range_are_an_error(options, message):
    with pytest.raises(ValueError, match=message):
        find_keywords(count_words(["a"]), count_words(["a"]), **options)


def test_brown_table_is_complete_down_to_its_least_count():
    table = json.loads(BROWN.read_text("utf-8"))
    counts = list(table["counts"].values())
    assert counts == sorted(counts, reverse=True)
    assert min(counts) == table["min_count"] == MIN_COUNT
    assert sum(counts) < table["total"]
    assert "redistribution permitted" in table["licence"]


def test_brown_is_general_english_and_the_reviews_are_not(reviews):
    keywords = find_keywords(count_words(reviews["text"][:500]), load_brown_counts(), top_k=10)
    assert {"movie", "film"} <= {keyword.word for keyword in keywords}


def test_table_leaves_out_press_reviews_and_rare_words():
    documents = [Document("ca01", ("A law, a law.", "Rare.")), Document("cc01", ("A film.", "A film."))]
    table = make_table(documents, min_count=2)
    assert (table["total"], table["counts"]) == (5, {"a": 2, "law": 2})
