"""Measure ``mini-zh`` and record the numbers: ``python -m mlmtutor.mini_zh.make.measure --record``."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING

from mlmtutor.masks.frozen import FrozenMasks, freeze_masks
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.mini.make.measure import record
from mlmtutor.mini_zh import TOKENIZER, WEIGHTS, build_mini_zh_model, load_tokenizer_file
from mlmtutor.mini_zh.make.batches import Words
from mlmtutor.mini_zh.make.corpora import load_newspaper
from mlmtutor.scores.perplexity import Comparison, compare, evaluate
from mlmtutor.scores.probes import load_probes, score_probes
from mlmtutor.texts.chunking import chunk_texts
from mlmtutor.texts.own_texts import load_texts, split_texts
from mlmtutor.texts.segmenters import load_segmenter
from mlmtutor.training.train import TrainingSettings, train_masked_lm

if TYPE_CHECKING:
    from transformers import BertForMaskedLM, PreTrainedTokenizerBase

CARD = WEIGHTS.with_name("README.md")
SEED = 123
WHOLE_WORDS = MaskingSettings(unit="word", mask_prob=0.15)  # 80/10/10
TRAIN_CHUNKS, TEST_CHUNKS = 4_000, 200  # what the command takes on a CPU
LEARNING_RATE = 2e-4


def freeze_news(tokenizer: PreTrainedTokenizerBase, *, num_chunks: int | None = None) -> FrozenMasks:
    """Mask words of the newspaper that was held out, as people marked them."""
    blocks = load_newspaper("held_out")
    texts = ["\n".join(paragraph.text for paragraph in block) for block in blocks]
    chunks = chunk_texts(texts, tokenizer, boundary="corpus", segmenter=Words(blocks)).dataset
    chunks = chunks.select(range(num_chunks or len(chunks)))
    return freeze_masks(chunks, tokenizer=tokenizer, settings=WHOLE_WORDS, seed=SEED)


def adapt(
    model: BertForMaskedLM, tokenizer: PreTrainedTokenizerBase, *, seed: int
) -> tuple[Comparison, float]:
    """Adapt the model to reviews, and return what that changed on others, and the seconds of training."""
    parts = split_texts(load_texts("mini-zh"), test_size=1_000, seed=seed)
    cut = {
        name: chunk_texts(
            part["text"], tokenizer, boundary="corpus", segmenter=load_segmenter("jieba")
        ).dataset
        for name, part in parts.items()
    }
    masks = freeze_masks(
        cut["test"].shuffle(seed).select(range(TEST_CHUNKS)),
        tokenizer=tokenizer,
        settings=WHOLE_WORDS,
        seed=seed,
    )
    before, start = evaluate(model, masks), time.monotonic()
    train_masked_lm(
        model,
        cut["train"].shuffle(seed).select(range(TRAIN_CHUNKS)),
        tokenizer=tokenizer,
        masking=WHOLE_WORDS,
        settings=TrainingSettings(num_epochs=1, batch_size=16, learning_rate=LEARNING_RATE, seed=seed),
    )
    seconds = time.monotonic() - start
    return compare(before, evaluate(model, masks)), seconds


def measure(*, seeds: range = range(3)) -> dict[str, str]:
    """Measure all numbers of the card, as texts for the metadata of the weights."""
    model, tokenizer = build_mini_zh_model(), load_tokenizer_file(TOKENIZER)
    on_news = evaluate(model, freeze_news(tokenizer))
    scores = score_probes(load_probes("zh"), model=model, tokenizer=tokenizer)
    hits = {kind: scores.count_hits(kind=kind) for kind in scores.kinds}
    adapted = [adapt(build_mini_zh_model(), tokenizer, seed=seed) for seed in seeds]
    return {
        "news_perplexity": f"{on_news.perplexity:.1f}",
        "news_accuracy": f"{on_news.accuracy:.3f}",
        "cloze": f"{sum(hits.values())} of 40",
        "cloze_by_kind": ", ".join(f"{kind} {number}" for kind, number in hits.items()),
        "reviews": "; ".join(
            f"{found.before:.1f} to {found.after:.1f} (ratio {found.ratio:.2f})" for found, _ in adapted
        ),
        "seconds": f"{max(seconds for _, seconds in adapted):.0f}",
    }


def format_card_table(facts: dict[str, str]) -> str:
    """Write the numbers in the metadata as the card's table."""
    rows = [
        ("Newspaper, held out: perplexity per masked token", facts["news_perplexity"]),
        ("Newspaper, held out: first choice right", f"{100 * float(facts['news_accuracy']):.1f} %"),
        ("Cloze: expected character among the first five", f"{facts['cloze']} ({facts['cloze_by_kind']})"),
        (
            "Unread reviews, three splits: perplexity before and after 4,000 chunks of others",
            facts["reviews"],
        ),
        ("Training: steps", f"{int(facts['steps']):,}"),
        ("Training: tokens, padding included", f"{int(facts['tokens']):,}"),
        ("Training: minutes", facts["minutes"]),
    ]
    return "\n".join(
        ["| what | value |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
    )


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(
        description="Measure mini-zh: held-out newspaper, cloze sentences, adaptation."
    )
    parser.add_argument(
        "--record", action="store_true", help="write the numbers into the weights and the card"
    )
    options = parser.parse_args()
    measured = measure()
    print(json.dumps(measured, indent=2, ensure_ascii=False))
    if options.record:
        record(measured, weights=WEIGHTS, card=CARD, write_table=format_card_table)


if __name__ == "__main__":
    main()
