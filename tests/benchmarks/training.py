"""A training step, its memory, and the whole job; each way in a process of its own.

Memory and the C library's settings cannot be undone in a process, so the ways do not share one. Each has one thread,
whose CPU time other work on the machine changes little.
"""

import argparse
import ctypes
import json
import sys
import tempfile
import time

import numpy as np
import torch
import transformers
from datasets import disable_progress_bars
from transformers import (
    DataCollatorForLanguageModeling,
    DistilBertConfig,
    DistilBertForMaskedLM,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from mlmtutor.hub.load import load_model
from mlmtutor.masks.collator import ChunkRows, MaskingCollator
from mlmtutor.masks.frozen import freeze_masks
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.model.device import choose_precision
from mlmtutor.model.masked_lm import masked_lm_loss
from mlmtutor.scores.perplexity import evaluate
from mlmtutor.texts.chunking import chunk_texts
from mlmtutor.texts.own_texts import split_chunks
from mlmtutor.training.trainer import MaskedLMTrainer

from .measure import Result, memory_mb, run_apart, take_turns_apart
from .preprocessing import load_reviews, prepare_chunks
from .recipes import OriginalWordCollator, chunk_as_the_original, tokenise_as_the_original

TOKENS_15 = MaskingSettings(unit="token", mask_prob=0.15)
TOLERANCE = 1e-4  # float32 sums in another order


def make_model(*, tiny):
    """Return a random model of DistilBERT's shape, or one layer of it."""
    torch.manual_seed(0)
    return DistilBertForMaskedLM(
        DistilBertConfig(n_layers=1, dim=64, n_heads=4, hidden_dim=128) if tiny else DistilBertConfig()
    )


def make_arguments(folder, *, batch_size, num_steps=-1, **more):
    return TrainingArguments(
        folder, per_device_train_batch_size=batch_size, per_device_eval_batch_size=batch_size, max_steps=num_steps,
        num_train_epochs=1, learning_rate=2e-5, weight_decay=0.01, use_cpu=True, report_to="none",
        save_strategy="no", disable_tqdm=True, dataloader_pin_memory=False, **more,
    )  # fmt: skip


class _Clock(TrainerCallback):
    """Count the CPU seconds of each step, and the memory before the first."""

    def __init__(self, wait=lambda seconds: None, *, return_memory=False):
        self.wait, self.return_memory, self.seconds = wait, return_memory, []

    def on_train_begin(self, *args, **kwargs):
        if self.return_memory:
            return_freed_memory()
        self.before_mb = memory_mb("VmRSS")
        self._begin()

    def on_step_end(self, *args, **kwargs):
        self.seconds.append(time.process_time() - self.started)
        self._begin()

    def _begin(self):
        self.wait(self.seconds)
        self.started = time.process_time()


def wait_for_turn(seconds):
    """Say how long the last step took, and wait for the line that asks for another."""
    if seconds:
        print(json.dumps(seconds[-1]), flush=True)
    sys.stdin.readline()


def return_freed_memory():
    """Have the C library give back what is freed at once, so that the process has as much memory as its tensors."""
    trim_threshold, mmap_threshold = -1, -3  # their numbers in malloc.h
    for setting in (trim_threshold, mmap_threshold):
        ctypes.CDLL(None).mallopt(setting, 4 * 2**20)


def train(way, *, batch_size, num_steps, tiny, clock):
    """Train some steps in one way, each as the clock says."""
    tokenizer, original, library, rows = prepare_chunks(100)
    model = make_model(tiny=tiny)
    with tempfile.TemporaryDirectory() as folder:
        facts = {"batch_size": batch_size, "num_steps": num_steps}
        if way in ("ours", "shipped"):
            settings = TOKENS_15 if way == "ours" else MaskingSettings()
            bf16 = way == "shipped" and choose_precision("cpu") == "bf16"
            trainer = MaskedLMTrainer(
                model, make_arguments(folder, bf16=bf16, **facts), train_dataset=rows,
                data_collator=MaskingCollator(tokenizer, settings=settings), callbacks=[clock], progress=False,
            )  # fmt: skip
        else:
            by_original = way == "original"
            trainer = Trainer(
                model, make_arguments(folder, remove_unused_columns=not by_original, **facts), callbacks=[clock],
                train_dataset=original if by_original else library,
                data_collator=OriginalWordCollator(tokenizer) if by_original else DataCollatorForLanguageModeling(tokenizer),
            )  # fmt: skip
            trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()


# reviews, and chunks to train on and to evaluate on
JOBS = {"quick": (100, 16, 16), "usual": (2500, 200, 100), "full": (25_000, 2000, 200)}


def do_the_job(way, *, extent):
    """Go from reviews to a trained model and its perplexity; give the CPU seconds and the perplexities."""
    num_reviews, train_size, test_size = JOBS[extent]
    reviews, tokenizer = load_reviews(num_reviews)
    model = load_model("mini")
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        if way == "job_ours":
            chunks = chunk_texts(reviews["text"], tokenizer).dataset
            parts = split_chunks(chunks, train_size=train_size, test_size=test_size)
            masks = freeze_masks(parts["test"], tokenizer=tokenizer, settings=MaskingSettings(), seed=0)
            before = evaluate(model, masks).perplexity
            bf16 = choose_precision("cpu") == "bf16"
            MaskedLMTrainer(
                model, make_arguments(folder, batch_size=8, bf16=bf16), train_dataset=ChunkRows(parts["train"]),
                data_collator=MaskingCollator(tokenizer), progress=False,
            ).train()  # fmt: skip
            after = evaluate(model, masks).perplexity
        else:
            chunks = chunk_as_the_original(tokenise_as_the_original(reviews, tokenizer))
            parts = chunks.train_test_split(train_size=train_size, test_size=test_size, seed=123)
            trainer = Trainer(
                model, make_arguments(folder, batch_size=8, remove_unused_columns=False),
                train_dataset=parts["train"], eval_dataset=parts["test"], data_collator=OriginalWordCollator(tokenizer),
            )  # fmt: skip
            trainer.remove_callback(transformers.PrinterCallback)
            before = float(np.exp(trainer.evaluate()["eval_loss"]))
            trainer.train()
            after = float(np.exp(trainer.evaluate()["eval_loss"]))
    return {"seconds": time.process_time() - started, "perplexity": [before, after]}


def assert_same_step():
    """Stop unless the loss and the gradients on masked positions are those of the dense path."""
    tokenizer, *_, rows = prepare_chunks(50)
    batch = MaskingCollator(tokenizer, settings=TOKENS_15)(rows[np.arange(8)])
    model = make_model(tiny=True).eval()
    found = []
    for loss in (model(**batch).loss, masked_lm_loss(model, **batch)):
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        found.append([loss, *gradients])
    for dense, sparse in zip(*found, strict=True):
        assert_close(sparse, dense, "losses or gradients of the dense and the sparse step")


def assert_close(found, expected, what):
    """Stop if numbers differ by more than the order of summing explains."""
    found, expected = torch.as_tensor(found), torch.as_tensor(expected)
    apart = ((found - expected).abs().max() / expected.abs().max().clamp_min(1e-12)).item()
    if not apart < TOLERANCE:
        raise AssertionError(f"{what} differ by {apart:.2g} of the largest, expected under {TOLERANCE:g}")


def _steps(ways, goals, *, extent, bound=None):
    assert_same_step()
    repeats = 1 if extent == "quick" else 2
    options = ["--tiny"] * (extent == "quick") + ["--steps", 1 + repeats, "--turns"]
    times = take_turns_apart(
        {name: ["training", way, *options] for name, way in ways.items()}, repeats=repeats
    )
    return Result("CPU s", "8 x 128 tokens", times, goals, bound=bound)


def training_step(*, extent):
    return _steps({"ours": "ours", "Trainer": "dense"}, {"Trainer": 1.4}, extent=extent, bound=1.43)


def recipe_step(*, extent):
    return _steps({"ours": "shipped", "original": "original"}, {"original": 3.3}, extent=extent)


def _memory(*options, extent):
    """Return what the second step and all before it needed at most: before it, the optimizer has no state yet."""
    options = [*options, *["--tiny"] * (extent == "quick"), "--batch", 64, "--steps", 2, "--threads", 2]
    ways = {"ours": "shipped", "Trainer": "dense"}
    return {name: run_apart("training", way, *options) for name, way in ways.items()}


def step_memory(*, extent):
    found = _memory("--return-memory", extent=extent)
    grown = {name: [facts["peak_mb"] - facts["before_mb"]] for name, facts in found.items()}
    return Result("MB", "64 x 128 tokens", grown, {"Trainer": 2.0})


def process_memory(*, extent):
    peaks = {name: [facts["peak_mb"]] for name, facts in _memory(extent=extent).items()}
    return Result("MB", "64 x 128 tokens", peaks, {"Trainer": 2.0})


def whole_job(*, extent):
    found = {name: run_apart("training", f"job_{name}", "--extent", extent) for name in ("ours", "original")}
    for name, facts in found.items():
        before, after = facts["perplexity"]
        if not after < before:
            raise AssertionError(f"perplexity of {name} did not fall: {before:.1f} to {after:.1f}")
    num_reviews, train_size, _ = JOBS[extent]
    size = f"{num_reviews:,} reviews, {train_size:,} chunks"
    return Result(
        "CPU s", size, {name: [facts["seconds"]] for name, facts in found.items()}, {"original": None}
    )


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.training", description=__doc__)
    parser.add_argument("way", choices=["ours", "shipped", "dense", "original", "job_ours", "job_seed"])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--extent", choices=JOBS, default="usual")
    for flag in ("--tiny", "--turns", "--return-memory"):
        parser.add_argument(flag, action="store_true")
    options = parser.parse_args(arguments)
    disable_progress_bars()
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(options.threads)
    if options.way.startswith("job_"):
        facts = do_the_job(options.way, extent=options.extent)
    else:
        wait = wait_for_turn if options.turns else lambda seconds: None
        clock = _Clock(wait, return_memory=options.return_memory)
        train(options.way, batch_size=options.batch, num_steps=options.steps, tiny=options.tiny, clock=clock)
        facts = {"before_mb": clock.before_mb, "peak_mb": memory_mb("VmHWM")}
    print(json.dumps(facts))


if __name__ == "__main__":
    main(sys.argv[1:])
