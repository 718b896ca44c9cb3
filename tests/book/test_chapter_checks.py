"""Every check accepts the toy chapter and refuses a wrong one."""

import re

import nbformat
import pytest

from book.tools.chapter import compose
from book.tools.checks import (
    check_captions,
    check_cell_sizes,
    check_chapter,
    check_ignored_outputs,
    check_in_step,
    check_links,
    check_notebooks,
    check_outputs,
    check_parameters,
    check_run_in_order,
    check_same_outputs,
    check_size,
)
from book.tools.prose import check_scripts, check_twins, read_content
from mlmtutor.teach.notebooks import write_notebook

PARAMETER = 'word: str = "film"  # the word to measure'


def printed(text: str, *, name: str = "stdout"):
    return nbformat.v4.new_output("stream", text=text, name=name)


def toy_notebook(chapter, lang="en", *, output=None, **changes):
    notebook = compose(chapter, lang, [[], [output or printed("film has 4 letters\n")]])
    notebook.cells[-1].update(changes)
    return notebook


def test_toy_chapter_passes_all_checks(write, root):
    chapter = write()
    for lang in ("en", "zh"):
        write_notebook(toy_notebook(chapter, lang), root / "book" / lang / "01_toy.ipynb")
    assert check_chapter(chapter) == []
    assert check_notebooks(chapter, root=root) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("# 一个词有多长？", "## 一个词有多长？", r"heading levels \[1\] in en, \[2\] in zh"),
        ("用 `len` 数", "用 `max` 数", r"code differ: only in en \['len'\], only in zh \['max'\]"),
        ("公式是 $n = 4$", "公式是 $n = 5$", r"formulas differ: .*only in zh \['\$n = 5\$'\]"),
        ("[课程](https://example.org/4)", "[课程](https://example.org/5)", "links differ"),
        ("数字母。", "数 4 个字母。", r"numbers differ: only in en \[\], only in zh \['4'\]"),
        ("手工计算\n", "手工计算\n\n```text\na\n```\n", "code differ"),
    ],
)
def test_translation_that_says_something_else_is_found(write, old, new, problem):
    (found,) = check_twins(write(old, new))
    assert re.search(problem, found)


def test_thousands_separators_and_word_order_do_not_matter():
    assert read_content("25,000 of `a` and `b`").numbers == read_content("`b` 与 `a`：25000").numbers
    assert read_content("25,000 of `a` and `b`").code == read_content("`b` 与 `a`：25000").code


def test_anchors_within_the_book_may_differ_between_languages():
    assert (
        read_content("[a](03_chunking.ipynb#how)").links == read_content("[甲](03_chunking.ipynb#怎样)").links
    )
    assert read_content("[a](https://x.org/#how)").links != read_content("[甲](https://x.org/#怎样)").links


def test_raw_html_comments_and_tables_are_read_as_the_site_shows_them():
    html = '<details>\n<summary>Answer</summary>\n\nIt is 3, see <a href="02.ipynb#a">`x`</a>.\n\n</details>'
    content = read_content(f"{html}\n\n<!-- `y` 4 -->\n\n| a |\n| --- |\n| `b \\| c` |")
    assert (dict(content.links), dict(content.numbers)) == ({"02.ipynb": 1}, {"3": 1})
    assert dict(content.code) == {"x": 1, "b | c": 1}


def test_digits_in_code_and_links_are_not_counted_twice():
    assert not read_content("`v2` [x](03_chunking.ipynb) $x_1$ <https://arxiv.org/abs/1810.04805>").numbers


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Count the letters", "Count the 字", "Chinese characters in en: 字"),
        ("用 `len` 数字母。", "", None),
        (
            "# 一个词有多长？\n\n用 `len` 数字母。",
            "# Word\n\n`len`",
            "a Chinese cell without a Chinese character",
        ),
        ('print(f"{word}', 'print(f"词 {word}', "Chinese characters in code: 词"),
        (":tags: [result]\n\nprint(f", ":tags: [result]\n:han: true\n\nprint('词', f", None),
        ('+++ {"lang": "en"}\n\n# How', '+++ {"lang": "en", "han": true}\n\n# 词 How', None),
    ],
)
def test_each_language_keeps_to_its_script(write, old, new, problem):
    found = check_scripts(write(old, new))
    assert found == [] if problem is None else re.search(problem, *found)


def test_code_cell_of_21_lines_is_too_long(write):
    assert not any("at most 20" in found for found in check_cell_sizes(write(PARAMETER, "x = 1\n\n" * 20)))
    found = check_cell_sizes(write(PARAMETER, "x = 1\n" * 21))
    assert "at most 20 lines, this one has 21" in found[0]


def test_median_code_cell_of_7_lines_is_too_long(write):
    (found,) = check_cell_sizes(write(PARAMETER, "x = 1\n" * 13))
    assert "at most 6 lines, found 7" in found


@pytest.mark.parametrize(
    ("following", "is_fine"),
    [
        ("", False),
        ("\n```{code-cell} ipython3\nx = 1\n```\n", False),
        ("\n```{code-cell} ipython3\ncheck_range(4, low=3, high=5, name='n')\n```\n", True),
        ("\n```{code-cell} ipython3\nprint('short:', len(word) < 9)\n```\n", True),
    ],
)
def test_output_that_nbval_ignores_must_be_checked_by_the_next_cell(write, following, is_fine):
    cell = ':tags: [result]\n\nprint(f"{word} has {len(word)} letters")\n```\n'
    chapter = write(cell, cell.replace("[result]", "[nbval-ignore-output]") + following)
    assert (check_ignored_outputs(chapter) == []) == is_fine


def test_missing_parameters_cell_is_found(write):
    (found,) = check_parameters(write("[parameters]", "[hide-cell]"))
    assert "expected one code cell tagged parameters, found 0" in found


@pytest.mark.parametrize(
    "line", ["n: int = -3  # n", 'n: str = "#"  # n', "n: bool = True  # n", "n: float = 2e-5  # n"]
)
def test_typed_literal_with_a_comment_is_a_parameter(write, line):
    assert check_parameters(write(PARAMETER, line)) == []


@pytest.mark.parametrize(
    "line",
    [
        "n = 3  # no type",
        "n: int | None = None  # papermill loses it",
        "n: int = 2 * 3  # computed",
        "n: int = 3.0  # another type",
        "n: float = 3  # another type",
        'n: tuple = ("a", "b")  # becomes a string',
        "n: int  # no value",
        "n: int = 3",
        'n: str = "#"',
        "n: int = (\n    3\n)  # three lines",
        "import math  # not a parameter",
    ],
)
def test_what_papermill_cannot_read_is_not_a_parameter(write, line):
    assert len(check_parameters(write(PARAMETER, line))) == 1


def test_picture_without_a_caption_in_each_language_is_found(write):
    for options, num_found in [
        ("", 1),
        (':figure: {"en": "A."}\n', 1),
        (':figure: {"en": "A.", "zh": "甲。"}\n', 0),
        (':figure: {"en": "A.", "zh": "甲。", "alt": {"en": "B", "zh": "乙"}}\n', 0),
        (':figure: {"en": "A.", "zh": "甲。", "alt": {"en": "B"}}\n', 1),
        (':figure: {"en": "A.", "zh": "甲。", "alt": {"en": "A.", "zh": "乙"}}\n', 1),
    ]:
        chapter = write(f":tags: [parameters]\n\n{PARAMETER}", f"{options}\n_ = plot_lengths(lengths)")
        assert len(check_captions(chapter)) == num_found


def test_papermill_reads_the_parameters_that_pass(write, root):
    from papermill import inspect_notebook

    path = root / "toy.ipynb"
    write_notebook(compose(write(), "en"), path)
    word = inspect_notebook(str(path))["word"]
    assert (word["inferred_type_name"], word["default"], word["help"]) == (
        "str",
        '"film"',
        "the word to measure",
    )


def test_notebook_that_was_edited_is_out_of_step(write):
    chapter = write()
    assert check_in_step(chapter, "en", toy_notebook(chapter)) == []
    (found,) = check_in_step(chapter, "en", toy_notebook(chapter, source="print(4)"))
    assert "expected 'print(f" in found and "found 'print(4)'; `make notebooks`" in found


def test_notebook_with_a_cell_too_many_or_of_another_chapter_is_out_of_step(write):
    chapter, other = write(), write(slug="02_other")
    longer = toy_notebook(chapter)
    longer.cells.append(nbformat.v4.new_markdown_cell("more"))
    assert "expected 5 cells, found 6" in check_in_step(chapter, "en", longer)[0]
    assert "metadata differ" in check_in_step(other, "en", toy_notebook(chapter))[0]


def test_notebook_that_was_not_run_in_order_is_found(write):
    assert check_run_in_order(toy_notebook(write())) == []
    assert "found [1, 2, 5]" in check_run_in_order(toy_notebook(write(), execution_count=5))[0]
    assert "found [None, None, None]" in check_run_in_order(compose(write(), "en"))[0]


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        (printed("see /home/ada/model"), "a path of one machine: '/home/ada/model'"),
        (printed("saved in C:\\Users"), "a path of one machine"),
        (printed("<Model at 0x7f1c2a>"), "a memory address"),
        (printed("http://localhost:8000"), "a host"),
        (printed("listening on 10.0.0.7"), "a host"),
        (printed("Map:  40%|####"), "a progress bar"),
        (printed("careful", name="stderr"), "wrote to stderr"),
        (
            nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=["no"]),
            "failed: ValueError",
        ),
        (
            nbformat.v4.new_output(
                "display_data", data={"application/vnd.jupyter.widget-view+json": {}, "text/plain": "bar"}
            ),
            "has a widget",
        ),
        (printed(" "), "tagged result but shows no text"),
    ],
)
def test_output_that_another_run_would_not_give_is_found(write, output, problem):
    (found,) = check_outputs(toy_notebook(write(), output=output))
    assert problem in found


def test_figure_that_does_not_show_is_found(write):
    notebook = compose(write("print(f", "plot_lengths(f"), "en", [[], []])
    (found, *_) = check_outputs(notebook)
    assert found.endswith("draws a figure but shows none")
    picture = nbformat.v4.new_output("display_data", {"image/svg+xml": "", "text/plain": "x"})
    notebook.cells[-1].outputs = [picture]
    assert check_outputs(notebook) == []


def test_output_with_fractions_and_html_is_accepted(write):
    text = "8/10 and/or <br /><br />24/7, loss 3.331 / 3.295, 80/10/10"
    assert check_outputs(toy_notebook(write(), output=printed(text))) == []


def test_error_output_is_found(write):
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])
    assert "failed: ValueError" in check_outputs(toy_notebook(write(), output=error))[0]


def test_languages_with_different_outputs_are_found(write):
    chapter = write()
    en, zh = toy_notebook(chapter), toy_notebook(chapter, "zh", output=printed("film has 5 letters\n"))
    assert chapter.code[1].id in check_same_outputs(en=en, zh=zh)[0]


def test_chinese_printed_by_english_code_is_found(write):
    en, zh = (toy_notebook(write(), lang, output=printed("四")) for lang in ("en", "zh"))
    assert "has Chinese characters" in check_same_outputs(en=en, zh=zh)[0]


def test_link_that_leads_nowhere_is_found(write, root):
    chapter = write("Count the letters", "Count [the letters](02_letters.ipynb#how)")
    assert check_links(chapter, "en", root=root) == ["the link to 02_letters.ipynb leads nowhere"]
    assert check_links(chapter, "zh", root=root) == []
    write_notebook(toy_notebook(chapter), root / "book" / "en" / "02_letters.ipynb")
    assert check_links(chapter, "en", root=root) == []


def test_notebook_of_half_a_megabyte_is_too_large(write, root):
    path = root / "large.ipynb"
    write_notebook(toy_notebook(write()), path)
    assert check_size(path) == []
    path.write_bytes(b" " * 500_000)
    assert "expected less than 500,000 bytes, found 500,000" in check_size(path)[0]


def test_missing_notebook_is_found(write, root):
    problems = check_notebooks(write(), root=root)
    assert [problem.split(":")[0] for problem in problems] == ["book/en/01_toy.ipynb", "book/zh/01_toy.ipynb"]
