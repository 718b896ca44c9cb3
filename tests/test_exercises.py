import pytest

from mlmtutor import as_printed, check_answer, check_range


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (5, 5, "Right. Because."),
        (4, 5, "Not yet: you say 4. Because."),
        (36.6, 36.598, "Right. Because."),
        (20.1, 36.598, "Not yet: you say 20.1. Because."),
        ("film", "film", "Right. Because."),
        (..., 5, "No answer yet: replace the ... and run the cell again."),
    ],
)
def test_answer_is_judged_and_explained(answer, expected, said, capsys):
    check_answer(answer, expected=expected, why="Because.")
    assert capsys.readouterr().out == said + "\n"


def test_value_out_of_range_is_an_error():
    with pytest.raises(ValueError, match="expected perplexity within 85 to 125, found 140"):
        check_range(140, low=85, high=125, name="perplexity")


def test_a_chapter_is_as_printed_only_with_its_own_parameters_and_profile():
    values = {"text": "This is a great [MASK].", "top_k": 5, "unrelated": 3}
    assert as_printed("01_fill_mask", values, profile="mini")
    assert not as_printed("01_fill_mask", values, profile="full")
    assert not as_printed("01_fill_mask", values | {"top_k": 4}, profile="mini")


def test_unknown_chapters_and_missing_parameters_are_named():
    with pytest.raises(ValueError, match="chapter must be one of 01_fill_mask, .* got '99_nothing'"):
        as_printed("99_nothing", {}, profile="mini")
    with pytest.raises(ValueError, match="found none called text, top_k"):
        as_printed("01_fill_mask", {}, profile="mini")
