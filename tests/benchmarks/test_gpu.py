"""The GPU script on a CPU, with a small model: what it compares, what it prints, what it leaves out."""

import json
import re
import time

import gpu
import numpy as np
import pytest
import torch
from transformers import DataCollatorForLanguageModeling, DistilBertConfig, DistilBertForMaskedLM

from mlmtutor import TokenTable
from mlmtutor.texts.words import find_first_pieces


@pytest.fixture(scope="module")
def chunks(tmp_path_factory):
    """44 chunks of 16 tokens; every third token continues the word before it."""
    ids = np.random.default_rng(0).integers(1000, 2000, size=(44, 16)).astype(np.uint16) * 3
    ids[:, 2::3] += 1
    ids[:, 2::3] |= gpu.CONTINUES
    ids[:, [0, 15]] = 101, 102
    path = tmp_path_factory.mktemp("gpu") / "chunks.npy"
    np.save(path, ids)
    return path


@pytest.fixture
def bench(chunks):
    return gpu.open_bench(gpu.parse([str(chunks), "--device", "cpu", "--quick", "--precision", "fp32"]))


def run_quickly(chunks, tmp_path, capsys, *options):
    """Return the exit status, what was printed, and the results."""
    output = tmp_path / "results.json"
    status = gpu.main(
        [str(chunks), "--device", "cpu", "--quick", "--precision", "fp32", "--output", str(output), *options]
    )
    return status, capsys.readouterr().out, json.loads(output.read_text())


@pytest.mark.slow
def test_quick_run_measures_every_row_on_a_cpu_and_says_what_is_absent(chunks, tmp_path, capsys):
    status, printed, found = run_quickly(chunks, tmp_path, capsys, "--batch-sizes", "4")
    assert status == 0
    assert [(row["name"], row["batch_size"]) for row in found["rows"]] == [
        ("step, dense", 4),
        ("step, sparse", 4),
        ("original, training", 64),
        ("ours, training", 64),
        ("original, whole", 64),
        ("ours, whole", 64),
        ("step, sparse, compiled", 4),
        ("step, dense, compiled", 4),
    ]
    for row in found["rows"]:
        assert row["absent"] is None, row
        assert 0 < row["fastest"] <= row["seconds"] <= row["slowest"]
        assert row["useful_share"] > 0
        assert row["peak_gib"] is None
        assert re.search(
            rf"^{row['name']} +{row['batch_size']} fp32 +[\d.]+ m?s ", printed, flags=re.MULTILINE
        )
    assert [entry["what"] for entry in found["equality"]] == [
        "dense and sparse",
        "step, sparse, compiled or not",
        "step, dense, compiled or not",
    ]
    assert "threads" in found["device"] and printed.startswith(found["device"])
    assert "peak memory: absent" in printed
    assert found["goals"] == []  # a small model says nothing about them


def test_times_are_ratios_to_the_dense_step_and_to_the_original_notebook(bench):
    bench.ceilings["fp32"] = 100 * bench.flops_per_chunk
    bench.add(gpu.Row("dense", 4, "fp32"), [2.0, 1.0, 9.0], peer="dense", trained=4)
    bench.add(gpu.Row("sparse", 4, "fp32"), [0.5], peer="dense", trained=4, evaluated=8)
    dense, sparse = bench.rows
    assert (dense.seconds, dense.chunks_per_second, dense.times_as_fast) == (2.0, 2.0, None)
    assert dense.useful_share == pytest.approx(0.06)  # 12 forward passes in 2 s, of 100 a second
    assert (sparse.times_as_fast, sparse.useful_share) == (4.0, pytest.approx(0.4))


def test_a_wrong_loss_stops_the_run_before_anything_is_timed(chunks, tmp_path, capsys, monkeypatch):
    right = gpu.masked_lm_loss
    monkeypatch.setattr(gpu, "masked_lm_loss", lambda model, **batch: right(model, **batch) * 1.001)
    status, printed, found = run_quickly(chunks, tmp_path, capsys)
    assert status == 1
    assert found["rows"] == []
    assert "NOT EQUAL" in printed and "stopped after equality" in printed


def test_wrong_gradients_are_found_behind_an_equal_loss(chunks, tmp_path, capsys, monkeypatch):
    right = gpu.masked_lm_loss

    def without_half_of_the_gradients(model, **batch):
        loss = right(model, **batch)
        return loss / 2 + loss.detach() / 2

    monkeypatch.setattr(gpu, "masked_lm_loss", without_half_of_the_gradients)
    status, _, found = run_quickly(chunks, tmp_path, capsys)
    assert status == 1
    assert found["equality"][0]["loss"] < 1e-6 < found["equality"][0]["gradients"]


def test_a_stage_is_cut_short_when_the_minutes_are_over(chunks, tmp_path, capsys, monkeypatch):
    def sleep_deeply(bench):
        try:
            time.sleep(60)
        except Exception:
            raise AssertionError("taken for an error of the library") from None

    monkeypatch.setattr(gpu.Bench, "check_sparse", sleep_deeply)
    started = time.monotonic()
    status, printed, found = run_quickly(chunks, tmp_path, capsys, "--minutes", "0.005")
    assert time.monotonic() - started < 30
    assert status == 1  # nothing was compared
    assert [(row["name"], row["absent"]) for row in found["rows"]] == [
        ("equality", "the 0.005 minutes were over")
    ]
    assert re.search("equality .* absent: the 0.005 minutes were over", printed)


def test_what_breaks_leaves_one_row_out_and_the_reason_in(chunks, tmp_path, capsys, monkeypatch):
    def without_accelerate(*_, **options):
        raise ImportError("no accelerate")

    for stage in ("measure_ceilings", "time_steps", "time_compiled"):
        monkeypatch.setattr(gpu.Bench, stage, lambda *_: None)
    monkeypatch.setattr(gpu.Bench, "run_job", without_accelerate)
    status, printed, found = run_quickly(chunks, tmp_path, capsys)
    assert status == 0
    assert [(row["name"], row["absent"]) for row in found["rows"]] == [
        ("whole jobs", "ImportError: 'no accelerate'")
    ]
    assert "absent: ImportError: 'no accelerate'" in printed


def test_a_dense_step_without_memory_leaves_the_sparse_one_measured(bench, monkeypatch):
    def too_large(model, **batch):
        raise torch.OutOfMemoryError

    monkeypatch.setitem(gpu.LOSSES, "step, dense", too_large)
    bench.ceilings["fp32"] = 1e12
    bench.time_steps(4)
    dense, sparse = bench.rows
    assert (dense.name, dense.absent, dense.seconds) == ("step, dense", "out of memory", None)
    assert (sparse.name, sparse.absent, sparse.times_as_fast) == ("step, sparse", None, None)


def test_a_compiled_step_that_differs_is_not_timed(bench, monkeypatch):
    losses = iter([1.0, 1.1])
    monkeypatch.setattr(bench, "find_gradients", lambda *_: (torch.tensor(next(losses)), torch.ones(3)))
    bench.time_compiled("step, sparse", 4)
    assert [(row.name, row.absent) for row in bench.rows] == [
        ("step, sparse, compiled", "not equal to the step that is not compiled")
    ]
    assert not bench.is_equal


@pytest.mark.parametrize(
    ("loss", "gradient", "equal"), [(1, 1, True), (1, 1.001, False), (float("nan"), 1, False)]
)
def test_results_are_equal_within_the_tolerance_and_never_nan(bench, loss, gradient, equal):
    pairs = [
        (torch.tensor(1.0), torch.ones(3)),
        (torch.tensor(float(loss)), torch.full((3,), float(gradient))),
    ]
    assert bench.check_equal("both", "fp32", *pairs) is equal
    assert bench.is_equal is equal


def test_jobs_that_do_not_fit_are_left_out_with_both_times(bench):
    bench.rows.append(gpu.Row("step, dense", 4, "fp32", chunks_per_second=0.1))
    bench.deadline -= 60 * 7.5 - 50
    bench.time_jobs()
    assert len(bench.rows) == 5
    assert all("need about 1000 s, 50 s were left" in row.absent for row in bench.rows[1:])


def test_flops_of_distilbert_are_those_counted_by_hand():
    encoder, head = gpu.count_flops(DistilBertConfig(), 128)
    assert (encoder / 1e6, head / 1e6) == (pytest.approx(87.3, abs=0.05), pytest.approx(48.1, abs=0.05))


def test_library_hides_the_same_words_whole(chunks):
    ids, continues = gpu.read_chunks(chunks)
    tokenizer = gpu.make_tokenizer(ids, continues)
    rows = gpu.LibraryRows(ids, continues)
    collator = DataCollatorForLanguageModeling(
        tokenizer,
        whole_word_mask=True,
        mlm_probability=0.5,
        mask_replace_prob=1.0,
        random_replace_prob=0.0,
        seed=0,
    )
    hidden = (collator([rows[i] for i in range(len(rows))])["labels"] != gpu.IGNORED).numpy()
    head = find_first_pieces(ids, table=TokenTable.from_tokenizer(tokenizer))
    assert (hidden == np.take_along_axis(hidden, np.maximum(head, 0), axis=1))[head >= 0].all()
    assert not hidden[head < 0].any()
    assert 0.4 < hidden[head >= 0].mean() < 0.6


def test_prepared_chunks_keep_ids_and_words(tmp_path, reviews, bert_tokenizer, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "NUM_TRAIN", 100)
    monkeypatch.setattr(gpu, "NUM_TEST", 10)
    path = tmp_path / "new" / "chunks.npy"
    gpu.prepare(path, reviews["text"][:60], bert_tokenizer)
    ids, continues = gpu.read_chunks(path)
    assert ids.shape == (110, 128)
    assert "110 chunks of 128 tokens" in capsys.readouterr().out
    np.testing.assert_array_equal(continues, TokenTable.from_tokenizer(bert_tokenizer).continues_word[ids])
    ours, theirs = (
        find_first_pieces(ids, table=TokenTable.from_tokenizer(tokenizer))
        for tokenizer in (gpu.make_tokenizer(ids, continues), bert_tokenizer)
    )
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--minutes", "0"], "--minutes must be above 0, got 0"),
        (["--batch-sizes", "8", "-1"], "--batch-sizes must be at least 1, got -1"),
        (["--precision", "fp16"], "needs an NVIDIA GPU, found device 'cpu'"),
        (["--model", "nowhere"], "expected a folder with DistilBERT, found none at nowhere"),
    ],
)
def test_options_that_make_no_sense_are_refused(chunks, options, message):
    with pytest.raises(SystemExit, match=re.escape(message)):
        gpu.main([str(chunks), "--device", "cpu", "--quick", *options])


def test_weights_are_read_from_a_folder_with_distilbert_and_from_no_other(tmp_path):
    sizes = {"dim": 8, "hidden_dim": 8, "n_layers": 1, "n_heads": 1}
    for vocab_size in (gpu.VOCAB_SIZE, 50):
        DistilBertForMaskedLM(DistilBertConfig(vocab_size=vocab_size, **sizes)).save_pretrained(
            tmp_path / str(vocab_size)
        )
    assert gpu.make_model(tmp_path / "30522", quick=False).config.dim == 8
    with pytest.raises(
        ValueError, match="expected DistilBERT with 30522 tokens in .*, found distilbert with 50"
    ):
        gpu.make_model(tmp_path / "50", quick=False)


def test_a_device_that_is_not_there_is_refused_with_the_way_out(chunks, monkeypatch):
    monkeypatch.setattr(gpu, "find_device", lambda: "cpu")
    with pytest.raises(SystemExit, match="expected device 'cuda', found 'cpu': try --device cpu --quick"):
        gpu.main([str(chunks), "--device", "cuda"])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((22, 4), dtype=np.int64), "expected at least 22 rows of uint16 ids, found int64 (22, 4)"),
        (np.zeros((3, 4), dtype=np.uint16), "found uint16 (3, 4)"),
        (np.full((22, 4), 31_000, dtype=np.uint16), "expected ids below 30522, found 31000"),
    ],
)
def test_files_that_hold_no_such_chunks_are_refused(tmp_path, array, message):
    np.save(tmp_path / "other.npy", array)
    with pytest.raises(SystemExit, match=re.escape(message)):
        gpu.main([str(tmp_path / "other.npy"), "--device", "cpu", "--quick"])


def test_a_missing_file_is_named_with_the_way_to_make_it(tmp_path):
    with pytest.raises(SystemExit, match=r"nothing\.npy, found no such file: make it with --prepare"):
        gpu.main([str(tmp_path / "nothing.npy"), "--device", "cpu", "--quick"])
