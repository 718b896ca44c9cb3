"""Perplexity of chunks, and pseudo-log-likelihood of sentences. One thread, whose CPU time counts."""

import re
import tempfile
import time

import numpy as np
import torch
from transformers import PrinterCallback, Trainer, default_data_collator

from mlmtutor.masking import MaskingSettings, freeze_masks
from mlmtutor.perplexity import evaluate
from mlmtutor.pseudo_perplexity import score_texts

from .measure import Result, find_absent, take_turns
from .preprocessing import load_reviews, prepare_chunks
from .training import assert_close, make_arguments, make_model

BATCH_SIZE = 8  # Trainer's own


def evaluate_chunks(*, quick):
    torch.set_num_threads(1)
    num_chunks = 16 if quick else 32
    tokenizer, *_, rows = prepare_chunks(100)
    model = make_model(tiny=quick).eval()
    from datasets import Dataset

    chunks = Dataset.from_dict({"input_ids": rows[:num_chunks]["input_ids"], "text_index": range(num_chunks)})
    masks = freeze_masks(
        chunks, tokenizer=tokenizer, settings=MaskingSettings(unit="token", mask_prob=0.15), seed=0
    )
    frozen = [{"input_ids": ids, "labels": labels} for ids, labels in zip(masks.input_ids.astype(np.int64), masks.labels.astype(np.int64), strict=True)]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model, make_arguments(folder, batch_size=BATCH_SIZE, prediction_loss_only=True),
            eval_dataset=frozen, data_collator=default_data_collator,
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)
        ways = {
            "ours": lambda: evaluate(model, masks, batch_size=BATCH_SIZE, progress=False),
            "Trainer": trainer.evaluate,
        }
        ours, other = ways["ours"](), evaluate(model, masks, batch_size=5, progress=False)
        assert_close(other.loss_sum, ours.loss_sum, "losses of two batch sizes")
        # Trainer averages the means of batches, whatever they hold
        means = ours.loss_sum.reshape(-1, BATCH_SIZE).sum(1) / ours.num_masked.reshape(-1, BATCH_SIZE).sum(1)
        assert_close(
            ways["Trainer"]()["eval_loss"], means.mean(), "loss of Trainer.evaluate and the mean of ours"
        )
        times = take_turns(ways, repeats=1 if quick else 3, clock=time.process_time)
    return Result("CPU s", f"{num_chunks} chunks", times)


def find_sentences(num_sentences):
    """Give sentences of 12 to 20 words from the reviews, without a word that the vocabulary lacks."""
    reviews, tokenizer = load_reviews(200)
    sentences = [s.strip() for text in reviews["text"] for s in re.findall(r"[A-Z][^.!?<>]+[.]", text)]
    fitting = [s for s in sentences if 12 <= len(s.split()) <= 20 and "[UNK]" not in tokenizer.tokenize(s)]
    return fitting[:num_sentences], tokenizer


def score_sentences(*, quick):
    torch.set_num_threads(1)
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
    times = take_turns(ways, repeats=1 if quick else 3, clock=time.process_time)
    return Result("CPU s", f"{len(sentences)} sentences", times, absent)
