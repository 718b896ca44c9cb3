"""Measure what different recipes gain on film reviews and lose elsewhere: ``python -m mlmtutor.mini.make.recipes --help``.

Each recipe starts from the mini model and is trained with several seeds on other reviews in another order; all are measured
on the same masks of reviews that none of them has read, without line breaks, and on the same general sentences.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlmtutor.hub.load import load_model, load_tokenizer
from mlmtutor.masks.frozen import freeze_masks
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.mini import PATCHES
from mlmtutor.mini.make.corpora import Document
from mlmtutor.mini.make.train import CACHE, load_general_english
from mlmtutor.scores.perplexity import compare, evaluate
from mlmtutor.scores.probes import load_general_texts
from mlmtutor.scores.prompts import score_prompt
from mlmtutor.scores.pseudo_perplexity import score_texts
from mlmtutor.texts.chunking import chunk_texts
from mlmtutor.texts.reviews import remove_breaks
from mlmtutor.texts.unread import load_unread_reviews, split_reviews
from mlmtutor.training.train import TrainingSettings, train_masked_lm

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel

MASKING = MaskingSettings(unit="word", mask_prob=0.2)
PROMPTS = [
    ("All in all, it was [MASK].", ("great", "terrible")),
    ("All in all, it was [MASK].", ("good", "bad")),
    ("This movie was [MASK].", ("great", "terrible")),
    ("It was [MASK].", ("good", "bad")),
]


@dataclass(frozen=True)
class Recipe:
    """One way to adapt; what is not said is as in chapter 6."""

    steps: int = 100  # of 16 chunks of 128 tokens
    learning_rate: float = 2e-4
    mask_prob: float = 0.2
    replay: float = 0.0  # share of the chunks that are general English
    half: bool = False  # the mean of the weights before and after


TRAINED = {
    "rate 5e-5": Recipe(learning_rate=5e-5),
    "rate 2e-4": Recipe(),
    "rate 8e-4": Recipe(learning_rate=8e-4),
    "25 steps": Recipe(steps=25),
    "50 steps": Recipe(steps=50),
    "200 steps": Recipe(steps=200),
    "400 steps": Recipe(steps=400),
    "replay of a quarter": Recipe(replay=0.25),
    "weights half way": Recipe(half=True),
    "15 % masked": Recipe(mask_prob=0.15),
    "30 % masked": Recipe(mask_prob=0.3),
    "40 % masked": Recipe(mask_prob=0.4),
}


def train(recipe: Recipe, *, reviews: Dataset, general: Dataset, tokenizer, seed: int) -> PreTrainedModel:
    """Adapt the mini model by a recipe."""
    from datasets import concatenate_datasets

    needed = 16 * recipe.steps
    num_general = round(recipe.replay * needed)
    parts = [reviews.shuffle(seed).select(range(needed - num_general))]
    if num_general:
        parts.append(general.shuffle(seed).select(range(num_general)))
    chunks = concatenate_datasets(parts) if num_general else parts[0]
    settings = TrainingSettings(
        num_epochs=1, batch_size=16, learning_rate=recipe.learning_rate, logging_steps=1000, seed=seed
    )
    model = load_model("mini")
    masking = replace(MASKING, mask_prob=recipe.mask_prob)
    train_masked_lm(model, chunks, tokenizer=tokenizer, masking=masking, settings=settings, progress=False)
    if recipe.half:
        before = load_model("mini").state_dict()
        model.load_state_dict(
            {name: (weight + before[name]) / 2 for name, weight in model.state_dict().items()}
        )
    return model


def make_measure(tokenizer) -> Callable[[PreTrainedModel], dict]:
    """Return the function that measures a model against the mini model on all tests."""
    unread = load_unread_reviews()
    texts = unread["text"][:]
    chunks = chunk_texts(texts[:150], tokenizer).dataset.shuffle(0).select(range(200))
    masks = freeze_masks(chunks, tokenizer=tokenizer, settings=MASKING, seed=0, num_draws=2)
    sentences = load_general_texts()
    asked = slice(1_000, 1_500)
    labels = np.array(unread["label"][asked])
    base = load_model("mini")
    before = {
        "reviews": evaluate(base, masks),
        "general": score_texts(sentences, model=base, tokenizer=tokenizer),
    }

    def measure(model: PreTrainedModel) -> dict:
        from sklearn.metrics import roc_auc_score

        after = {
            "reviews": evaluate(model, masks),
            "general": score_texts(sentences, model=model, tokenizer=tokenizer),
        }
        found = {}
        for name, evaluation in after.items():
            c = compare(before[name], evaluation)
            found[name] = {
                key: round(getattr(c, key), 4) for key in ("before", "after", "ratio", "low", "high")
            }
        areas = [
            roc_auc_score(
                labels,
                score_prompt(
                    texts[asked],
                    prompt=prompt,
                    words=words,
                    model=model,
                    tokenizer=tokenizer,
                    precision="auto",
                ),
            )
            for prompt, words in PROMPTS
        ]
        return found | {"prompt_auc": round(float(np.mean(areas)), 4)}

    return measure


def load_chunks(documents: list[Document] | list[str], tokenizer) -> Dataset:
    """Cut documents or texts into chunks of 128 tokens."""
    texts = [d if isinstance(d, str) else " ".join(d.paragraphs) for d in documents]
    return chunk_texts(texts, tokenizer).dataset


def main() -> None:
    """Read the command line, measure what is missing in the file, and write it after each run."""
    parser = argparse.ArgumentParser(description="Measure recipes: gain on reviews, loss elsewhere.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of recipes")
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write, or to go on with")
    parser.add_argument("--cache-dir", type=Path, default=CACHE, help="where the corpora are kept")
    options = parser.parse_args()
    tokenizer = load_tokenizer("mini")
    reviews = load_chunks(
        [remove_breaks(text) for text in split_reviews()["train"]["text"][:4_000]], tokenizer
    )
    general = load_chunks(load_general_english(cache_dir=options.cache_dir)["brown"], tokenizer)
    measure = make_measure(tokenizer)
    table = json.loads(options.output.read_text("utf-8")) if options.output.exists() else {}

    def keep(name: str, seed: int, make: Callable[[], PreTrainedModel]) -> None:
        rows = table.setdefault(name, [])
        if any(row["seed"] == seed for row in rows) or (options.only and name not in options.only):
            return
        started = time.monotonic()
        rows.append({"seed": seed} | measure(make()))
        options.output.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
        print(f"{name}, seed {seed}: {rows[-1]} ({time.monotonic() - started:.0f} s)", flush=True)

    for name in ("mini", *PATCHES):
        keep(name, 0, lambda name=name: load_model(name))
    for seed in range(options.seeds):
        for name, recipe in TRAINED.items():
            keep(
                name,
                seed,
                lambda r=recipe, s=seed: train(
                    r, reviews=reviews, general=general, tokenizer=tokenizer, seed=s
                ),
            )


if __name__ == "__main__":
    main()
