"""The whole way in one call: what is learned, written, reported, and resumed."""

import json
from dataclasses import replace

import pytest

from mlmtutor import (
    AdaptSettings,
    MaskingSettings,
    adapt_model,
    fill_masks,
    load_model,
    load_tokenizer,
)
from mlmtutor import adapt as adapt_module

TRAINING = {"num_epochs": 4, "batch_size": 4, "learning_rate": 1e-2, "precision": "fp32"}
WRITTEN = {"README.md", "config.json", "loss.png", "model.safetensors", "report.json", "run.json", "tokenizer.json", "tokenizer_config.json"}  # fmt: skip


def settings_for(checkpoint, prose, **changes):
    options = {"source": str(prose), "model": checkpoint, "chunk_size": 16, **TRAINING} | changes
    return AdaptSettings(**options)


def test_model_learns_and_everything_is_written(checkpoint, prose, tmp_path):
    report = adapt_model(settings_for(checkpoint, prose), output_dir=tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} >= WRITTEN
    assert not list((tmp_path / "out").glob(".*")) + list((tmp_path / "out").glob("checkpoints"))
    assert report.after["perplexity"] < 0.6 * report.before["perplexity"]
    assert report.data["train_texts"] == 9
    assert report.data["held_out_texts"] == 1
    was = [
        fill_masks(
            "the film [MASK] good .", model=load_model(f), tokenizer=load_tokenizer(f), targets=["was"]
        )[0][0][0].probability
        for f in (checkpoint, tmp_path / "out")
    ]
    assert was[1] > 3 * was[0]


def test_report_says_what_the_table_and_the_card_say(checkpoint, prose, tmp_path):
    report = adapt_model(settings_for(checkpoint, prose), output_dir=tmp_path / "out")
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written["after"]["perplexity"] == report.after["perplexity"]
    assert written["masks"]["sha256"] == written["before"]["masks_sha256"] == written["after"]["masks_sha256"]
    card = (tmp_path / "out" / "README.md").read_text()
    for fact in (
        f"{report.after['perplexity']:.2f}",
        report.masks["sha256"],
        "mask_prob 0.2",
        "seed 0",
        "learning_rate",
    ):
        assert fact in card
    assert prose.name in card
    for text in (card, json.dumps(written)):  # a private path has no place in what is shared
        assert str(prose.parent) not in text
        assert str(checkpoint) not in text
    assert "base_model" not in card  # the Hub would look for the local folder
    assert f"{report.before['perplexity']:.1f}" in report.to_table()


def test_same_seed_gives_the_same_report_and_another_seed_another(checkpoint, prose, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        adapt_model(settings_for(checkpoint, prose, seed=seed), output_dir=tmp_path / name)
    a, b, c = ((tmp_path / name / "report.json").read_bytes() for name in "abc")
    assert a == b != c


def test_broken_run_is_resumed_to_the_same_report(checkpoint, prose, tmp_path, monkeypatch):
    plan = adapt_module.plan_training
    monkeypatch.setattr(adapt_module, "plan_training", lambda *a, **k: replace(plan(*a, **k), save_steps=5))
    settings = settings_for(checkpoint, prose)
    adapt_model(settings, output_dir=tmp_path / "whole")
    from mlmtutor.training.trainer import MaskedLMTrainer

    compute_loss, calls = MaskedLMTrainer.compute_loss, []

    def break_after_twelve(self, *args, **kwargs):
        calls.append(1)
        if len(calls) > 12:
            raise KeyboardInterrupt
        return compute_loss(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(MaskedLMTrainer, "compute_loss", break_after_twelve)
        with pytest.raises(KeyboardInterrupt):
            adapt_model(settings, output_dir=tmp_path / "broken")
    assert [p.name for p in (tmp_path / "broken").iterdir()] == ["checkpoints"]
    with pytest.raises(FileExistsError, match="found a broken run: resume it"):
        adapt_model(settings, output_dir=tmp_path / "broken")
    adapt_model(settings, output_dir=tmp_path / "broken", resume=True)
    whole, resumed = (json.loads((tmp_path / n / "report.json").read_text()) for n in ("whole", "broken"))
    assert resumed["after"] == whole["after"]


def test_texts_that_are_mostly_copies_are_split_by_what_is_left(checkpoint, tmp_path):
    texts = ["the film was good . " * 8, "this actor is bad . " * 8]
    (tmp_path / "copies.txt").write_text("\n\n".join(texts[:1] * 30 + texts[1:]))
    settings = settings_for(checkpoint, tmp_path / "copies.txt", num_epochs=1)
    report = adapt_model(settings, output_dir=tmp_path / "out")
    assert (report.data["train_texts"], report.data["held_out_texts"]) == (1, 1)


def test_small_corpora_get_more_epochs_and_large_ones_one(monkeypatch):
    monkeypatch.setattr(adapt_module, "find_device", lambda: "cpu")
    epochs = [adapt_module.plan_training(AdaptSettings(), num_chunks=n).num_epochs for n in (10, 400, 2000)]
    assert epochs == [10, 4, 1]
    assert adapt_module.plan_training(AdaptSettings(num_epochs=2), num_chunks=10).num_epochs == 2
    monkeypatch.setattr(adapt_module, "find_device", lambda: "cuda")
    on_gpu = adapt_module.plan_training(
        AdaptSettings(model="distilbert/distilbert-base-uncased"), num_chunks=10_000
    )
    assert (on_gpu.num_epochs, on_gpu.batch_size, on_gpu.learning_rate) == (3, 64, 2e-5)


def test_settings_name_what_is_out_of_range():
    with pytest.raises(ValueError, match="train_size must be at least 1, got 0"):
        AdaptSettings(train_size=0)
    assert AdaptSettings().masking == MaskingSettings()
