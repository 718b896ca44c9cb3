import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmtutor import Doubt, chunk_texts, load_tokenizer
from mlmtutor.texts.scripts import (
    check_spaces,
    is_traditional,
    lacks_spaces,
    lost_signs,
    share_chinese,
    share_english,
    unknown_characters,
)


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
    assert 0 <= share_chinese(texts) <= 1
    assert 0 <= share_english(texts) <= 1
    assert 0 <= unknown_characters(texts, bert_tokenizer)[0] <= 1


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


@pytest.mark.parametrize(
    ("text", "is_chinese"),
    [
        ("这家酒店的服务不错。", True),
        ("這家酒店的服務不錯。", True),
        ("買了一部iPhone，很好用", True),
        ("とても古い映画です", False),
        ("東京タワーに行きました", False),
        ("The director 王家卫 made the film.", False),
        ("zhe jia jiudian de fuwu bucuo", False),
        ("한국어 영화", False),
        ("😀😀", False),
        ("", False),
    ],
)
def test_chinese_is_told_from_what_only_has_chinese_characters(text, is_chinese):
    assert (share_chinese([text]) > 1 / 3) is is_chinese


@pytest.mark.parametrize(
    ("text", "is_english"),
    [
        ("The film was great, and I liked the actors. The end was too long for me.", True),
        ("Patient presents with acute dyspnea and pleural effusion; started furosemide 40 mg IV.", True),
        ("Der Film war sehr schön, und die Schauspieler haben mir gut gefallen.", False),
        ("Le film était très beau et les acteurs étaient bons.", False),
        ("Ta hen xihuan kan dianying, zhe jia fandian de fuwu bucuo.", False),
        ("Film ini sangat bagus dan para pemainnya hebat.", False),
    ],
)
def test_english_is_told_from_other_languages_in_latin_letters(text, is_english):
    assert (share_english([text]) >= 0.4) is is_english


def test_traditional_characters_that_a_vocabulary_lacks_are_told():
    tokenizer = load_tokenizer("mini-zh")
    simplified, traditional = "这家酒店的服务不错，房间也很干净。", "這家酒店的服務不錯，房間也很乾淨。"
    assert unknown_characters([simplified], tokenizer) == (0, "")
    share, which = unknown_characters([traditional], tokenizer)
    assert share == pytest.approx(5 / 17) and which == "這務錯間淨" and is_traditional(which)
    with pytest.warns(
        Doubt, match="found 29% unknown to it, such as 這務錯間淨: they are traditional.*OpenCC"
    ):
        chunk_texts([traditional] * 20, tokenizer, chunk_size=16)


def test_a_row_of_emoji_counts_by_its_characters_though_it_is_one_token(bert_tokenizer):
    text = "😀🎉👍" * 10 + " good"
    assert bert_tokenizer.tokenize(text) == ["[UNK]", "good"]
    share, which = unknown_characters([text], bert_tokenizer)
    assert share == pytest.approx(30 / 34) and not is_traditional(which)
    with pytest.warns(Doubt, match="found 88% unknown to it, such as 😀🎉👍: take a model in the language"):
        chunk_texts([text] * 20, bert_tokenizer, chunk_size=16)
