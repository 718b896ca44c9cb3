"""Reviews to chunks, and chunks to masked batches."""

import time

import datasets
import numpy as np
from transformers import DataCollatorForLanguageModeling

from mlmtutor.hub.load import load_tokenizer
from mlmtutor.masks.collator import ChunkRows, MaskingCollator
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.model.masked_lm import IGNORED
from mlmtutor.texts.chunking import Tokens, chunk_texts, chunk_tokens
from mlmtutor.texts.own_texts import load_texts
from mlmtutor.texts.words import TokenTable, find_first_pieces

from .measure import Result, find_absent, take_turns
from .recipes import (
    CHUNK_SIZE,
    OriginalWordCollator,
    chunk_as_run_mlm,
    chunk_as_the_original,
    tokenise_as_run_mlm,
    tokenise_as_the_original,
)

datasets.disable_progress_bars()
NUM_REVIEWS = {"quick": 1000, "usual": 10_000, "full": 25_000}


def load_reviews(num_reviews):
    tokenizer = load_tokenizer("mini")
    tokenizer.model_input_names = ["input_ids", "attention_mask"]  # as DistilBERT's
    return load_texts("mini").select(range(num_reviews)), tokenizer


def chunk_ids(dataset):
    """Return the ids of all whole chunks, ``(num_chunks, chunk_size)``."""
    column = dataset.with_format("arrow")[:]["input_ids"].to_pylist()
    return np.array([ids for ids in column if len(ids) == CHUNK_SIZE])


def assert_equal(found, expected, what):
    """Stop before anything is timed if two ways do not give the same."""
    if np.shape(found) != np.shape(expected) or not np.array_equal(found, expected):
        raise AssertionError(f"{what} differ: shapes {np.shape(found)} and {np.shape(expected)}")


def tokenise_and_chunk(*, extent):
    num_reviews = NUM_REVIEWS[extent]
    reviews, tokenizer = load_reviews(num_reviews)
    texts = reviews["text"][:]
    backend = tokenizer.backend_tokenizer
    ways = {
        "ours": lambda: chunk_texts(texts, tokenizer).dataset,
        "original": lambda: chunk_as_the_original(tokenise_as_the_original(reviews, tokenizer)),
        "run_mlm": lambda: chunk_as_run_mlm(tokenise_as_run_mlm(reviews, tokenizer)),
    }
    expected = chunk_ids(ways["original"]())
    for name in ("ours", "run_mlm"):
        assert_equal(chunk_ids(ways[name]()), expected, f"chunks of the original and {name}")

    def encode_alone():
        for start in range(0, num_reviews, 1000):
            backend.encode_batch_fast(texts[start : start + 1000])

    ways["limit"] = encode_alone
    repeats = 1 if extent == "quick" else 3
    times = take_turns(ways, repeats=repeats, clock=time.perf_counter, turn_s=0 if extent == "quick" else 2)
    goals = {"original": 4.5, "run_mlm": 2.2, "limit": 0.9}
    return Result("s", f"{num_reviews:,} reviews", times, goals)


def chunk_alone(*, extent):
    tokenised = tokenise_as_the_original(*load_reviews(NUM_REVIEWS[extent]))
    ids = tokenised.select_columns("input_ids")

    def ours():
        batches = ids.data.to_batches(max_chunksize=1000)
        groups = [
            Tokens(lists.flatten().to_numpy(), None, np.diff(lists.offsets.to_numpy()))
            for lists in (batch.column("input_ids") for batch in batches)
        ]
        return chunk_tokens(groups, chunk_size=CHUNK_SIZE).dataset

    ways = {
        "ours": ours,
        "original": lambda: chunk_as_the_original(tokenised),
        "run_mlm": lambda: chunk_as_run_mlm(tokenised),
    }
    absent = find_absent({"TRL": "trl"})
    if not absent:
        from trl import pack_dataset

        ways["TRL"] = lambda: pack_dataset(ids, CHUNK_SIZE, strategy="wrapped")
    expected = chunk_ids(ways["original"]())
    for name, way in ways.items():
        assert_equal(chunk_ids(way()), expected, f"chunks of the original and {name}")
    ways["limit"] = expected.astype(np.int32).copy
    repeats = 1 if extent == "quick" else 3
    times = take_turns(ways, repeats=repeats, clock=time.perf_counter, unit=1e-3, turn_s=0.2)
    goals = {"original": 200, "run_mlm": 20, "TRL": 1, "limit": 0.33}
    return Result("ms", f"{len(expected):,} chunks", times, goals, absent)


def prepare_chunks(num_reviews):
    """Return the chunks as the original stores them, as the library wants them, and ours."""
    reviews, tokenizer = load_reviews(num_reviews)
    original = chunk_as_the_original(tokenise_as_the_original(reviews, tokenizer))

    def tokenise(samples):
        return tokenizer(
            samples["text"], return_special_tokens_mask=True, return_offsets_mapping=True, verbose=False
        )

    library = chunk_as_run_mlm(reviews.map(tokenise, batched=True, remove_columns=reviews.column_names))
    library = library.remove_columns("labels")
    return tokenizer, original, library, ChunkRows(chunk_texts(reviews["text"][:], tokenizer).dataset)


def check_masks(batch, ids, heads, *, share, what):
    """Make sure that a batch hides what it should: the right labels, whole words if there are heads, the right share."""
    labels = batch["labels"].numpy()
    hidden = labels != IGNORED
    assert_equal(labels[hidden], ids[hidden], f"labels of {what} and true ids")
    assert_equal(batch["input_ids"].numpy()[~hidden], ids[~hidden], f"tokens in sight of {what}")
    able = heads >= 0
    if not abs(hidden[able].mean() - share) < 0.1:
        raise AssertionError(f"{what} hides {hidden[able].mean():.2f} of the tokens, expected {share}")
    whole = np.take_along_axis(hidden, np.maximum(heads, 0), axis=1)
    assert_equal(hidden[able], whole[able], f"pieces of the words that {what} hides and their first pieces")


def _collate(unit, *, extent):
    tokenizer, original, library, rows = prepare_chunks(300 if extent == "quick" else 1000)
    index = np.random.default_rng(0).permutation(len(rows))[:64].tolist()
    settings = MaskingSettings() if unit == "word" else MaskingSettings(unit="token", mask_prob=0.15)
    by_ours = MaskingCollator(tokenizer, settings=settings)
    if unit == "word":
        by_original = OriginalWordCollator(tokenizer)
        by_library = DataCollatorForLanguageModeling(
            tokenizer,
            whole_word_mask=True,
            mlm_probability=0.2,
            mask_replace_prob=1.0,
            random_replace_prob=0.0,
        )
    else:
        library = library.remove_columns("offset_mapping")
        by_library = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
    ways = {
        "ours": lambda: by_ours(rows.__getitems__(index)),
        "library": lambda: by_library(library.__getitems__(index)),
    }
    if unit == "word":
        original_rows = original.select_columns(["input_ids", "attention_mask", "word_ids", "labels"])
        ways["original"] = lambda: by_original(original_rows.__getitems__(index))
    ids = rows[np.array(index)]["input_ids"]
    table = TokenTable.from_tokenizer(tokenizer)
    heads = find_first_pieces(ids, table=table)
    if unit == "token":
        heads = np.where(table.is_special[ids], -1, np.arange(CHUNK_SIZE))
    for name, way in ways.items():
        check_masks(way(), ids, heads, share=settings.mask_prob, what=name)
    repeats = 5 if extent == "quick" else 10
    times = take_turns(ways, repeats=repeats, clock=time.process_time, unit=1e-3, turn_s=0.1)
    goals = {"original": 40, "library": 10} if unit == "word" else {"library": 10}
    return Result("ms", "64 x 128 tokens", times, goals)


def collate_words(*, extent):
    return _collate("word", extent=extent)


def collate_tokens(*, extent):
    return _collate("token", extent=extent)
