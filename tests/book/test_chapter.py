"""Reading a chapter source and composing the notebooks of both languages."""

import nbformat
import pytest

from book.tools.chapter import compose, find_chapters
from mlmtutor.teach.chapters import ChapterError
from mlmtutor.teach.han import join_han_lines
from mlmtutor.teach.notebooks import shorten_caption, write_notebook


def test_chapter_knows_where_each_cell_stands(write):
    chapter = write()
    first_lines = [
        chapter.path.read_text(encoding="utf-8").splitlines()[cell.line - 1] for cell in chapter.cells
    ]
    assert first_lines == ['+++ {"lang": "en"}', '+++ {"lang": "zh"}', "```{code-cell} ipython3"] * 2
    assert [cell.kind for cell in chapter.cells] == ["markdown", "markdown", "code"] * 2


def test_both_languages_have_the_same_ids_and_the_same_code(write):
    en, zh = (compose(write(), lang) for lang in ("en", "zh"))
    assert [cell.id for cell in en.cells] == [cell.id for cell in zh.cells]
    assert [c.source for c in en.cells if c.cell_type == "code"] == [
        c.source for c in zh.cells if c.cell_type == "code"
    ]


def test_each_notebook_has_the_prose_of_its_language_only(write):
    en, zh = (compose(write(), lang) for lang in ("en", "zh"))
    assert en.cells[0].source.startswith("# How long")
    assert zh.cells[0].source.startswith("# 一个词")
    assert len(en.cells) == len(zh.cells) == 5
    assert (en.metadata.mlmtutor.lang, zh.metadata.mlmtutor.lang) == ("en", "zh")


def test_inserting_a_cell_leaves_all_other_ids_as_they_were(write):
    before = {cell.source: cell.id for cell in write().cells}
    after = {
        cell.source: cell.id for cell in write("+++", "```{code-cell} ipython3\nnew = 1\n```\n\n+++").cells
    }
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()


def test_moving_a_translation_along_keeps_the_id_of_its_original(write):
    before, after = write().cells, write("一个词有多长？", "单词多长？").cells
    assert [cell.id for cell in before] == [cell.id for cell in after]


def test_explicit_id_survives_a_change_of_the_code(write):
    options = ":tags: [parameters]"
    first = write(options, f"{options}\n:id: word-to-measure").code[0]
    assert first.id == "word-to-measure"
    assert "id" not in compose(write(options, f"{options}\n:id: word-to-measure"), "en").cells[2].metadata


def test_caption_of_a_figure_is_in_the_language_of_the_notebook_and_its_text_is_no_copy(write):
    figure = '{"en": "Lengths: most are short.", "zh": "长度：多数较短。"}'
    chapter = write(":tags: [parameters]", f":tags: [parameters]\n:figure: {figure}")
    for lang, caption, alt in (
        ("en", "Lengths: most are short.", "Figure: Lengths"),
        ("zh", "长度：多数较短。", "图：长度"),
    ):
        metadata = compose(chapter, lang).cells[2].metadata
        assert metadata.mystnb == {"figure": {"caption": caption}, "image": {"alt": alt}}
        assert "figure" not in metadata


def test_text_of_a_figure_may_be_its_own(write):
    figure = (
        '{"en": "Lengths.", "zh": "长度。", "alt": {"en": "77 before, 53 after", "zh": "之前 77，之后 53"}}'
    )
    chapter = write(":tags: [parameters]", f":tags: [parameters]\n:figure: {figure}")
    for lang, alt in (("en", "77 before, 53 after"), ("zh", "之前 77，之后 53")):
        assert compose(chapter, lang).cells[2].metadata.mystnb["image"]["alt"] == alt


def test_short_text_of_a_figure_is_short_and_never_the_caption():
    for lang, caption in (("en", "word " * 60), ("zh", "字" * 60), ("en", "Lengths"), ("zh", "长度")):
        alt = shorten_caption(caption, lang)
        assert alt != caption and len(alt) <= 90


def test_cell_for_tests_is_folded_in_the_notebooks(write):
    hidden = {"source_hidden": True, "outputs_hidden": True}
    for lang in ("en", "zh"):
        cells = compose(write("[result]", "[remove-cell]"), lang).cells
        assert [cell.metadata.get("jupyter") for cell in cells if cell.cell_type == "code"] == [
            None,
            None,
            hidden,
        ]


def test_two_cells_with_the_same_text_get_different_ids(write):
    twice = "```{code-cell} ipython3\nword\n```\n\n" * 2
    ids = [cell.id for cell in write("+++", twice + "+++").code]
    assert len(set(ids)) == len(ids) == 4


def test_explicit_id_that_is_taken_is_an_error(write):
    twice = "```{code-cell} ipython3\n:id: same\nword\n```\n\n" * 2
    with pytest.raises(ChapterError, match=r"01_toy\.md:13: id 'same' is taken"):
        write("+++", twice + "+++")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('+++ {"lang": "en"}', '+++ {"lang": "de"}', r"01_toy\.md:8: .* got lang='de'"),
        ('+++ {"lang": "en"}', "+++", r"01_toy\.md:8: .* got lang=None"),
        ('+++ {"lang": "zh"}', '+++ {"lang": "en"}', "expected a Chinese cell after it"),
        ('+++ {"lang": "en"}', '+++ {"lang": "zh"}', "expected an English cell before it"),
        ('+++ {"lang": "en"}', '+++ {"lang": }', r"01_toy\.md: .* could not be read"),
        ("  display_name: Python 3\n", "", r"01_toy\.md: 'display_name' is a required property"),
        ("```{code-cell} ipython3", "```{raw-cell}", "expected a code or markdown cell, got a raw cell"),
    ],
)
def test_source_that_cannot_become_two_notebooks_is_an_error(write, old, new, message):
    with pytest.raises(ChapterError, match=message):
        write(old, new)


def test_missing_last_translation_is_an_error(write):
    with pytest.raises(ChapterError, match="expected a Chinese cell after it, found none"):
        write('print(f"{word} has {len(word)} letters")\n```\n', '```\n\n+++ {"lang": "en"}\n\nThe end.\n')


def test_outputs_go_to_the_code_cells_in_order(write):
    outputs = [[], [nbformat.v4.new_output("stream", text="film has 4 letters\n")]]
    notebook = compose(write(), "zh", outputs)
    assert [(c.execution_count, len(c.outputs)) for c in notebook.cells if c.cell_type == "code"] == [
        (1, 0),
        (2, 0),
        (3, 1),
    ]


def test_outputs_for_another_number_of_cells_are_refused(write):
    with pytest.raises(ValueError, match=r"one list per code cell \(2\), got 1"):
        compose(write(), "en", [[]])


def test_chinese_lines_are_joined_and_others_left_alone():
    kept = "## 标题\n正文：\n- 一。\n- 二。\n1. 三。\n\n```\n甲。\n乙\n```\n\nEnglish\n中文\n<br>\n\n| 表 |\n| 格。 |"
    assert join_han_lines(kept) == kept
    assert join_han_lines("甲，\n乙。\n丙") == "甲，乙。丙"
    assert (
        join_han_lines("不是字母。\n*分词器*与\n[词表](x)：\n`a` 和 b")
        == "不是字母。*分词器*与[词表](x)：`a` 和 b"
    )


def test_notebook_is_written_only_if_it_changed(write, root):
    path = root / "book" / "en" / "01_toy.ipynb"
    assert write_notebook(compose(write(), "en"), path)
    assert not write_notebook(compose(write(), "en"), path)
    assert write_notebook(compose(write("the letters", "all letters"), "en"), path)
    assert [file.name for file in path.parent.iterdir()] == ["01_toy.ipynb"]


def test_chapters_are_found_in_reading_order(write, root):
    for slug in ("10_last", "02_second", "01_first", "notes"):
        write(slug=slug)
    assert [path.stem for path in find_chapters(root)] == ["01_first", "02_second", "10_last"]


def test_a_book_without_chapters_is_a_book(root):
    assert find_chapters(root) == []
