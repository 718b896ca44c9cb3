"""Fine-tune all weights with few labels from several starts: ``python -m mlmtutor.mini.make.few_labels --help``.

The settings were fixed before any result was seen and are the same for all starts.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from mlmtutor.hub.load import load_model, load_tokenizer
from mlmtutor.mini import NAMES
from mlmtutor.scores.classifier import fine_tune_classifier
from mlmtutor.scores.downstream import FEW_LABELS, draw_labels
from mlmtutor.texts.unread import load_unread_reviews

NUM_EPOCHS = {32: 12, 100: 8, 320: 6, 1000: 3}  # by number of labels
NUM_TEST = 1_000
SETTINGS = {"learning_rate": 1e-4, "batch_size": 16, "max_tokens": 128, "keep": "last"}


def main() -> None:
    """Read the command line, fine-tune what is missing in the file, and write it after each run."""
    parser = argparse.ArgumentParser(description="Fine-tune with few labels from several starts.")
    parser.add_argument("--seeds", type=int, default=5, help="draws of labels")
    parser.add_argument("--sizes", type=int, nargs="*", choices=NUM_EPOCHS, default=[*NUM_EPOCHS])
    parser.add_argument(
        "--output", type=Path, default=FEW_LABELS, help="the JSON file to write, or to go on with"
    )
    options = parser.parse_args()
    unread, tokenizer = load_unread_reviews(), load_tokenizer("mini")
    test, pool = unread.select(range(NUM_TEST)), unread.select(range(NUM_TEST, 3 * NUM_TEST))
    labels, wanted = np.array(pool["label"][:]), np.array(test["label"][:])
    models = {name: load_model(name) for name in NAMES}
    table = {
        "settings": SETTINGS,
        "num_epochs": {str(size): n for size, n in NUM_EPOCHS.items()},
        "num_test": NUM_TEST,
    }
    if options.output.exists():
        kept = json.loads(options.output.read_text("utf-8"))
        if {name: kept[name] for name in table} != table:
            parser.error(f"{options.output} was made with other settings: choose another file")
        table = kept
    correct_by_model = table.setdefault("correct", {})
    for seed in range(options.seeds):
        for size in options.sizes:
            labelled = pool.select(draw_labels(labels, size=size, seed=seed))
            for name, model in models.items():
                done = correct_by_model.setdefault(name, {}).setdefault(str(size), [])
                if len(done) > seed:
                    continue
                started = time.monotonic()
                probabilities = fine_tune_classifier(
                    labelled["text"][:], labelled["label"][:], model=model, tokenizer=tokenizer,
                    test_texts=test["text"][:], num_epochs=NUM_EPOCHS[size], seed=seed, **SETTINGS,
                )  # fmt: skip
                correct = (probabilities > 0.5) == wanted
                done.append(np.packbits(correct).tobytes().hex())
                options.output.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
                took = time.monotonic() - started
                print(f"seed {seed}, {size} labels, {name}: {correct.mean():.1%} ({took:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
