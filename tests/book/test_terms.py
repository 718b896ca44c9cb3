"""The glossary, and the check that both languages of a chapter use its terms alike."""

import doctest
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from book._ext import glossary
from book._ext.glossary import Term, TermFinder, read_glossary
from book.tools.chapter import find_chapters
from book.tools.prose import read_words
from book.tools.terms import check_terms
from mlmtutor.teach.chapters import LANGUAGES
from mlmtutor.teach.han import HAN

ROOT = Path(__file__).resolve().parents[2]
TERMS = read_glossary()
MEANING = {"en": "A piece of text.", "zh": "一段文本。"}
TOKEN = Term(
    {"en": ("token", "tokens"), "zh": ("词元",)}, MEANING, "01_fill_mask", strict="both", avoid=("令牌",)
)
SPECIAL = Term({"en": ("special token",), "zh": ("特殊词元",)}, MEANING, "01_fill_mask")
STEP = Term({"en": ("step",), "zh": ("步",)}, MEANING, "06_fine_tuning", unless=("step by step", "一步步"))


def found(text, lang, terms=(TOKEN, SPECIAL, STEP)):
    return [text[start:end] for (start, end), _ in TermFinder(terms, lang).find(text)]


def test_examples_of_the_glossary_module_hold():
    assert doctest.testmod(glossary).failed == 0


def test_longest_term_wins():
    assert found("a special token", "en") == ["special token"]
    assert found("特殊词元和词元", "zh") == ["特殊词元", "词元"]


def test_english_words_are_found_in_every_listed_form_and_case_but_only_whole():
    assert found("Tokens: a token, token-level; tokenizer, sub_token", "en") == ["Tokens", "token", "token"]


def test_term_is_found_across_a_line_break():
    assert found("a special\ntoken", "en") == ["special\ntoken"]


def test_phrase_that_means_something_else_is_passed_over():
    assert found("step by step, one step", "en") == ["step"]
    assert found("一步步走，走 3 步", "zh") == ["步"]


def test_toy_chapter_uses_its_terms_alike(write):
    assert check_terms(write("Count the letters", "Count the tokens"), [SPECIAL]) == []
    assert check_terms(write(), TERMS) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Count the letters", "Count the tokens", "'token' is in en but '词元' is not in zh"),
        ("数字母", "数词元", "'词元' is in zh but 'token' is not in en"),
        ("数字母", "数令牌", "for 'token' this book says '词元', not '令牌'"),
    ],
)
def test_term_of_one_language_only_is_found(write, old, new, problem):
    (found,) = check_terms(write(old, new), [TOKEN])
    assert problem in found
    assert re.match(r"01_toy\.md:\d+", found)


def test_term_that_is_strict_in_english_may_be_added_in_chinese(write):
    token = replace(TOKEN, strict="en")
    assert check_terms(write("数字母", "数词元"), [token]) == []
    assert len(check_terms(write("Count the letters", "Count the tokens"), [token])) == 1


def test_terms_in_code_links_and_references_do_not_count(write):
    for text in ("`token`", "[x](token.html)", "the letters\n\n## References\n\n- A token", "$token$"):
        assert check_terms(write("Count the letters", text), [TOKEN]) == []


def test_term_of_which_one_word_is_emphasised_counts():
    assert found(read_words("a *special* token, <!-- token -->"), "en") == ["special token"]


def test_word_to_avoid_inside_a_right_one_is_accepted(write):
    adaptation = Term(
        {"en": ("adaptation",), "zh": ("领域适应",)}, MEANING, "06_fine_tuning", avoid=("域适应",)
    )
    assert check_terms(write("数字母", "做领域适应"), [adaptation]) == []
    assert len(check_terms(write("数字母", "做域适应"), [adaptation])) == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_spelling_of_the_glossary_belongs_to_one_term(lang):
    spellings = Counter(spelling.lower() for term in TERMS for spelling in term.forms[lang])
    assert [spelling for spelling, count in spellings.items() if count > 1] == []


def test_every_term_has_an_anchor_of_its_own():
    assert len({term.anchor for term in TERMS}) == len(TERMS)


def test_every_meaning_is_one_sentence_in_its_language():
    for term in TERMS:
        assert re.fullmatch(r"[A-Z][^.]*(\.\d[^.]*)*\.", term.meaning["en"]), term.meaning["en"]
        assert re.fullmatch(r"[^。]+。", term.meaning["zh"]), term.meaning["zh"]
        assert HAN.search(term.meaning["zh"]) and not HAN.search(term.meaning["en"])


def test_no_term_is_to_be_avoided():
    right = {spelling for term in TERMS for spelling in term.forms["zh"]}
    assert right.isdisjoint(word for term in TERMS for word in term.avoid)


def test_every_term_is_taught_by_a_chapter():
    assert {term.chapter for term in TERMS} <= {path.stem for path in find_chapters(ROOT)}
