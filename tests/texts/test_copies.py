"""Near copies are found, whatever the script, and texts of the same kind are not taken for them."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmtutor import find_near_copies

LETTER = "Dear colleagues, the meeting on {} is moved to the large room on the second floor. Please bring the plans with you."


def prose(seed, *, num_words):
    rng = random.Random(seed)
    return [f"w{rng.randrange(2000)}" for _ in range(num_words)]


def test_a_letter_with_another_date_is_a_near_copy():
    others = [
        LETTER.format("Friday"),
        "The pump was checked and the valve replaced on the first floor of the house.",
    ]
    texts = [
        LETTER.format("Monday"),
        "Nothing of the kind was ever said about the pump in the house.",
        "the pump",
    ]
    assert find_near_copies(texts, others) == [0]


def test_case_punctuation_and_white_space_do_not_matter():
    assert find_near_copies(
        [LETTER.format("FRIDAY").upper().replace(" ", "\n -- ")], [LETTER.format("friday")]
    ) == [0]


def test_short_texts_are_copies_only_as_a_whole():
    others = ["Closed, thanks!", "It was closed on Monday, thanks to all of you who helped."]
    assert find_near_copies(["closed thanks", "closed", "thanks closed", "closed on Monday"], others) == [0]


def test_runs_do_not_reach_from_one_text_into_the_next():
    words = prose(0, num_words=16)
    assert (
        find_near_copies(
            [" ".join(words)], [" ".join(words[:7]), " ".join(words[7:14]), " ".join(words[14:])]
        )
        == []
    )


def test_characters_are_the_words_where_no_spaces_are_written():
    letter = "各位同事，{}的会议改在二楼大会议室举行，请带上图纸准时参加，谢谢大家的配合。"
    texts = [letter.format("周一"), "昨天检查了水泵，更换了一楼的阀门，一切正常，没有发现其他问题。"]
    assert find_near_copies(texts, [letter.format("周五")]) == [0]


@pytest.mark.parametrize(("num_shared", "found"), [(53, [0]), (54, [0]), (52, [])])
def test_half_of_the_runs_make_a_copy(num_shared, found):
    words = prose(1, num_words=99)  # 92 runs, of which num_shared - 7 are in the other text
    assert find_near_copies([" ".join(words)], [" ".join(words[:num_shared])]) == found


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(alphabet="ab .一二é", max_size=40), max_size=6))
def test_every_text_with_a_word_is_a_copy_of_itself(texts):
    filled = [i for i, text in enumerate(texts) if any(c.isalnum() for c in text)]
    assert find_near_copies(texts, texts) == filled
    assert find_near_copies(texts, []) == []


def test_reviews_of_the_course_hold_hardly_any(reviews):
    texts = reviews["text"][:2000]
    assert len(find_near_copies(texts[::2], texts[1::2])) < 10


def test_options_out_of_range_are_named():
    with pytest.raises(ValueError, match="run_length must be at least 1 word, got 0"):
        find_near_copies(["a"], ["a"], run_length=0)
    with pytest.raises(ValueError, match="min_shared must be above 0 and at most 1, got 1.5"):
        find_near_copies(["a"], ["a"], min_shared=1.5)
