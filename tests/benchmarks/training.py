"""A training step, its memory, and the whole job; each way in a process of its own.

    python -m tests.benchmarks.training WAY [--tiny]

Memory and the C library's settings cannot be undone in a process, so the ways do not share one. Each has one thread,
whose CPU time other work on the machine changes little.
"""

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

from mlmtutor.chunking import chunk_texts
from mlmtutor.device import choose_precision
from mlmtutor.heads import masked_lm_loss
from mlmtutor.hub import load_model
from mlmtutor.masking import MaskingCollator, MaskingSettings, freeze_masks
from mlmtutor.perplexity import evaluate
from mlmtutor.reviews import split_chunks
from mlmtutor.rows import ChunkRows
from mlmtutor.trainer import MaskedLMTrainer

from .measure import Result, peak_memory_mb, run_apart
from .preprocessing import load_reviews, prepare_chunks
from .recipes import SeedWordCollator, chunk_as_the_seed, tokenise_as_the_seed

TOKENS_15 = MaskingSettings(unit="token", mask_prob=0.15)
TOLERANCE = 1e-4  # float32 sums in another order


def make_model(*, tiny):
    """Give a random model of DistilBERT's shape, or one layer of it."""
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
    """Note the CPU time at the end of each step."""

    def __init__(self):
        self.ends = []

    def on_step_end(self, *args, **kwargs):
        self.ends.append(time.process_time())


def train(way, *, batch_size, num_steps, tiny):
    """Train some steps in one way; give the CPU seconds of each but the first."""
    tokenizer, seed, library, rows = prepare_chunks(100)
    clock, model = _Clock(), make_model(tiny=tiny)
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
            by_seed = way == "seed"
            trainer = Trainer(
                model, make_arguments(folder, remove_unused_columns=not by_seed, **facts), callbacks=[clock],
                train_dataset=seed if by_seed else library,
                data_collator=SeedWordCollator(tokenizer) if by_seed else DataCollatorForLanguageModeling(tokenizer),
            )  # fmt: skip
            trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    return {"seconds": np.diff(clock.ends).tolist(), "peak_mb": peak_memory_mb()}


def do_the_job(way, *, tiny):
    """Go from reviews to a trained model and its perplexity; give the CPU seconds and the perplexities."""
    num_reviews, train_size, test_size = (100, 16, 16) if tiny else (2500, 200, 100)
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
            chunks = chunk_as_the_seed(tokenise_as_the_seed(reviews, tokenizer))
            parts = chunks.train_test_split(train_size=train_size, test_size=test_size, seed=123)
            trainer = Trainer(
                model, make_arguments(folder, batch_size=8, remove_unused_columns=False),
                train_dataset=parts["train"], eval_dataset=parts["test"], data_collator=SeedWordCollator(tokenizer),
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


def _steps(ways, *, quick):
    assert_same_step()
    num_steps = 2 if quick else 4
    options = [*["--tiny"] * quick, "--steps", num_steps]
    times = {name: run_apart("training", way, *options)["seconds"] for name, way in ways.items()}
    return Result("CPU s", "8 x 128 tokens", times)


def training_step(*, quick):
    return _steps({"ours": "ours", "Trainer": "dense"}, quick=quick)


def recipe_step(*, quick):
    return _steps({"ours": "shipped", "seed": "seed"}, quick=quick)


def step_memory(*, quick):
    ways = {"ours": "shipped", "ours, fp32": "ours", "Trainer": "dense"}
    options = ["--tiny"] * quick + ["--steps", 1, "--batch", 8 if quick else 64, "--threads", 2]
    peaks = {name: [run_apart("training", way, *options)["peak_mb"]] for name, way in ways.items()}
    return Result("MB", "64 x 128 tokens", peaks)


def whole_job(*, quick):
    found = {name: run_apart("training", f"job_{name}", *["--tiny"] * quick) for name in ("ours", "seed")}
    for name, facts in found.items():
        before, after = facts["perplexity"]
        if not after < before:
            raise AssertionError(f"perplexity of {name} did not fall: {before:.1f} to {after:.1f}")
    size = "100 reviews, 16 chunks" if quick else "2,500 reviews, 200 chunks"
    return Result("CPU s", size, {name: [facts["seconds"]] for name, facts in found.items()})


def main(arguments):
    def option(name, otherwise):
        return int(arguments[arguments.index(name) + 1]) if name in arguments else otherwise

    disable_progress_bars()
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(option("--threads", 1))
    way, tiny = arguments[0], "--tiny" in arguments
    if way.startswith("job_"):
        facts = do_the_job(way, tiny=tiny)
    else:
        facts = train(way, batch_size=option("--batch", 8), num_steps=option("--steps", 3), tiny=tiny)
    print(json.dumps(facts))


if __name__ == "__main__":
    main(sys.argv[1:])
