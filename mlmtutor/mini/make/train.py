"""Train the mini model's head and low-rank weights on general English: ``python -m mlmtutor.mini.make.train --help``.

The encoder stays as packaged. Trained are a masked-LM head, low-rank additions to every linear layer of the
encoder and to the word embeddings (tied to the decoder), and all biases and layer norms.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from mlmtutor import ChunkRows, chunk_texts
from mlmtutor.mini import WEIGHTS, load_base_model, load_mini_tokenizer, read_facts
from mlmtutor.mini.make.batches import Plan, draw_batches
from mlmtutor.mini.make.corpora import SOURCES, Document, load_documents, split_brown
from mlmtutor.model.device import autocast, choose_precision
from mlmtutor.model.masked_lm import masked_lm_loss

EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
OUTPUT_BIAS = "cls.predictions.bias"
CACHE = Path.home() / ".cache/mlmtutor"


@dataclass(frozen=True)
class Recipe:
    """How the weights are made; it is written into their metadata."""

    rank: int = 64  # of the addition to each linear layer of the encoder
    embedding_rank: int = 24  # of the addition to the word embeddings
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.01
    warmup: float = 0.02  # share of the run in which the rate rises
    decay: float = 0.75  # share of the run, at its end, in which the rate falls to zero
    int8: bool = False  # write the factors in one byte a number, with a scale for each row
    plan: Plan = field(default_factory=Plan)


@dataclass(frozen=True)
class RunLength:
    """When a run is over: after some minutes, or after some steps if that number is given."""

    minutes: float
    steps: int | None = None
    start: float = field(default_factory=time.monotonic)

    def minutes_gone(self) -> float:
        """Return the minutes since the start."""
        return (time.monotonic() - self.start) / 60

    def progress(self, step: int) -> float:
        """Return the share of the run that is over after so many steps."""
        return self.minutes_gone() / self.minutes if self.steps is None else step / self.steps


def attach(model: nn.Module, weights: dict[str, nn.Parameter]) -> None:
    """Let a model compute as if trained weights were merged into it, in place.

    The factors of a low-rank addition are multiplied with the hidden states one after the other. So neither the sum nor
    the gradient of a full matrix is ever computed, which saves a third of a step and more.

    Args:
        model: It is frozen: only what is attached is trained.
        weights: From :func:`start_weights` for this model.
    """
    model.requires_grad_(False)
    modules = dict(model.named_modules(remove_duplicate=False))
    for name, weight in weights.items():
        place, _, kind = name.rpartition(".")
        if kind == "down":
            continue
        if kind == "up":
            module, pair = modules[place.removesuffix(".weight")], (weight, weights[f"{place}.down"])
            module.register_forward_hook(partial(_add_low_rank, pair))
            if module is model.get_input_embeddings():  # the decoder is tied to it
                model.get_output_embeddings().register_forward_hook(partial(_add_low_rank, pair))
        else:
            setattr(modules[place], kind, weight)
            # the decoder has the same two
            if name == OUTPUT_BIAS:
                modules["cls.predictions.decoder"].bias = weight
            if name == EMBEDDINGS:
                modules["cls.predictions.decoder"].weight = weight


def _add_low_rank(
    pair: tuple[torch.Tensor, torch.Tensor],
    module: nn.Module,
    inputs: tuple[torch.Tensor],
    output: torch.Tensor,
) -> torch.Tensor:
    up, down = pair
    if isinstance(module, nn.Embedding):
        return output + F.embedding(inputs[0], up) @ down
    return output + F.linear(F.linear(inputs[0], down), up)


def start_weights(
    base: dict[str, torch.Tensor], *, recipe: Recipe, new_head: bool = True, whole: Collection[str] = ()
) -> dict[str, nn.Parameter]:
    """Make the trainable weights, which at first change nothing in the encoder.

    Args:
        base: The model's weights by name.
        recipe: Ranks and seed.
        new_head: The head is untrained: its layer is trained whole, from the identity. Otherwise it gets a low-rank
            addition, as all other matrices do, its output bias stays as it is, and nothing at all changes at first.
        whole: Matrices that are trained whole, from what they are.

    Returns:
        What :func:`mlmtutor.mini.merge_low_rank` merges: ``name.up`` (zero) and ``name.down`` (random) for matrices,
        and biases, layer norms and a new head's layer under their own names.
    """
    generator = torch.Generator().manual_seed(recipe.plan.seed)
    weights = {}
    for name, weight in base.items():
        if name in whole:
            weights[name] = weight.clone()
            continue
        if (
            name.startswith("cls.predictions.decoder.")
            or "position_embeddings" in name
            or "token_type" in name
            or (name == OUTPUT_BIAS and not new_head)
        ):
            continue
        if weight.ndim == 1:
            weights[name] = weight.clone()
        elif new_head and name == "cls.predictions.transform.dense.weight":
            weights[name] = torch.eye(len(weight))
        else:
            rank = recipe.embedding_rank if name == EMBEDDINGS else recipe.rank
            rows, columns = weight.shape
            weights[f"{name}.up"] = torch.zeros(rows, rank)
            weights[f"{name}.down"] = torch.randn(rank, columns, generator=generator) / columns**0.5
    return {name: nn.Parameter(weight) for name, weight in weights.items()}


def log_frequencies(documents: list[Document], *, tokenizer, vocab_size: int) -> torch.Tensor:
    """Return the logarithm of each token's share in the documents, ``(vocab_size,) float32``."""
    chunks = chunk_texts([" ".join(d.paragraphs) for d in documents], tokenizer)
    counts = np.bincount(ChunkRows(chunks.dataset)[:]["input_ids"].ravel(), minlength=vocab_size)
    return torch.from_numpy(np.log((counts + 0.1) / counts.sum())).float()


def learning_rate_factor(progress: float, *, recipe: Recipe) -> float:
    """Return the factor on the learning rate: a short rise, a plateau, and a straight fall to zero.

    Example:
        >>> [round(learning_rate_factor(p, recipe=Recipe()), 2) for p in (0.01, 0.2, 0.4, 0.625, 1.0)]
        [0.5, 1.0, 0.8, 0.5, 0.0]
    """
    return max(min(1.0, progress / recipe.warmup, (1 - progress) / recipe.decay), 0.0)


def save_weights(
    weights: dict[str, torch.Tensor], path: Path, *, facts: dict[str, object], int8: bool = False
) -> None:
    """Write weights with the facts of the run as metadata; the file is replaced in one move.

    All are written in fp16, or with ``int8`` embeddings and the factors of low-rank additions in one byte a number:
    :func:`mlmtutor.mini.read_weights` multiplies each row by its scale again.
    """
    unfinished = path.with_suffix(".partial")
    tensors = {}
    for name, weight in weights.items():
        weight = weight.detach()
        if int8 and (name.endswith((".up", ".down")) or name == EMBEDDINGS):
            scale = weight.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127
            tensors[f"{name}.scale"] = scale
            tensors[name] = (weight / scale).round().to(torch.int8)
        else:
            tensors[name] = weight.half().contiguous()
    save_file(tensors, unfinished, metadata={name: str(value) for name, value in facts.items()})
    os.replace(unfinished, path)


def train(
    weights: dict[str, nn.Parameter],
    *,
    model: nn.Module,
    batches: Iterator[dict[str, torch.Tensor]],
    recipe: Recipe,
    output: Path,
    length: RunLength,
    facts: dict[str, object] | None = None,
    save_minutes: float = 5,
) -> None:
    """Train weights that belong to a model, and write them at the end and every few minutes.

    Args:
        weights: From :func:`start_weights` for this model.
        model: The masked language model that they are attached to; its own matrices stay as they are.
        batches: Masked batches, endlessly.
        recipe: Rates.
        output: The safetensors file to write.
        length: When the run is over.
        facts: What else to write into the metadata.
        save_minutes: Minutes from one intermediate file to the next.
    """
    attach(model, weights)
    precision = choose_precision("cpu")
    if precision == "bf16":  # there the fused kernel's backward pass is slow
        model.set_attn_implementation("eager")
    optimizer = torch.optim.AdamW(
        weights.values(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay
    )
    settings = {name: value for name, value in asdict(recipe).items() if name != "plan"} | asdict(recipe.plan)
    num_tokens, losses, saved = 0, [], time.monotonic()
    for step, batch in enumerate(batches):  # step: how many are done
        progress, minutes = length.progress(step), length.minutes_gone()
        if progress >= 1 or time.monotonic() - saved > save_minutes * 60:
            used = {"steps": step, "tokens": num_tokens, "minutes": round(minutes, 1)}
            save_weights(
                weights,
                output,
                facts=settings | used | {"finished": progress >= 1, "precision": precision} | (facts or {}),
                int8=recipe.int8,
            )
            saved = time.monotonic()
        if progress >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * learning_rate_factor(progress, recipe=recipe)
        with autocast(model.device, precision=precision):
            loss = masked_lm_loss(model, **batch)
        loss.backward()
        nn.utils.clip_grad_norm_(weights.values(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        num_tokens += batch["input_ids"].numel()
        losses.append(loss.item())
        if len(losses) % 50 == 0:
            mean = np.mean(losses[-50:])
            print(f"step {step + 1} ({progress:.1%}, {minutes:.1f} min): loss {mean:.3f}", flush=True)
    print(f"wrote {output}: {used}", flush=True)


def load_general_english(*, cache_dir: Path) -> dict[str, list[Document]]:
    """Load the documents of all sources, without those of Brown that are held out."""
    documents = {name: load_documents(name, cache_dir=cache_dir) for name in SOURCES}
    documents["brown"], _ = split_brown(documents["brown"])
    return documents


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(
        description="Train the mini model on general English from package registries."
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the training")
    parser.add_argument("--steps", type=int, help="length in steps instead of minutes")
    parser.add_argument("--start-from", type=Path, help="weights of an earlier run to go on from")
    parser.add_argument("--output", type=Path, default=WEIGHTS, help="the safetensors file to write")
    parser.add_argument("--cache-dir", type=Path, default=CACHE, help="where the corpora are kept")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    options = parser.parse_args()
    recipe = Recipe(plan=Plan(seed=options.seed))
    documents = load_general_english(cache_dir=options.cache_dir)
    tokenizer, model = load_mini_tokenizer(), load_base_model()
    weights = start_weights(model.state_dict(), recipe=recipe)
    weights[OUTPUT_BIAS].data = log_frequencies(
        documents["brown"], tokenizer=tokenizer, vocab_size=model.config.vocab_size
    )
    facts = {}
    if options.start_from is not None:
        for name, weight in load_file(options.start_from).items():
            weights[name].data.copy_(weight)
        facts["first_run"] = json.dumps(read_facts(options.start_from), sort_keys=True)
    train(
        weights,
        model=model,
        batches=draw_batches(documents, tokenizer=tokenizer, plan=recipe.plan),
        recipe=recipe,
        output=options.output,
        length=RunLength(minutes=options.minutes, steps=options.steps),
        facts=facts,
    )


if __name__ == "__main__":
    main()
