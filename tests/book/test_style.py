"""Words to avoid, and how the length of Chinese sentences is counted."""

import doctest
import re

import pytest

from book.tools import __main__, style
from book.tools.style import (
    ENOUGH,
    Cadence,
    check_page,
    check_style,
    measure_cadence,
    read_avoided,
    split_sentences,
    tabulate_cadences,
)
from mlmtutor.teach.chapters import LANGUAGES


def test_examples_hold():
    assert doctest.testmod(style).failed == 0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_entry_says_what_to_write_in_its_language(lang):
    entries = [word for word in read_avoided() if word.lang == lang]
    assert len(entries) > 10
    for word in entries:
        assert word.write.strip()
        assert not list(style.find_avoided_words(word.write.replace("...", ""), lang, [word])), word.write


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Count it, in place of guessing, and again.", ["'in place of'"]),
        ("Whoever counts sees it. A misplaced whoevers.", ["'Whoever'"]),
        ("Leave a blank line; fill the blank.", ["'blank'"]),
        ("A hidden\ntoken and two hidden tokens.", ["'hidden token'", "'hidden tokens'"]),
        ("A training step is fine; a training is not.", ["'a training'"]),
        ("It was luck. And luck again.", ["'luck'"]),
        ("`anew` in code, [x](anew.html) and $anew$ do not count.", []),
    ],
)
def test_english_words_are_found(write, text, found):
    problems = check_style(write("Count the letters with `len`.", text))
    assert [re.search(r"not ('.*?')", problem)[1] for problem in problems] == found
    assert all(re.match(r"01_toy\.md:\d+: ", problem) for problem in problems)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("词的第一段", ["第一段"]),
        ("读一段文本，过一段时间", []),
        ("库里的做法", ["库里的"]),
        ("语料库里的词，数据库里的表", []),
        ("特别的、分别的，别的，别的，别的", ["别的"]),
        ("占 10 %", ["0 %"]),
        ("占 10%", []),
        ("每个空里", ["空"]),
        ("空位、空格、空间、填空题", []),
        ("运气，还是运气", ["运气"]),
    ],
)
def test_chinese_words_are_found(write, text, found):
    problems = check_style(write("用 `len` 数字母。", f"用 `len` {text}。"))
    assert [re.search(r"not '(.*?)'", problem)[1] for problem in problems] == found


def test_use_that_is_right_is_allowed_in_its_cell_only(write):
    text = "用 `len` 数字母。"
    zh = '+++ {"lang": "zh"}\n\n# 一个词有多长？\n\n'
    allowed = zh.replace('"zh"', '"zh", "allow": ["期待"]')
    assert check_style(write(zh + text, f"{allowed}我们期待 `len`。")) == []
    (problem,) = check_style(write(zh + text, f"{zh}我们期待 `len`。"))
    assert "not '期待', but: 倾向于预测" in problem
    (problem,) = check_style(write(zh + text, allowed + text))
    assert "'期待' is allowed but not used" in problem


def test_page_is_checked_and_allows_in_a_comment(tmp_path):
    page = tmp_path / "a9_page.md"
    page.write_text("---\nmyst: 期待\n---\n# 标题\n\n我们期待它。\n", encoding="utf-8")
    (problem,) = check_page(page, "zh")
    assert problem.startswith("book/zh/a9_page.md: not '期待'")
    page.write_text("<!-- allow: 期待, 尾巴 -->\n\n# 标题\n\n我们期待它的尾巴。\n", encoding="utf-8")
    assert check_page(page, "zh") == []


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("先分词。\n再分块？\n完成！", (3, 3, 2)),  # lines of one paragraph, joined
        ("没有句号的一行\n\n下一行，用逗号；还是同一句", (7, 11)),  # a paragraph ends a sentence
        ("他说：“好吗？”然后走了。", (4, 4)),
        ("- 第一项；\n- 第二项。\n\n1. 第三项", (3, 3, 3)),
        ("# 标题不算\n\n正文。", (2,)),
        ("| 表格 |\n| --- |\n| 不算 |\n\n正文。", (2,)),
        ("```sh\n代码不算\n```\n\n正文 `代码` 和 $公式$ 继续。", (5,)),
        ("<details><summary>答案</summary>\n\n正文。\n\n</details>", (2,)),
        (":::{figure} x.svg\n:alt: 图注不算。\n\n图注不算。\n:::\n\n正文。", (2,)),
        ("正文。\n\n## 参考文献\n\n- 不算。", (2,)),
        ("Only English. `code`", ()),
        ("> 引用也是正文。", (6,)),
    ],
)
def test_sentences_of_running_text_are_counted(text, lengths):
    assert measure_cadence([text]).lengths == lengths


def test_emphasis_and_links_are_part_of_their_sentence():
    assert split_sentences("**重点**和[链接](x.html)都算。") == ["重点和链接都算。"]


def test_cadence_is_judged_by_mean_and_stumps():
    assert Cadence((24,) * ENOUGH).problems == []
    (short,) = Cadence((15,) * ENOUGH).problems
    assert "expected 20 to 28 Han characters a sentence on average" in short and "found 15.0" in short
    assert "found 35.0" in Cadence((35,) * ENOUGH).problems[0]
    (stumps,) = Cadence((5,) * 3 + (27,) * 17).problems
    assert "at most 10% of the sentences under 10 Han characters, found 15%" in stumps
    assert Cadence((5,) * 2 + (25,) * 18).problems == []
    assert Cadence((5,) * (ENOUGH - 1)).problems == []  # too few to say


def test_table_has_a_line_for_each_text(write, tmp_path):
    page = tmp_path / "a9_page.md"
    page.write_text("短句。" * ENOUGH, encoding="utf-8")
    lines = tabulate_cadences([write()], [page]).splitlines()
    assert re.match(r"01_toy +2 +", lines[1]) and "<-" not in lines[1]
    assert re.match(r"a9_page +20 +2\.0 +100% <- expected 20 to 28", lines[2])


def test_command_prints_the_table_and_fails_nothing(write, root, capsys):
    write()
    assert __main__.main(["check", "--han"], root=root) == 0
    assert "01_toy" in capsys.readouterr().out


def test_line_break_in_a_chinese_paragraph_of_a_page_is_found(tmp_path):
    page = tmp_path / "a9_page.md"
    page.write_text("第一句。\n第二句。\n", encoding="utf-8")
    (problem,) = check_page(page, "zh")
    assert "a line break within a Chinese paragraph" in problem
