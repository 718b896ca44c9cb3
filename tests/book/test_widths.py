"""Lines of code and output fit the page."""

import doctest

import nbformat
import pytest

from book.tools import widths
from book.tools.chapter import compose
from book.tools.checks import check_answers, check_promises
from book.tools.widths import check_code_widths, check_output_widths, find_wide_lines

ADDRESS = "https://example.org/" + "x" * 90


def test_examples_hold():
    assert doctest.testmod(widths).failed == 0


@pytest.mark.parametrize(
    ("line", "is_wide"),
    [
        ("a" * 40 + " " + "b" * 39, False),  # 80 columns
        ("a" * 40 + " " + "b" * 40, True),
        ("a" * 79 + "  ", False),  # blanks at the end are not seen
        ("掩码" * 20 + " a", True),  # 82 columns in 42 characters
        (ADDRESS, False),  # one word that cannot be broken
        (f"# see {ADDRESS}", False),
        ("    " * 15 + "x = " + "y" * 19, True),
        (" " * 60 + "y" * 30, False),
        ("a" * 90 + "\n" + "b " * 50, True),
    ],
)
def test_line_is_wide_if_it_could_be_broken(line, is_wide):
    assert bool(find_wide_lines(line)) == is_wide


def test_wide_line_of_code_is_found_with_its_place(write):
    (problem,) = check_code_widths(write('print(f"{word} has', f'# {"long " * 20}\nprint(f"{{word}} has'))
    assert problem.startswith("01_toy.md:38: expected at most 80 columns, found 101: '# long long")


def outputs(*found):
    return [[], list(found)]


def stream(text):
    return nbformat.v4.new_output("stream", text=text, name="stdout")


def data(**kinds):
    kinds = {kind.replace("_", "/"): text for kind, text in kinds.items()}
    return nbformat.v4.new_output("execute_result", data=kinds, execution_count=2)


WIDE = "wide " * 20


@pytest.mark.parametrize(
    ("output", "num_problems"),
    [
        (stream(f"short\n{WIDE}\n"), 1),
        (stream("short\n"), 0),
        (stream(ADDRESS), 0),
        (data(text_plain=WIDE), 1),
        (data(text_plain=WIDE, text_html=f"<p>{WIDE}</p>"), 0),
        (data(text_plain=WIDE, image_png="AAAA"), 0),
    ],
)
def test_wide_line_of_an_output_is_found(write, output, num_problems):
    notebook = compose(write(), "en", outputs(output))
    assert len(check_output_widths(notebook)) == num_problems


def test_output_that_the_site_leaves_out_may_be_wide(write):
    notebook = compose(write("[result]", "[remove-cell]"), "en", outputs(stream(WIDE)))
    assert check_output_widths(notebook) == []


@pytest.mark.parametrize(
    "call", ["check_answer(answer, expected=8)", 'mt.check_answer("1.1", answer, why="So.")']
)
def test_answer_in_the_cell_of_its_question_is_found(write, call):
    (problem,) = check_answers(write('print(f"{word} has {len(word)} letters")', call))
    assert problem.startswith("01_toy.md:38: check_answer shows what is right in the cell")
    assert (
        check_answers(write('print(f"{word} has {len(word)} letters")', 'mt.check_answer("1.1", ...)')) == []
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Count the letters", "Not measured yet, count"),
        ("数字母", "尚未测量"),
        ("has {len", "not measured yet {len"),
    ],
)
def test_what_was_not_measured_is_not_said_in_a_chapter(write, old, new):
    (problem,) = check_promises(write(old, new))
    assert "belongs on the page a4_budget only" in problem
