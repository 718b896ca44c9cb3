import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmtutor.texts.scripts import check_spaces, lacks_spaces, lost_signs


@pytest.mark.parametrize(
    "text",
    [
        "这部电影很好看",
        "とても古い映画です",
        "ﾃｽﾄ",
        "ภาพยนตร์เก่า",
        "ភាសាខ្មែរ",
        "ພາສາລາວ",
        "မြန်မာဘာသာ",
        "བོད་སྐད་",
        "𠀀𠀁",
    ],
)
def test_scripts_without_spaces_are_known(text):
    assert lacks_spaces([text]) == 1
    with pytest.raises(ValueError, match="expected a segmenter .* jieba .*unit token") as error:
        check_spaces([text])
    assert len(str(error.value)) <= 300


@pytest.mark.parametrize(
    "text",
    ["The film", "Ein schöner Film", "한국어 영화", "Việt Nam đẹp", "हिन्दी में", "العربية", "עברית", "Фильм", "ქართული",
     "አማርኛ", "தமிழ்", "١٢٣ 456 ๑๒", "😀 😀", "", "x = f(y)"],
)  # fmt: skip
def test_scripts_with_spaces_are_left_alone(text):
    assert lacks_spaces([text]) == 0
    check_spaces([text])


def test_some_foreign_names_do_not_count_and_half_of_the_letters_do():
    english = "The director, whose name is written 王家卫, made the film in Hong Kong."
    check_spaces([english] * 3)
    with pytest.raises(ValueError, match="50% of the letters"):
        check_spaces(["看电影好", "film"])


def test_a_sample_of_many_texts_is_spread_over_them():
    assert 0.4 < lacks_spaces(["film"] * 5000 + ["电影好看"] * 5000) < 0.6


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_shares_are_shares_for_any_texts(bert_tokenizer, texts):
    assert 0 <= lacks_spaces(texts) <= 1
    assert 0 <= lost_signs(texts, bert_tokenizer) <= 1


@pytest.mark.parametrize("text", ["हिन्दी में लिखा हुआ", "தமிழ் மொழி", "ভাষা শিক্ষা", "ภาพยนตร์เก่ามาก"])
def test_vowels_that_are_stripped_as_accents_are_lost(bert_tokenizer, text):
    assert lost_signs([text], bert_tokenizer) > 0.05


@pytest.mark.parametrize(
    "text",
    [
        "de\u0301cor",
        "décor Ångström",
        "Việt Nam đẹp",
        "한국어",
        "Фильм ёж",
        "don’t",
        "❤️❤️ ok",
        "ﬁlm",
        "العربية",
        "",
    ],
)
def test_accents_over_letters_are_no_loss(bert_tokenizer, text):
    assert lost_signs([text], bert_tokenizer) == 0


def test_a_tokenizer_that_changes_nothing_loses_nothing(tiny):
    assert lost_signs(["हिन्दी"], tiny) == 0
