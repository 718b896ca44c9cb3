"""Train the long adaptations of the mini model as low-rank patches: ``python -m mlmtutor.mini.make.patches --help``.

``imdb`` goes on with film reviews, ``more`` as long with the general English that the mini model already knows: the
control that tells what film reviews add from what more training adds.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from pathlib import Path

from mlmtutor.mini import load_mini_model, load_mini_tokenizer
from mlmtutor.mini.make.batches import Plan, draw_batches
from mlmtutor.mini.make.corpora import SOURCES, Document
from mlmtutor.mini.make.train import CACHE, Recipe, RunLength, load_general_english, start_weights, train
from mlmtutor.texts.reviews import BREAKS
from mlmtutor.texts.unread import split_reviews

STEPS = 800


def load_review_documents() -> list[Document]:
    """Load the reviews to read as documents; paragraphs end where the page has line breaks."""
    texts = split_reviews()["train"]["text"]
    documents = []
    for number, text in enumerate(texts):
        paragraphs = (re.sub(r"\s+", " ", part).strip() for part in BREAKS.split(text))
        documents.append(Document(f"review {number}", tuple(part for part in paragraphs if part)))
    return documents


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description="Train a long adaptation of the mini model.")
    parser.add_argument("patch", choices=["imdb", "more"], help="which texts to go on with")
    parser.add_argument("--steps", type=int, default=STEPS, help="of 2,048 tokens")
    parser.add_argument("--output", type=Path, required=True, help="the safetensors file to write")
    parser.add_argument("--cache-dir", type=Path, default=CACHE, help="where the corpora are kept")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    options = parser.parse_args()
    plan = Plan(seed=options.seed, batch_size=16, round_batches=480)
    recipe = Recipe(rank=32, embedding_rank=16, learning_rate=1e-3, int8=True, plan=plan)
    if options.patch == "imdb":
        documents, shares = {"imdb": load_review_documents()}, {"imdb": 1.0}
    else:
        documents = load_general_english(cache_dir=options.cache_dir)
        shares = {name: source.share for name, source in SOURCES.items()}
    model = load_mini_model()
    train(
        start_weights(model.state_dict(), recipe=recipe, new_head=False),
        model=model,
        batches=draw_batches(documents, tokenizer=load_mini_tokenizer(), plan=recipe.plan, shares=shares),
        recipe=recipe,
        output=options.output,
        length=RunLength(minutes=0, steps=options.steps),
    )
    print(
        f"SHA-256 {hashlib.sha256(options.output.read_bytes()).hexdigest()}  # for mlmtutor/mini/__init__.py"
    )


if __name__ == "__main__":
    main()
