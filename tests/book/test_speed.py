"""The page on speed: ratios, their spread, and what was not measured."""

import json

import pytest

from book.tools.speed import draw_figures, read_size, speed_rows

STAGE = {
    "unit": "ms",
    "size": "64 x 128 tokens",
    "goals": {"library": 10},
    "bound": None,
    "absent": {},
    "runs": [{"ours": [1.0, 2.0, 9.0], "library": [20.0]}, {"ours": [1.0], "library": [30.0]}],
}


def rows_with(text, stages):
    return [row for row in speed_rows(stages) if text in row["en"]]


def test_a_ratio_is_that_of_medians_with_the_range_over_the_runs():
    (row,) = rows_with("mask single tokens", {"collate_tokens": STAGE})
    assert (
        row["en"]
        == "| mask single tokens (64\u00a0x\u00a0128\u00a0tokens) | 1.5\u00a0ms | transformers | 20 (10–30) |  |"
    )
    assert row["zh"].startswith(
        "| 单个词元掩码（64\u00a0x\u00a0128\u00a0个词元） | 1.5\u00a0ms | transformers | 20 (10–30) |"
    )


def test_a_larger_size_has_a_row_of_its_own_and_a_single_run_no_range():
    larger = STAGE | {"size": "1,000 chunks", "runs": [{"ours": [2.0], "Trainer": [3.0]}]}
    stages = {
        "evaluate_chunks": STAGE,
        "evaluate_chunks_full": larger | {"goals": {"Trainer": 1.4}, "bound": 1.43},
    }
    _, row = rows_with("evaluate chunks", stages)
    assert row["zh"] == "| 评估文本块（1,000\u00a0个文本块） | 2\u00a0ms | Trainer | 1.5 | 1.43 |"


def test_a_size_in_unknown_units_is_refused():
    with pytest.raises(ValueError, match="expected sizes in reviews, .*, got 'words'"):
        read_size("64 chunks, 3 words")


def test_a_peer_that_was_absent_says_why():
    stage = STAGE | {"goals": {"TRL": 1}, "absent": {"TRL": "package trl is not installed"}}
    (row,) = rows_with("chunk alone", {"chunk_alone": stage})
    assert "not measured: package trl is not installed" in row["en"]
    assert "没有测量: package trl is not installed" in row["zh"]


def test_a_stage_that_was_not_run_says_so():
    assert all("not measured" in row["en"] and "没有测量" in row["zh"] for row in speed_rows({}))


def test_figures_are_the_same_for_the_same_numbers(tmp_path):
    growth = {"runs": [{"seconds at 1000": [1.0], "seconds at 2000": [2.0], "memory_mb at 1000": [5.0]}]}
    (tmp_path / "book").mkdir()
    stages = {"collate_tokens": STAGE, "training_step": STAGE | {"goals": {"Trainer": 1.4}}}
    stages["training_step"]["runs"] = [{"ours": [1], "Trainer": [1.4]}]
    (tmp_path / "book/speed.json").write_text(json.dumps({"stages": stages | {"growth": growth}}))
    first, again = ([path.read_bytes() for path in draw_figures(tmp_path)] for _ in range(2))
    assert len(first) == 3
    assert first == again
