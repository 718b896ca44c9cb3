"""Train the mini model's head and low-rank weights on general English: ``python -m mlmtutor.mini.train --help``.

The encoder stays as packaged. Trained are a masked-LM head, low-rank additions to every linear layer of the
encoder and to the word embeddings (tied to the decoder), and all biases and layer norms.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.func import functional_call
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from mlmtutor.chunking import ChunkRows, chunk_texts
from mlmtutor.heads import masked_lm_loss
from mlmtutor.mini import WEIGHTS, load_base_model, load_mini_tokenizer, merge_low_rank
from mlmtutor.mini.batches import Plan, draw_batches
from mlmtutor.mini.corpora import SOURCES, Document, load_documents, split_brown

EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
CACHE = Path.home() / ".cache/mlmtutor"


@dataclass(frozen=True)
class Recipe:
    """How the weights are made; it is written into their metadata."""

    rank: int = 72  # of the addition to each linear layer of the encoder
    embedding_rank: int = 24  # of the addition to the word embeddings
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup: float = 0.02  # share of the run in which the rate rises
    decay: float = 0.6  # share of the run, at its end, in which the rate falls to zero
    workers: int = 2  # processes of one thread each; they share the weights and do not wait for each other
    plan: Plan = field(default_factory=Plan)


@dataclass(frozen=True)
class Length:
    """When a run is over: after some minutes, or after some steps if that number is given."""

    minutes: float
    steps: int | None = None
    start: float = field(default_factory=time.monotonic)  # the clock is the same in all processes

    def minutes_gone(self) -> float:
        """Give the minutes since the start."""
        return (time.monotonic() - self.start) / 60

    def progress(self, used: torch.Tensor) -> float:
        """Give the share of the run that is over; ``used[0]`` is the number of steps done."""
        return self.minutes_gone() / self.minutes if self.steps is None else int(used[0]) / self.steps


class MaskedLoss(nn.Module):
    """The model's loss as a module, so that `functional_call` can run it with other weights."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Give the mean loss over the masked tokens of a batch."""
        return masked_lm_loss(self.model, **batch)


def start_weights(base: dict[str, torch.Tensor], *, recipe: Recipe) -> dict[str, nn.Parameter]:
    """Make the trainable weights, which at first change nothing in the encoder.

    Args:
        base: The encoder with an untrained head, by name.
        recipe: Ranks and seed.

    Returns:
        What :func:`mlmtutor.mini.merge_low_rank` merges: ``name.up`` (zero) and ``name.down`` (random) for matrices,
        and biases, layer norms and the head's layer (the identity at first) under their own names.
    """
    generator = torch.Generator().manual_seed(recipe.plan.seed)
    weights = {}
    for name, weight in base.items():
        if (
            name.startswith("cls.predictions.decoder.")
            or "position_embeddings" in name
            or "token_type" in name
        ):
            continue
        if weight.ndim == 1:
            weights[name] = weight.clone()
        elif name == "cls.predictions.transform.dense.weight":
            weights[name] = torch.eye(len(weight))
        else:
            rank = recipe.embedding_rank if name == EMBEDDINGS else recipe.rank
            rows, columns = weight.shape
            weights[f"{name}.up"] = torch.zeros(rows, rank)
            weights[f"{name}.down"] = torch.randn(rank, columns, generator=generator) / columns**0.5
    return {name: nn.Parameter(weight) for name, weight in weights.items()}


def load_training_documents(*, cache_dir: Path) -> dict[str, list[Document]]:
    """Load the documents of all sources, without those of Brown that are held out."""
    documents = {name: load_documents(name, cache_dir=cache_dir) for name in SOURCES}
    return documents | {"brown": split_brown(documents["brown"])[0]}


def log_frequencies(documents: list[Document], *, tokenizer, vocab_size: int) -> torch.Tensor:
    """Give the logarithm of each token's share in the documents, ``(vocab_size,) float32``."""
    chunks = chunk_texts([" ".join(d.paragraphs) for d in documents], tokenizer)
    counts = np.bincount(ChunkRows(chunks.dataset)[:]["input_ids"].ravel(), minlength=vocab_size)
    return torch.from_numpy(np.log((counts + 0.1) / counts.sum())).float()


def learning_rate_factor(progress: float, *, recipe: Recipe) -> float:
    """Give the factor on the learning rate: a short rise, a plateau, and a straight fall to zero.

    Example:
        >>> [round(learning_rate_factor(p, recipe=Recipe()), 2) for p in (0.01, 0.2, 0.4, 0.7, 1.0)]
        [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    return max(min(1.0, progress / recipe.warmup, (1 - progress) / recipe.decay), 0.0)


def save_weights(weights: dict[str, torch.Tensor], path: Path, *, facts: dict[str, object]) -> None:
    """Write weights in fp16 with the facts of the run as metadata; the file is replaced in one move."""
    partial = path.with_suffix(".partial")
    tensors = {name: weight.detach().half().contiguous() for name, weight in weights.items()}
    save_file(tensors, partial, metadata={name: str(value) for name, value in facts.items()})
    os.replace(partial, path)


def attend(module, query, key, value, attention_mask, scaling=None, **_):
    """Attend in plain matrix products: on a CPU in bf16 five times as fast as the fused kernel's backward pass.

    Args:
        query: ``(batch_size, num_heads, chunk_size, head_size)``, like ``key`` and ``value``.
        attention_mask: ``(batch_size, 1, chunk_size, chunk_size)``, False or very low where not to look, or None.
    """
    batch_size, num_heads, chunk_size, head_size = query.shape
    flat = (batch_size * num_heads, chunk_size, head_size)
    query, key, value = (x.reshape(flat) for x in (query, key, value))
    scores = torch.bmm(
        query * head_size**-0.5, key.transpose(1, 2)
    )  # (batch * heads, chunk_size, chunk_size)
    if attention_mask is not None:
        if attention_mask.dtype == torch.bool:
            attention_mask = torch.zeros_like(attention_mask, dtype=scores.dtype).masked_fill(
                ~attention_mask, -1e4
            )
        scores = (scores.view(batch_size, num_heads, chunk_size, -1) + attention_mask).view_as(scores)
    mixed = torch.bmm(scores.softmax(-1, dtype=scores.dtype), value)
    return mixed.view(batch_size, num_heads, chunk_size, head_size).transpose(1, 2), None


def work(
    rank: int,
    weights: dict[str, nn.Parameter],
    used: torch.Tensor,
    *,
    recipe: Recipe,
    cache_dir: Path,
    length: Length,
) -> None:
    """Train the shared weights in one process until the run is over.

    Args:
        rank: Number of the process; each draws its own batches.
        weights: In shared memory. Every process changes them as it goes, without waiting for the others.
        used: ``(2,) int64`` in shared memory: steps done and tokens read so far.
    """
    torch.set_num_threads(1)
    documents = load_training_documents(cache_dir=cache_dir)
    loss_of = MaskedLoss(load_base_model().requires_grad_(False))
    AttentionInterface.register("plain", attend)
    AttentionMaskInterface.register("plain", ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    loss_of.model.set_attn_implementation("plain")
    base = loss_of.model.state_dict()
    optimizer = torch.optim.AdamW(
        weights.values(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay
    )
    plan = replace(recipe.plan, seed=recipe.plan.seed * recipe.workers + rank)
    losses = []
    for batch in draw_batches(documents, tokenizer=load_mini_tokenizer(), plan=plan):
        progress = length.progress(used)
        if progress >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * learning_rate_factor(progress, recipe=recipe)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            merged = merge_low_rank(base, weights)
            loss = functional_call(
                loss_of, {f"model.{name}": weight for name, weight in merged.items()}, (batch,)
            )
        loss.backward()
        nn.utils.clip_grad_norm_(weights.values(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        used += torch.tensor([1, batch["input_ids"].numel()])
        losses.append(loss.item())
        if rank == 0 and len(losses) % 25 == 0:
            print(
                f"step {used[0]} ({progress:.1%}, {length.minutes_gone():.1f} min): loss {np.mean(losses[-25:]):.3f}, "
                f"{used[1] / length.minutes_gone() / 60:,.0f} tokens a second",
                flush=True,
            )


def train(*, recipe: Recipe, output: Path, cache_dir: Path, length: Length, save_minutes: float = 5) -> None:
    """Train in a few processes, and write the weights at the end and every few minutes.

    Args:
        recipe: Ranks, rates and batches.
        output: The safetensors file to write.
        cache_dir: Folder for the corpora.
        length: When the run is over.
        save_minutes: Minutes from one intermediate file to the next.
    """
    documents = load_training_documents(cache_dir=cache_dir)
    model, tokenizer = load_base_model(), load_mini_tokenizer()
    weights = start_weights(model.state_dict(), recipe=recipe)
    weights["cls.predictions.bias"].data = log_frequencies(
        documents["brown"], tokenizer=tokenizer, vocab_size=model.config.vocab_size
    )
    used = torch.zeros(2, dtype=torch.int64).share_memory_()
    for weight in weights.values():
        weight.share_memory_()
    context = torch.multiprocessing.get_context("spawn")
    common = {"recipe": recipe, "cache_dir": cache_dir, "length": length}
    workers = [
        context.Process(target=work, args=(rank, weights, used), kwargs=common, daemon=True)
        for rank in range(recipe.workers)
    ]
    for worker in workers:
        worker.start()
    settings = {name: value for name, value in asdict(recipe).items() if name != "plan"} | asdict(recipe.plan)
    finished = False
    while not finished:
        workers[0].join(save_minutes * 60)
        for worker in workers if (finished := workers[0].exitcode is not None) else ():
            worker.join()
        if failed := [worker.exitcode for worker in workers if worker.exitcode]:
            raise RuntimeError(
                f"expected all {len(workers)} processes to end well, found exit codes {failed}"
            )
        facts = {"steps": int(used[0]), "tokens": int(used[1]), "minutes": round(length.minutes_gone(), 1)}
        save_weights(weights, output, facts=settings | facts | {"finished": finished})
    print(f"wrote {output}: {facts}", flush=True)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(
        description="Train the mini model on general English from package registries."
    )
    parser.add_argument("--minutes", type=float, default=65.0, help="length of the training")
    parser.add_argument("--steps", type=int, help="length in steps instead of minutes")
    parser.add_argument("--output", type=Path, default=WEIGHTS, help="the safetensors file to write")
    parser.add_argument("--cache-dir", type=Path, default=CACHE, help="where the corpora are kept")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    options = parser.parse_args()
    train(
        recipe=Recipe(plan=Plan(seed=options.seed)),
        output=options.output,
        cache_dir=options.cache_dir,
        length=Length(minutes=options.minutes, steps=options.steps),
    )


if __name__ == "__main__":
    main()
