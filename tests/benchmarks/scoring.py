"""Perplexity of chunks, and pseudo-log-likelihood of sentences. One thread, whose CPU time counts."""

import re
import tempfile
import time

import numpy as np
import torch
from datasets import Dataset
from transformers import PrinterCallback, Trainer, default_data_collator

from mlmtutor.masks.frozen import freeze_masks
from mlmtutor.scores.perplexity import evaluate
from mlmtutor.scores.pseudo_perplexity import score_texts

from .measure import Result, find_absent, take_turns
from .preprocessing import load_reviews, prepare_chunks
from .training import TOKENS_15, assert_close, make_arguments, make_model

BATCH_SIZE = 8  # Trainer's own


def make_evaluations(model, rows, *, tokenizer, folder):
    """Return ours and Trainer's evaluation of the same frozen masks, each ready to run."""
    chunks = Dataset.from_dict({"input_ids": rows["input_ids"], "text_index": range(len(rows["input_ids"]))})
    masks = freeze_masks(chunks, tokenizer=tokenizer, settings=TOKENS_15, seed=0)
    frozen = [
        {"input_ids": ids, "labels": labels}
        for ids, labels in zip(masks.input_ids.astype(np.int64), masks.labels.astype(np.int64), strict=True)
    ]
    trainer = Trainer(
        model, make_arguments(folder, batch_size=BATCH_SIZE, prediction_loss_only=True),
        eval_dataset=frozen, data_collator=default_data_collator,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)

    def ours(batch_size=BATCH_SIZE):
        return evaluate(model, masks, batch_size=batch_size, progress=False)

    return {"ours": ours, "Trainer": trainer.evaluate}


def assert_same_loss(ways):
    """Stop unless ours is the same for any batch size, and Trainer's is what follows from it."""
    ours = ways["ours"]()
    assert_close(ways["ours"](batch_size=5).loss_sum, ours.loss_sum, "losses of two batch sizes")
    # Trainer averages the means of batches, whatever they hold
    means = ours.loss_sum.reshape(-1, BATCH_SIZE).sum(1) / ours.num_masked.reshape(-1, BATCH_SIZE).sum(1)
    found = ways["Trainer"]()["eval_loss"]
    assert_close(found, means.mean(), "loss of Trainer.evaluate and the mean of ours")


def evaluate_chunks(*, extent):
    torch.set_num_threads(1)
    num_chunks = {"quick": 16, "usual": 32, "full": 1000}[extent]
    tokenizer, *_, rows = prepare_chunks(500 if extent == "full" else 100)
    model = make_model(tiny=extent == "quick").eval()
    with tempfile.TemporaryDirectory() as folder:
        assert_same_loss(make_evaluations(model, rows[:16], tokenizer=tokenizer, folder=folder))
        ways = make_evaluations(model, rows[:num_chunks], tokenizer=tokenizer, folder=folder)
        repeats = 2 if extent == "usual" else 1
        times = take_turns(ways, repeats=repeats, clock=time.process_time)
    return Result("CPU s", f"{num_chunks:,} chunks", times, {"Trainer": 1.4}, bound=1.43)


def find_sentences(num_sentences):
    """Return sentences of 12 to 20 words from the reviews, without a word that the vocabulary lacks."""
    reviews, tokenizer = load_reviews(200)
    sentences = [s.strip() for text in reviews["text"] for s in re.findall(r"[A-Z][^.!?<>]+[.]", text)]
    fitting = [s for s in sentences if 12 <= len(s.split()) <= 20 and "[UNK]" not in tokenizer.tokenize(s)]
    return fitting[:num_sentences], tokenizer


def score_sentences(*, extent):
    torch.set_num_threads(1)
    quick = extent == "quick"
    sentences, tokenizer = find_sentences(2 if quick else 6)
    model = make_model(tiny=quick).eval()
    ways = {"ours": lambda: score_texts(sentences, model=model, tokenizer=tokenizer)}
    absent = find_absent({"minicons": "minicons"})
    if not absent:
        from minicons.scorer import MaskedLMScorer

        scorer = MaskedLMScorer(model, "cpu", tokenizer=tokenizer)

        def score_by_minicons():  # one sentence at a time, where it pads nothing
            # encoded here, since minicons 0.3.39 asks the tokenizer for a method that transformers 5 no longer has
            encoded = [tokenizer([sentence], return_tensors="pt") for sentence in sentences]
            prepared = (scorer.prepare_text(batch, PLL_metric="within_word_l2r") for batch in encoded)
            return [scorer.compute_stats(batch)[0] for batch in prepared]

        ways["minicons"] = score_by_minicons
        for found, expected in zip(ways["ours"](), score_by_minicons(), strict=True):
            assert_close(found.log_probs, expected, "log-probabilities of minicons and ours")
    times = take_turns(ways, repeats=1 if quick else 2, clock=time.process_time)
    return Result("CPU s", f"{len(sentences)} sentences", times, {"minicons": 1.5}, absent, bound=1.54)
