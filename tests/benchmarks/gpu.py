"""Training on a GPU: dense, sparse and compiled steps, and the original notebook's whole recipe against ours.

    python tests/benchmarks/gpu.py _build/chunks.npy --prepare             # once, where mlmtutor is installed
    python tests/benchmarks/gpu.py _build/chunks.npy                       # on the GPU, in less than 8 minutes
    python tests/benchmarks/gpu.py _build/chunks.npy --device cpu --quick  # does it run? A small model, in seconds

The machine with the GPU needs torch, transformers (with accelerate, as its Trainer wants) and the repository around
this file, whose code is measured. It needs no data set, tokenizer or hub: the weights are random unless --model
names a folder with DistilBERT, and speed does not depend on them.

Results are compared before anything is timed, and rows that differ are left out. FLOPs are those that a training
needs, three forward passes with the head on masked tokens only, whatever was computed. Their share is of the best
matrix product measured in the same precision in the same run.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import math
import platform
import signal
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import DataCollatorForLanguageModeling, DistilBertConfig, DistilBertForMaskedLM

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
try:
    from mlmtutor.masks.collator import ChunkRows, MaskingCollator
    from mlmtutor.masks.frozen import FrozenMasks
    from mlmtutor.masks.masking import MaskingSettings, mask_batch
    from mlmtutor.model.device import autocast, find_device, settle_precision
    from mlmtutor.model.masked_lm import IGNORED, masked_lm_loss
    from mlmtutor.scores.perplexity import evaluate
    from mlmtutor.training.trainer import MaskedLMTrainer
except ImportError as error:
    raise SystemExit(f"expected mlmtutor in {ROOT}, since this measures its code, found: {error}") from error

CONTINUES = 0x8000  # the highest bit of a stored id: this token continues a word
VOCAB_SIZE = 30_522  # of BERT uncased, and the ids that it gives its special tokens
SPECIAL = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
NUM_TRAIN, NUM_TEST, BATCH_SIZE, NUM_EPOCHS = 10_000, 1_000, 64, 3  # the original notebook's recipe
# the library's whole-word collator shows [MASK] for every hidden token, so ours does here too
MASKING = MaskingSettings(unit="word", mask_prob=0.2, mask_share=1.0, random_share=0.0)
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
TOLERANCES = {
    "fp32": 1e-4,
    "bf16": 3e-2,
    "fp16": 3e-2,
}  # relative, of loss and gradients: what rounding explains
COMPILE_SECONDS = 90  # must be left to begin compiling


def dense_loss(model, *, input_ids, labels):
    return model(input_ids=input_ids, labels=labels).loss


def sparse_loss(model, *, input_ids, labels):
    return masked_lm_loss(model, input_ids=input_ids, labels=labels)


LOSSES = {"step, dense": dense_loss, "step, sparse": sparse_loss}


class OutOfTime(BaseException):
    """The minutes are over. Not an Exception, so that no library takes it for one of its own."""


@dataclass
class Row:
    """One line of the table, measured or absent for a reason."""

    name: str
    batch_size: int
    precision: str
    seconds: float | None = None  # median
    fastest: float | None = None
    slowest: float | None = None
    chunks_per_second: float | None = None
    times_as_fast: float | None = None  # as the dense step, or as the original notebook
    useful_share: float | None = None  # FLOPs that training needs, of the ceiling
    peak_gib: float | None = None
    absent: str | None = None


# --- chunks ---


def prepare(path: Path, texts: list[str], tokenizer: transformers.PreTrainedTokenizerBase) -> None:
    """Write the original notebook's sample of chunks, train before test, with the mark of tokens that continue a word."""
    from mlmtutor import TokenTable, chunk_texts, split_chunks

    parts = split_chunks(chunk_texts(texts, tokenizer).dataset, train_size=NUM_TRAIN, test_size=NUM_TEST)
    ids = np.concatenate([ChunkRows(parts[name]).columns["input_ids"] for name in ("train", "test")])
    marks = TokenTable.from_tokenizer(tokenizer).continues_word[ids]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, (ids | np.where(marks, CONTINUES, 0)).astype(np.uint16))
    print(f"{path}: {len(ids):,} chunks of {ids.shape[1]} tokens, {path.stat().st_size / 1e6:.1f} MB")


def read_chunks(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(num_chunks, chunk_size)`` ids, and bools that are true where a token continues a word."""
    if not path.is_file():
        raise ValueError(f"expected chunks in {path}, found no such file: make it with --prepare")
    stored = np.load(path, allow_pickle=False)
    if stored.dtype != np.uint16 or stored.ndim != 2 or len(stored) < 22:
        raise ValueError(f"expected at least 22 rows of uint16 ids, found {stored.dtype} {stored.shape}")
    ids, continues = (stored & (CONTINUES - 1)).astype(np.int32), stored >= CONTINUES
    if ids.max() >= VOCAB_SIZE:
        raise ValueError(f"expected ids below {VOCAB_SIZE}, found {ids.max()}")
    return ids, continues


def make_tokenizer(ids: np.ndarray, continues: np.ndarray) -> transformers.PreTrainedTokenizerFast:
    """Make a tokenizer that knows the special tokens and which ids continue a word, and no spelling."""
    from tokenizers import Tokenizer, models

    pieces = set(ids[continues].tolist())
    tokens = [SPECIAL.get(i, f"##{i}" if i in pieces else str(i)) for i in range(VOCAB_SIZE)]
    backend = Tokenizer(models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="[UNK]"))
    names = {f"{token[1:-1].lower()}_token": token for token in SPECIAL.values()}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **names)


class OurRows(ChunkRows):
    """The package's rows, over an array instead of a data set."""

    def __init__(self, ids: np.ndarray) -> None:
        self.columns = {"index": np.arange(len(ids)), "input_ids": ids}
        self.epoch = 0


class LibraryRows(torch.utils.data.Dataset):
    """Rows as the library's whole-word collator takes them: lists, with offsets that touch within a word."""

    def __init__(self, ids: np.ndarray, continues: np.ndarray) -> None:
        end = 3 * np.arange(ids.shape[1]) + 2
        offsets = np.stack(np.broadcast_arrays(end - 2 - continues, end), axis=-1)
        special = np.isin(ids, list(SPECIAL)).astype(int)
        self.columns = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "special_tokens_mask": special,
            "offset_mapping": offsets,
        }

    def __len__(self) -> int:
        return len(self.columns["input_ids"])

    def __getitem__(self, row: int) -> dict[str, list]:
        return {name: column[row].tolist() for name, column in self.columns.items()}


# --- measuring ---


def count_flops(config: DistilBertConfig, chunk_size: int) -> tuple[float, float]:
    """FLOPs of one token's forward pass: through the encoder, and through the vocabulary head."""
    linear = 4 * config.dim**2 + 2 * config.dim * config.hidden_dim
    attention = 2 * chunk_size * config.dim  # scores, and the mixing of values
    return 2 * config.n_layers * (linear + attention), 2 * (config.dim**2 + config.dim * config.vocab_size)


def name_device(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if device == "cpu" and cpu.exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return f"{model or platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"


@dataclass
class Bench:
    """What all stages share: device, chunks, model and clock, and what was found so far."""

    ids: np.ndarray
    continues: np.ndarray
    model: DistilBertForMaskedLM
    device: str
    precision: str
    quick: bool
    deadline: float
    rows: list[Row] = field(default_factory=list)
    equality: list[dict] = field(default_factory=list)
    ceilings: dict[str, float] = field(default_factory=dict)  # FLOPs a second
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.num_test = max(len(self.ids) * NUM_TEST // (NUM_TRAIN + NUM_TEST), 1)
        self.num_train = len(self.ids) - self.num_test
        self.num_epochs = 1 if self.quick else NUM_EPOCHS
        self.tokenizer = make_tokenizer(self.ids, self.continues)
        self.collator = MaskingCollator(self.tokenizer, settings=MASKING, seed=0)
        labels = mask_batch(self.ids, table=self.collator.table, settings=MASKING, seed=0)[1]
        encoder, head = count_flops(self.model.config, self.ids.shape[1])
        self.flops_per_chunk = encoder * self.ids.shape[1] + head * (labels != IGNORED).sum(axis=1).mean()
        self.original_precision = "fp16" if self.device == "cuda" else "fp32"  # the notebook asks for fp16

    def left(self) -> float:
        return self.deadline - time.monotonic()

    def new_model(self) -> tuple[DistilBertForMaskedLM, torch.optim.Optimizer]:
        model = copy.deepcopy(self.model).to(self.device).train()
        return model, torch.optim.AdamW(model.parameters(), lr=2e-5, fused=self.device != "mps")

    def batches(self, batch_size: int) -> list[dict[str, torch.Tensor]]:
        """A few different batches, on the device."""
        rows = OurRows(self.ids[: self.num_train])
        picks = np.arange(4 * batch_size).reshape(4, batch_size) % len(rows)
        return [{k: v.to(self.device) for k, v in self.collator(rows[pick]).items()} for pick in picks]

    def seconds_of(self, call: Callable[[], object], repeats: int = 1) -> float:
        def now() -> float:
            if self.device != "cpu":
                torch.accelerator.synchronize()
            return time.perf_counter()

        started = now()
        for _ in range(repeats):
            call()
        return (now() - started) / repeats

    def take_turns(self, calls: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
        """Seconds per call, once per round; the calls take turns, so that a change of the clock hits all."""
        rounds, least = (3, 0.01) if self.quick else (7, 0.25)
        repeats = {}
        for name, call in calls.items():
            self.seconds_of(call, 3)  # warms up
            repeats[name] = max(1, math.ceil(least / self.seconds_of(call)))
        seconds = {name: [] for name in calls}
        for _ in range(rounds):
            for name, call in calls.items():
                seconds[name].append(self.seconds_of(call, repeats[name]))
        return seconds

    def find_row(self, name: str, batch_size: int) -> Row | None:
        found = (
            row for row in self.rows if (row.name, row.batch_size) == (name, batch_size) and not row.absent
        )
        return next(found, None)

    def add(self, row: Row, seconds: list[float], *, peer: str, trained: int, evaluated: int = 0) -> None:
        """Complete a row: ``trained`` and ``evaluated`` chunks in each of ``seconds``."""
        row.seconds, row.fastest, row.slowest = statistics.median(seconds), min(seconds), max(seconds)
        row.chunks_per_second = trained / row.seconds
        rate = (3 * trained + evaluated) * self.flops_per_chunk / row.seconds
        row.useful_share = rate / self.ceilings[row.precision]
        slower = self.find_row(peer, row.batch_size)
        row.times_as_fast = slower.seconds / row.seconds if slower else None
        self.rows.append(row)
        print(format_row(row), file=sys.stderr, flush=True)

    def leave_out(self, row: Row, reason: str) -> None:
        row.absent = reason
        self.rows.append(row)

    def measure_ceilings(self) -> None:
        """The best rate of a large square matrix product, in each precision that occurs."""
        size = 1024 if self.quick else 2048 if self.device == "cpu" else 8192
        for precision in dict.fromkeys((self.precision, self.original_precision)):
            left, right = torch.randn(2, size, size, device=self.device, dtype=DTYPES[precision])
            seconds = self.take_turns({"product": lambda left=left, right=right: left @ right})["product"]
            self.ceilings[precision] = 2 * size**3 / min(seconds)

    # --- equality ---

    def find_gradients(self, model, loss_of, batch, precision) -> tuple[torch.Tensor, torch.Tensor]:
        model.eval()  # no dropout
        with autocast(torch.device(self.device), precision=precision):
            loss = loss_of(model, **batch)
        loss.backward()
        gradients = torch.cat([p.grad.flatten() for p in model.parameters()])
        model.zero_grad()
        model.train()
        return loss.detach(), gradients

    def check_equal(self, what: str, precision: str, expected, found) -> bool:
        """Compare two pairs (loss, gradients) and note the differences."""
        loss, gradients = (float((e - f).norm() / e.norm()) for e, f in zip(expected, found, strict=True))
        tolerance = TOLERANCES[precision]
        equal = loss <= tolerance and gradients <= tolerance  # NaN is not
        differences = {"loss": loss, "gradients": gradients, "tolerance": tolerance, "equal": equal}
        self.equality.append({"what": what, "precision": precision, **differences})
        return equal

    def check_sparse(self) -> None:
        model, batch = self.new_model()[0], self.batches(8)[0]
        for precision in dict.fromkeys(("fp32", self.precision)):
            pairs = [self.find_gradients(model, f, batch, precision) for f in LOSSES.values()]
            self.check_equal("dense and sparse", precision, *pairs)

    @property
    def is_equal(self) -> bool:
        return bool(self.equality) and all(entry["equal"] for entry in self.equality)

    # --- single steps ---

    def make_step(self, model, optimizer, loss_of, batches) -> Callable[[], None]:
        turns = itertools.cycle(batches)

        def step() -> None:
            with autocast(torch.device(self.device), precision=self.precision):
                loss = loss_of(model, **next(turns))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

        return step

    def time_steps(self, batch_size: int) -> None:
        batches = self.batches(batch_size)
        model, optimizer = self.new_model()
        steps, rows = {}, {}
        for name, loss_of in LOSSES.items():
            step = self.make_step(model, optimizer, loss_of, batches)
            row = Row(name, batch_size, self.precision)
            try:
                step()  # the optimizer takes its memory in the first
                if self.device == "cuda":
                    torch.cuda.reset_peak_memory_stats()
                    step()
                    row.peak_gib = torch.cuda.max_memory_allocated() / 2**30
            except torch.OutOfMemoryError:
                self.leave_out(row, "out of memory")
                optimizer.zero_grad()
                continue
            steps[name], rows[name] = step, row
        for name, seconds in self.take_turns(steps).items():
            self.add(rows[name], seconds, peer="step, dense", trained=batch_size)

    def time_compiled(self, plain: str, batch_size: int) -> None:
        """Compile the encoder below our head, or the whole dense model; for one shape."""
        row = Row(f"{plain}, compiled", batch_size, self.precision)
        if not self.quick and self.left() < COMPILE_SECONDS:
            self.leave_out(row, f"{COMPILE_SECONDS} s are needed, {self.left():.0f} s were left")
            return
        loss_of, batches = LOSSES[plain], self.batches(batch_size)
        model, optimizer = self.new_model()
        expected = self.find_gradients(model, loss_of, batches[0], self.precision)
        compiled = model.base_model if plain == "step, sparse" else model
        compiled.compile(dynamic=False, backend="aot_eager" if self.quick else "inductor")
        found = self.find_gradients(model, loss_of, batches[0], self.precision)
        if not self.check_equal(f"{plain}, compiled or not", self.precision, expected, found):
            self.leave_out(row, "not equal to the step that is not compiled")
            return
        step = self.make_step(model, optimizer, loss_of, batches)
        compiling = self.seconds_of(step)
        self.add(row, self.take_turns({"step": step})["step"], peer="step, dense", trained=batch_size)
        before = self.find_row(plain, batch_size)
        if before and not self.quick:
            gain = before.seconds - row.seconds
            pays = f"pays back after {compiling / gain:,.0f} steps" if gain > 0 else "does not pay back"
            self.notes.append(f"{row.name}: compiling takes {compiling:.0f} s and {pays}")

    # --- whole jobs ---

    def make_trainer(self, model, folder: str, *, ours: bool) -> transformers.Trainer:
        precision = self.precision if ours else self.original_precision
        arguments = transformers.TrainingArguments(
            folder, num_train_epochs=self.num_epochs, learning_rate=2e-5, weight_decay=0.01,
            per_device_train_batch_size=BATCH_SIZE, per_device_eval_batch_size=BATCH_SIZE,
            eval_strategy="epoch", logging_strategy="epoch", save_strategy="no", report_to="none",
            remove_unused_columns=False, disable_tqdm=True, bf16=precision == "bf16", fp16=precision == "fp16",
            use_cpu=self.device == "cpu", dataloader_pin_memory=self.device == "cuda",
        )  # fmt: skip
        arguments._n_gpu = min(arguments.n_gpu, 1)  # Trainer would share a batch among all that it sees
        train, test = slice(self.num_train), slice(self.num_train, None)
        if ours:
            return MaskedLMTrainer(
                model, arguments, data_collator=self.collator, train_dataset=OurRows(self.ids[train]),
                eval_dataset=self.freeze_test(), progress=False,
            )  # fmt: skip
        collator = DataCollatorForLanguageModeling(
            self.tokenizer, whole_word_mask=True, mlm_probability=MASKING.mask_prob,
            mask_replace_prob=1.0, random_replace_prob=0.0,
        )  # fmt: skip
        trainer = transformers.Trainer(
            model, arguments, data_collator=collator,
            train_dataset=LibraryRows(self.ids[train], self.continues[train]),
            eval_dataset=LibraryRows(self.ids[test], self.continues[test]),
        )  # fmt: skip
        trainer.remove_callback(transformers.PrinterCallback)
        return trainer

    def freeze_test(self) -> FrozenMasks:
        ids, table = self.ids[self.num_train :], self.collator.table
        shown, labels = mask_batch(ids, table=table, settings=MASKING, seed=1)
        index = np.arange(len(ids), dtype=np.int32)
        return FrozenMasks(shown, labels, index, MASKING, 1, table.mask_id, table.pad_id, sha256="")

    def run_job(self, folder: str, *, ours: bool) -> dict[str, float]:
        """Evaluate, train with an evaluation after each epoch, evaluate: what the original notebook does."""
        model = self.new_model()[0]
        trainer = self.make_trainer(model, folder, ours=ours)
        plain, evaluating = trainer.evaluate, []

        def timed(*args, **options):
            metrics = {}
            evaluating.append(self.seconds_of(lambda: metrics.update(plain(*args, **options))))
            return metrics

        trainer.evaluate = timed
        whole = self.seconds_of(lambda: (trainer.evaluate(), trainer.train(), trainer.evaluate()))
        loss = evaluate(model, self.freeze_test(), progress=False).loss
        return {"training": whole - sum(evaluating), "whole": whole, "loss": loss}

    def time_jobs(self) -> None:
        step = next((row for row in self.rows if row.name == "step, dense" and not row.absent), None)
        trained = self.num_train * self.num_epochs
        expected = (
            2.5 * trained / step.chunks_per_second if step else 0.0
        )  # both jobs, with their evaluations
        jobs = {"original": [], "ours": []}
        with tempfile.TemporaryDirectory() as folder:
            for turn in range(1 if self.quick else 3):
                if self.left() < expected + 2 * COMPILE_SECONDS * (turn > 0):
                    break
                started = time.monotonic()
                for name, found in jobs.items():
                    found.append(self.run_job(folder, ours=name == "ours"))
                expected = time.monotonic() - started
        reason = f"the jobs need about {expected:.0f} s, {self.left():.0f} s were left"
        for part, evaluations in (("training", 0), ("whole", self.num_epochs + 2)):
            for name, found in jobs.items():
                precision = self.precision if name == "ours" else self.original_precision
                row = Row(f"{name}, {part}", BATCH_SIZE, precision)
                if found:
                    seconds, evaluated = [job[part] for job in found], evaluations * self.num_test
                    self.add(row, seconds, peer=f"original, {part}", trained=trained, evaluated=evaluated)
                else:
                    self.leave_out(row, reason)
        if jobs["ours"]:
            losses = ", ".join(f"{name} {found[-1]['loss']:.3f}" for name, found in jobs.items())
            self.notes.append(f"loss after the whole job, both on the same masks: {losses}")


# --- report ---


def format_row(row: Row) -> str:
    def seconds(value: float) -> str:
        return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.2f} ms"

    start = f"{row.name:24}{row.batch_size:5} {row.precision} "
    if row.absent:
        return f"{start} absent: {row.absent}"
    times = f"{row.times_as_fast:.2f}" if row.times_as_fast else "-"
    peak = f"{row.peak_gib:.2f} GiB" if row.peak_gib else "-"
    return (
        f"{start}{seconds(row.seconds):>10}{seconds(row.fastest):>11}{seconds(row.slowest):>11}"
        f"{row.chunks_per_second:10,.0f}{times:>8}{100 * row.useful_share:8.1f} %{peak:>10}"
    )


def find_goals(bench: Bench) -> list[dict]:
    """What the project set itself for a GPU, each as "at least"."""
    ours = bench.find_row("ours, training", BATCH_SIZE)
    dense, sparse = (bench.find_row(f"step, {name}", BATCH_SIZE) for name in ("dense", "sparse"))
    saves = dense and sparse and dense.peak_gib and dense.peak_gib / sparse.peak_gib
    found = (
        ("training, times as fast as the original", 2.0, ours and ours.times_as_fast),
        ("useful FLOPs of ours, training, as a share of the ceiling", 0.4, ours and ours.useful_share),
        ("peak memory of a dense step over that of a sparse one", 2.0, saves),
    )
    return [{"goal": name, "at_least": least, "found": value} for name, least, value in found]


def write_report(bench: Bench, output: Path) -> dict:
    """Write what there is so far, so that nothing is lost if the machine goes away."""
    encoder, head = count_flops(bench.model.config, bench.ids.shape[1])
    cuda = bench.device == "cuda"
    found = {
        "device": name_device(bench.device),
        "device_gib": torch.cuda.get_device_properties(0).total_memory / 2**30 if cuda else None,
        "versions": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "cuda": torch.version.cuda,
        },
        "quick": bench.quick,
        "precision": bench.precision,
        "num_chunks": len(bench.ids),
        "chunk_size": bench.ids.shape[1],
        "weights": bench.model.config.name_or_path or "random",
        "num_parameters": bench.model.num_parameters(),
        "mflops_per_token": {"encoder": encoder / 1e6, "head": head / 1e6},
        "ceiling_tflops": {name: rate / 1e12 for name, rate in bench.ceilings.items()},
        "equality": bench.equality,
        "rows": [asdict(row) for row in bench.rows],
        "goals": [] if bench.quick else find_goals(bench),
        "notes": bench.notes,
    }
    output.write_text(json.dumps(found, indent=1))
    return found


def print_report(found: dict, rows: list[Row]) -> None:
    versions = found["versions"]
    print(f"{found['device']}; torch {versions['torch']}, transformers {versions['transformers']}")
    print(
        f"{found['num_chunks']:,} chunks of {found['chunk_size']}, {found['num_parameters']:,} parameters",
        end=", ",
    )
    print(f"weights: {found['weights']}")
    for precision, rate in found["ceiling_tflops"].items():
        print(f"matrix product in {precision}: {rate:.2f} TFLOP/s")
    for entry in found["equality"]:
        print(
            f"{entry['what']}, {entry['precision']}: loss differs by {entry['loss']:.0e}, gradients by "
            f"{entry['gradients']:.0e}, allowed {entry['tolerance']:.0e}: {'equal' if entry['equal'] else 'NOT EQUAL'}"
        )
    headings = "median", "fastest", "slowest", "chunks/s", "times", "useful", "peak"
    print(f"{'':24}batch     {{:>10}}{{:>11}}{{:>11}}{{:>10}}{{:>8}}{{:>10}}{{:>10}}".format(*headings))
    for row in rows:
        print(format_row(row))
    for note in found["notes"]:
        print(note)
    for goal in found["goals"]:
        value = goal["found"]
        verdict = (
            f"{value:.2f}, {'met' if value >= goal['at_least'] else 'missed'}" if value else "not measured"
        )
        print(f"goal: {goal['goal']}, at least {goal['at_least']}: {verdict}")


# --- the run ---


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("chunks", type=Path, help="the .npy file with the chunks")
    parser.add_argument(
        "--prepare", action="store_true", help="write that file from the offline reviews, and end"
    )
    parser.add_argument("--device", choices=("cuda", "mps", "cpu"), default=find_device())
    parser.add_argument("--precision", choices=("auto", *DTYPES), default="auto")
    parser.add_argument("--batch-sizes", type=int, nargs="+", help="of the steps; the first is also compiled")
    parser.add_argument(
        "--minutes", type=float, default=7.5, help="what does not fit is left out, and says so"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a small model and few chunks: shows that it runs"
    )
    parser.add_argument("--model", type=Path, help="folder with DistilBERT; random weights if not given")
    parser.add_argument(
        "--output", type=Path, help="file for the results in JSON; beside the chunks if not given"
    )
    return parser.parse_args(arguments)


def make_model(folder: Path | None, *, quick: bool) -> DistilBertForMaskedLM:
    torch.manual_seed(0)
    if folder is None:
        small = {"dim": 32, "hidden_dim": 64, "n_layers": 1, "n_heads": 2} if quick else {}
        return DistilBertForMaskedLM(DistilBertConfig(vocab_size=VOCAB_SIZE, **small))
    if not folder.is_dir():
        raise ValueError(f"expected a folder with DistilBERT, found none at {folder}")
    config = transformers.AutoConfig.from_pretrained(folder)
    if config.model_type != "distilbert" or config.vocab_size != VOCAB_SIZE:
        raise ValueError(
            f"expected DistilBERT with {VOCAB_SIZE} tokens in {folder}, "
            f"found {config.model_type} with {config.vocab_size}"
        )
    return DistilBertForMaskedLM.from_pretrained(folder, use_safetensors=True).float()


def open_bench(options: argparse.Namespace) -> Bench:
    if options.device not in ("cpu", find_device()):
        raise ValueError(
            f"expected device {options.device!r}, found {find_device()!r}: try --device cpu --quick"
        )
    if not options.minutes > 0:
        raise ValueError(f"--minutes must be above 0, got {options.minutes:g}")
    if options.batch_sizes is not None and min(options.batch_sizes) < 1:
        raise ValueError(f"--batch-sizes must be at least 1, got {min(options.batch_sizes)}")
    precision = settle_precision(options.precision, device=options.device)
    ids, continues = read_chunks(options.chunks)
    return Bench(
        ids=ids[:44] if options.quick else ids,
        continues=continues[:44] if options.quick else continues,
        model=make_model(options.model, quick=options.quick),
        device=options.device,
        precision=precision,
        quick=options.quick,
        deadline=time.monotonic() + 60 * options.minutes,
    )


def main(arguments: list[str] | None = None) -> int:
    """Return 1 if results that should be equal were not, or were not compared; 0 otherwise."""
    options = parse(arguments)
    if options.prepare:
        from mlmtutor import load_reviews, load_tokenizer

        prepare(options.chunks, load_reviews("mini")["train"]["text"][:], load_tokenizer("mini"))
        return 0
    try:
        bench = open_bench(options)
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from error
    output = options.output or options.chunks.with_suffix(".json")
    usual = [8, 4] if options.quick else [64, 16, 32, 128, 256] if options.device == "cuda" else [8]
    sizes = options.batch_sizes or usual
    if options.device != "cuda":
        bench.notes.append("peak memory: absent, it is counted on NVIDIA GPUs only")
    if options.quick:
        bench.notes.append("compiled: traced only (aot_eager); with --quick no code is generated")
    first = sizes[0]
    stages = [
        ("equality", first, bench.check_sparse),
        ("matrix products", first, bench.measure_ceilings),
        *(("steps", size, partial(bench.time_steps, size)) for size in sizes),
        ("whole jobs", BATCH_SIZE, bench.time_jobs),
        *(
            (f"{name}, compiled", first, partial(bench.time_compiled, name, first))
            for name in reversed(LOSSES)
        ),
    ]
    for name, batch_size, stage in stages:
        row = Row(name, batch_size, bench.precision)
        try:
            if bench.left() <= 0:
                raise OutOfTime
            ring_after(bench.left())
            stage()
        except OutOfTime:
            bench.leave_out(row, f"the {options.minutes:g} minutes were over")
        except Exception as error:
            # whatever is missing or breaks on an unknown machine, the other rows stand
            traceback.print_exc()
            bench.leave_out(row, f"{type(error).__name__}: {str(error).strip()[:80]!r}")
        finally:
            ring_after(0)
        write_report(bench, output)
        if not bench.is_equal:
            bench.notes.append(f"stopped after {name}: nothing is timed where results are not equal")
            break
    print_report(write_report(bench, output), bench.rows)
    return int(not bench.is_equal)


def ring_after(seconds: float) -> None:
    """Raise OutOfTime after a while, never for 0. Windows has no such alarm: there a stage is not cut short."""

    def ring(*_) -> None:
        raise OutOfTime

    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    sys.exit(main())
