"""Measure the mini model and record the numbers: ``python -m mlmtutor.mini.make.measure --record``."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlmtutor.masks.frozen import FrozenMasks, freeze_masks
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.mini import WEIGHTS, build_mini_model, load_mini_tokenizer, read_facts
from mlmtutor.mini.make.corpora import load_documents, split_brown
from mlmtutor.scores.perplexity import evaluate
from mlmtutor.scores.probes import load_probes, score_probes
from mlmtutor.texts.chunking import chunk_texts
from mlmtutor.texts.own_texts import split_chunks
from mlmtutor.texts.reviews import load_reviews

if TYPE_CHECKING:
    from transformers import BertForMaskedLM, PreTrainedTokenizerBase

CARD = WEIGHTS.with_name("README.md")
MARK = "<!-- measured -->"  # the card's numbers stand between two of these
SEED = 123
# as the original notebook hides words: 20 %, every piece shown as [MASK]
WHOLE_WORDS = MaskingSettings(unit="word", mask_prob=0.2, mask_share=1.0, random_share=0.0)


def freeze_reviews(tokenizer: PreTrainedTokenizerBase, *, num_chunks: int = 1000) -> FrozenMasks:
    """Mask the original notebook's 1,000 test chunks of IMDb, or the first of them; the masks are the same."""
    chunks = chunk_texts(load_reviews("mini")["train"]["text"], tokenizer).dataset
    test = split_chunks(chunks, train_size=10_000, test_size=1_000, seed=123)["test"]
    return freeze_masks(test.select(range(num_chunks)), tokenizer=tokenizer, settings=WHOLE_WORDS, seed=SEED)


def freeze_brown(tokenizer: PreTrainedTokenizerBase, *, cache_dir: Path) -> FrozenMasks:
    """Mask the Brown documents that were held out of training; a document is one text."""
    _, held_out = split_brown(load_documents("brown", cache_dir=cache_dir))
    chunks = chunk_texts([" ".join(d.paragraphs) for d in held_out], tokenizer, boundary="corpus").dataset
    return freeze_masks(chunks, tokenizer=tokenizer, settings=WHOLE_WORDS, seed=SEED)


def count_cloze(model: BertForMaskedLM, tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Count, per kind, the cloze sentences whose expected word is among the five most probable."""
    scores = score_probes(load_probes(), model=model, tokenizer=tokenizer)
    return {kind: scores.count_hits(kind=kind) for kind in scores.kinds}


def measure(*, cache_dir: Path) -> dict[str, str]:
    """Measure all numbers of the card, as texts for the metadata of the weights."""
    model, tokenizer = build_mini_model(), load_mini_tokenizer()
    reviews = freeze_reviews(tokenizer)
    on_reviews = evaluate(model, reviews)
    first = slice(200)
    on_brown = evaluate(model, freeze_brown(tokenizer, cache_dir=cache_dir))
    hits = count_cloze(model, tokenizer)
    return {
        "imdb_perplexity": f"{on_reviews.perplexity:.1f}",
        "imdb_masks_sha256": reviews.sha256,
        "imdb_loss_first_200": f"{on_reviews.loss_sum[first].sum() / on_reviews.num_masked[first].sum():.4f}",
        "imdb_accuracy": f"{on_reviews.accuracy:.3f}",
        "brown_perplexity": f"{on_brown.perplexity:.1f}",
        "brown_accuracy": f"{on_brown.accuracy:.3f}",
        "cloze": f"{sum(hits.values())} of 40",
        "cloze_by_kind": ", ".join(f"{kind} {number}" for kind, number in hits.items()),
    }


def format_card_table(facts: dict[str, str]) -> str:
    """Write the numbers in the metadata as the card's table."""
    rows = [
        ("IMDb: perplexity on the original notebook's 1,000 test chunks", facts["imdb_perplexity"]),
        ("IMDb: first choice right", f"{100 * float(facts['imdb_accuracy']):.1f} %"),
        ("Brown, held-out documents: perplexity", facts["brown_perplexity"]),
        ("Brown, held-out documents: first choice right", f"{100 * float(facts['brown_accuracy']):.1f} %"),
        ("Cloze: expected word among the first five", f"{facts['cloze']} ({facts['cloze_by_kind']})"),
        ("Training: steps", f"{int(facts['steps']):,}"),
        ("Training: tokens, padding included", f"{int(facts['tokens']):,}"),
        ("Training: minutes", facts["minutes"]),
    ]
    return "\n".join(
        ["| what | value |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
    )


def record(
    measured: dict[str, str], *, weights: Path, card: Path, write_table: Callable[[dict[str, str]], str]
) -> None:
    """Write measured numbers into the metadata of weights and into their model card.

    Args:
        measured: The numbers, as texts.
        weights: The safetensors file; it is replaced in one move.
        card: The model card, whose table stands between two of `MARK`.
        write_table: Makes the table of the metadata.
    """
    from safetensors.torch import load_file, save_file

    facts, unfinished = read_facts(weights) | measured, weights.with_suffix(".partial")
    save_file(load_file(weights), unfinished, metadata=facts)
    os.replace(unfinished, weights)
    before, _, after = card.read_text("utf-8").split(MARK)
    card.write_text(f"{before}{MARK}\n{write_table(facts)}\n{MARK}{after}", "utf-8")
    print(f'WEIGHTS_SHA256 = "{hashlib.sha256(weights.read_bytes()).hexdigest()}"  # for __init__.py')


def main() -> None:
    """Read the command line, measure and print."""
    from mlmtutor.mini.make.train import CACHE

    parser = argparse.ArgumentParser(
        description="Measure the mini model: IMDb, held-out Brown, cloze sentences."
    )
    parser.add_argument(
        "--record", action="store_true", help="write the numbers into the weights and the card"
    )
    parser.add_argument("--cache-dir", type=Path, default=CACHE, help="where the corpora are kept")
    options = parser.parse_args()
    measured = measure(cache_dir=options.cache_dir)
    print(json.dumps(measured, indent=2))
    if options.record:
        record(measured, weights=WEIGHTS, card=CARD, write_table=format_card_table)


if __name__ == "__main__":
    main()
