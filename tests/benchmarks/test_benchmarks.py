"""The benchmarks themselves: they run, they compare before they time, and they say what is missing."""

import importlib.util
import json
from importlib import metadata

import numpy as np
import pytest
import torch

from tests.benchmarks import measure, preprocessing, training
from tests.benchmarks.__main__ import main
from tests.benchmarks.measure import Result, record, take_turns


@pytest.fixture
def without_peers(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        measure.importlib.util, "find_spec", lambda name: None if name in ("trl", "minicons") else find(name)
    )


@pytest.mark.slow
def test_quick_stages_run_and_write_their_figures(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    main(["collate_words", "evaluate_chunks", "--quick", "--output", str(tmp_path / "speed.json")])
    content = json.loads((tmp_path / "speed.json").read_text())
    assert list(content["stages"]) == ["collate_words", "evaluate_chunks"]
    assert set(content["stages"]["collate_words"]["runs"][0]) == {"ours", "original", "library"}
    assert "x ours" in capsys.readouterr().out


def test_a_missing_peer_has_a_row_that_says_why(without_peers, capsys, monkeypatch):
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    main(["score_sentences", "--quick"])
    assert "minicons         not measured: package minicons is not installed" in capsys.readouterr().out


@pytest.mark.parametrize("way", ["ours", "dense", "original"])
def test_a_way_of_training_waits_for_its_turn_and_times_each_step(way):
    heard = []
    clock = training._Clock(lambda seconds: heard.append(len(seconds)))
    training.train(way, batch_size=2, num_steps=3, tiny=True, clock=clock)
    assert heard == [0, 1, 2, 3]
    assert len(clock.seconds) == 3 and min(clock.seconds) > 0
    assert clock.before_mb > 100


def test_ways_in_processes_of_their_own_take_turns(tmp_path, monkeypatch):
    answer = "import sys, time, json\nfor line in sys.stdin:\n    print(json.dumps({}), flush=True)\n"
    monkeypatch.setattr(
        measure, "_command", lambda number: [measure.sys.executable, "-c", answer.format(number)]
    )
    assert measure.take_turns_apart({"a": [1], "b": [2.5]}, repeats=3) == {"a": [1] * 3, "b": [2.5] * 3}


def test_a_process_that_dies_in_its_turn_shows_its_error():
    with pytest.raises(RuntimeError, match=r"ours failed:(.|\n)*invalid choice: 'fly'"):
        measure.take_turns_apart({"ours": ["training", "fly"]}, repeats=1)


def test_chunks_that_differ_stop_the_benchmark():
    with pytest.raises(AssertionError, match="chunks differ"):
        preprocessing.assert_equal(np.array([[1, 2]]), np.array([[1, 3]]), "chunks")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[-100, 7, -100, -100]], "labels of it and true ids differ"),
        ([[-100, 5, -100, -100]], "pieces of the words"),
        ([[-100, -100, -100, -100]], "hides 0.00 of the tokens"),
    ],
)
def test_masks_that_are_wrong_stop_the_benchmark(labels, message):
    ids, heads = np.array([[2, 5, 6, 3]]), np.array([[-1, 1, 1, -1]])
    batch = {"input_ids": torch.tensor([[2, 4, 6, 3]]), "labels": torch.tensor(labels)}
    if message.startswith("hides"):
        batch["input_ids"] = torch.tensor(ids)
    with pytest.raises(AssertionError, match=message):
        preprocessing.check_masks(batch, ids, heads, share=0.5, what="it")


def test_losses_that_differ_stop_the_benchmark():
    training.assert_close([1.0, 2.0], [1.0, 2.0 + 1e-6], "losses")
    with pytest.raises(AssertionError, match="losses differ by 0.0099"):
        training.assert_close([1.0, 2.0], [1.0, 2.02], "losses")


def test_the_dense_and_the_sparse_step_agree():
    training.assert_same_step()


def test_ways_take_turns():
    seen = []
    times = take_turns(
        {"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, repeats=2, clock=lambda: len(seen)
    )
    assert seen == ["a", "b", "a", "b"]
    assert times == {"a": [1, 1], "b": [1, 1]}


def test_a_turn_is_filled_with_calls_and_counts_their_mean():
    seen = []
    times = take_turns(
        {"a": lambda: seen.append("a")}, repeats=1, clock=lambda: 3 * len(seen), unit=0.5, turn_s=0.01
    )
    assert len(seen) > 10
    assert times == {"a": [6]}


def test_the_record_keeps_the_last_three_runs(tmp_path):
    for value in range(5):
        record(tmp_path / "speed.json", "stage", Result("s", "a size", {"ours": [value]}))
    content = json.loads((tmp_path / "speed.json").read_text())
    assert [run["ours"] for run in content["stages"]["stage"]["runs"]] == [[2.0], [3.0], [4.0]]
    assert content["machine"]["versions"]["torch"] == metadata.version("torch")


def test_a_way_that_fails_in_its_process_shows_its_error():
    with pytest.raises(RuntimeError, match="invalid literal for int"):
        measure.run_apart("growth", "many")


def test_a_stage_that_has_no_larger_size_says_so(capsys):
    with pytest.raises(SystemExit):
        main(["growth", "--full"])
    assert "whole_job larger, not growth" in capsys.readouterr().err


def test_a_stage_that_is_not_there_is_an_error_that_lists_the_stages(capsys):
    with pytest.raises(SystemExit):
        main(["fly"])
    assert "expected stages out of tokenise_and_chunk, " in capsys.readouterr().err
