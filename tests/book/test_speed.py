"""The page on speed: ratios, their spread, and what was not measured."""

import json

from book.tools.speed import STAGES, draw_figures, speed_rows

STAGE = {
    "unit": "ms",
    "size": "64 x 128 tokens",
    "absent": {},
    "runs": [{"ours": [1.0, 2.0, 9.0], "library": [20.0]}, {"ours": [1.0], "library": [30.0]}],
}


def row_of(stages, name, peer):
    rows = speed_rows(stages)
    position = [
        (stage, way)
        for stage, (*_, goals, _) in STAGES.items()
        for way in (goals if stage in stages else [""])
    ]
    return rows[position.index((name, peer))]


def test_a_ratio_is_that_of_medians_with_the_range_over_the_runs():
    row = row_of({"collate_tokens": STAGE}, "collate_tokens", "library")
    assert row["en"] == "| mask single tokens (64 x 128 tokens) | 1.5 ms | library | 20 (10–30) | 10 |  |"
    assert row["zh"].startswith("| 单个词元掩码（64 x 128 个词元） | 1.5 ms | library | 20 (10–30) |")


def test_a_peer_that_was_absent_says_why():
    stage = STAGE | {"absent": {"TRL": "package trl is not installed"}}
    row = row_of({"chunk_alone": stage}, "chunk_alone", "TRL")
    assert "not measured: package trl is not installed" in row["en"]
    assert "没有测量: package trl is not installed" in row["zh"]


def test_a_stage_that_was_not_run_says_so():
    assert all("not measured" in row["en"] and "没有测量" in row["zh"] for row in speed_rows({}))


def test_figures_are_the_same_for_the_same_numbers(tmp_path):
    growth = {"runs": [{"seconds at 1000": [1.0], "seconds at 2000": [2.0], "memory_mb at 1000": [5.0]}]}
    (tmp_path / "book").mkdir()
    stages = {"collate_tokens": STAGE, "training_step": STAGE | {"runs": [{"ours": [1], "Trainer": [1.4]}]}}
    (tmp_path / "book/speed.json").write_text(json.dumps({"stages": stages | {"growth": growth}}))
    first, again = ([path.read_bytes() for path in draw_figures(tmp_path)] for _ in range(2))
    assert len(first) == 3
    assert first == again
