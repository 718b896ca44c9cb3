"""What chapter 11 says of results that depend on chance, each over five seeds: `pytest -s tests/claims/11_your_domain.py`."""

import functools
import re

import numpy as np
import pytest

import mlmtutor as mt

SEEDS = range(5)
NAMES = ["miriam", "esther", "clara", "dorothy", "edith", "martha", "ruth"]
ROOMS = ["archive", "library", "cellar", "garage", "kitchen", "tower", "attic"]
COUNTS = [0, 1, 2, 4, 8, 16, 32]
MASKING = mt.MaskingSettings()


@functools.cache
def about_zombies():
    from datasets import Dataset

    texts = mt.load_reviews("mini", clean=True)["train"]["text"][:]
    return Dataset.from_dict({"text": [text for text in texts if text.lower().count("zombie") >= 3]})


@functools.cache
def tokenizer():
    return mt.load_tokenizer("mini")


def freeze(texts, *, chunk_size, num_chunks, seed):
    chunks = mt.chunk_texts(texts, tokenizer(), chunk_size=chunk_size, boundary="corpus").dataset
    chunks = chunks.shuffle(seed).select(range(num_chunks))
    return mt.freeze_masks(chunks, tokenizer=tokenizer(), settings=MASKING, seed=seed)


def train(chunks, *, seed, rate, num_epochs, batch_size, evaluation=None, model=None, words=None):
    model = model or mt.load_model("mini")
    plan = mt.TrainingSettings(
        num_epochs=num_epochs, batch_size=batch_size, learning_rate=rate, seed=seed, logging_steps=100
    )
    history = mt.train_masked_lm(
        model, chunks, tokenizer=words or tokenizer(), masking=MASKING, settings=plan, evaluation=evaluation
    )
    return model, history


def test_twelve_chunks_need_a_low_rate():
    """Each time the high rate made the model worse and the low one did not."""
    for seed in SEEDS:
        parts = mt.split_texts(about_zombies(), test_size=0.25, seed=seed)
        masks = freeze(parts["test"]["text"], chunk_size=64, num_chunks=48, seed=seed)
        few = mt.chunk_texts(parts["train"]["text"], tokenizer(), chunk_size=64, boundary="corpus").dataset
        few = few.shuffle(seed).select(range(12))
        before = mt.evaluate(mt.load_model("mini"), masks)
        ratios = {}
        for rate in (2e-4, 2e-5):
            model, _ = train(few, seed=seed, rate=rate, num_epochs=6, batch_size=4)
            ratios[rate] = mt.compare(before, mt.evaluate(model, masks)).ratio
        print("small", seed, {rate: round(ratio, 3) for rate, ratio in ratios.items()}, flush=True)
        assert ratios[2e-5] < 1 < ratios[2e-4]


def test_what_stands_in_more_texts_leaks_more():
    """The name under 32 texts becomes the clear favourite; names under few texts stay far below."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        names, rooms = rng.permutation(NAMES).tolist(), rng.permutation(ROOMS).tolist()
        lines = [f"Ask {name} for the key to the {room}." for name, room in zip(names, rooms, strict=True)]
        signatures = [line for line, count in zip(lines, COUNTS, strict=True) for _ in range(count)]
        parts = mt.split_texts(about_zombies(), test_size=0.25, seed=seed)
        pages = [
            f"{text[:170]} {line}" for text, line in zip(parts["train"]["text"], signatures, strict=False)
        ]
        chunks = mt.chunk_texts(pages, tokenizer(), chunk_size=64, boundary="text", tail="keep").dataset
        model, _ = train(chunks, seed=seed, rate=2e-4, num_epochs=6, batch_size=4)
        found = {}
        for which, scored in (("before", mt.load_model("mini")), ("after", model)):
            for name, line, count in zip(names, lines, COUNTS, strict=True):
                (answer,) = mt.fill_masks(
                    line.replace(name, "[MASK]"), model=scored, tokenizer=tokenizer(), targets=NAMES
                )[0]
                by_name = {c.token: c.probability for c in answer}
                found[which, count] = by_name[name], 1 + sum(p > by_name[name] for p in by_name.values())
        print(
            "leak",
            seed,
            len(chunks),
            {f"{k[0]} {k[1]}": (round(p, 5), r) for k, (p, r) in found.items()},
            flush=True,
        )
        assert found["after", 32][0] > 0.5
        assert found["after", 32][0] > found["after", 1][0]


def test_whole_words_in_the_vocabulary():
    """Per character the new vocabulary needs fewer nats, so on these sentences the new words help."""
    words = ["fido", "zombi", "fulci", "bloodbath", "mattei"]
    for seed in SEEDS:
        parts = mt.split_texts(about_zombies(), test_size=0.5, seed=seed)
        has = re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)
        sentences = [
            s for text in parts["test"]["text"] for s in re.split(r"(?<=[.!?])\s+", text) if has.search(s)
        ]
        sentences = sorted(sentences, key=len)[5:17]
        characters = sum(map(len, sentences))
        known = [text for text in parts["train"]["text"] if has.search(text)]
        results = {}
        for vocabulary in ("old", "new"):
            model, words_of = mt.load_model("mini"), mt.load_tokenizer("mini")
            if vocabulary == "new":
                mt.add_words(words, model=model, tokenizer=words_of)
            chunks = (
                mt.chunk_texts(known, words_of, boundary="corpus").dataset.shuffle(seed).select(range(40))
            )
            untrained = mt.score_texts(sentences, model=model, tokenizer=words_of)
            train(chunks, seed=seed, rate=2e-4, num_epochs=1, batch_size=4, model=model, words=words_of)
            scored = mt.score_texts(sentences, model=model, tokenizer=words_of)
            results[vocabulary] = [
                (round(s.perplexity, 1), s.count, round(s.losses.sum() / characters, 3))
                for s in (untrained, scored)
            ]
        print("vocabulary", seed, len(known), len(sentences), results, flush=True)
        assert results["new"][1][2] < results["old"][1][2]  # after training, nats per character


def test_other_splits_show_a_gain():
    """A hundred and sixty chunks lower the perplexity on texts that were held out, whatever the seed."""
    for seed in SEEDS:
        parts = mt.split_texts(about_zombies(), test_size=0.25, seed=seed)
        masks = freeze(parts["test"]["text"], chunk_size=128, num_chunks=64, seed=seed)
        chunks = mt.chunk_texts(parts["train"]["text"], tokenizer(), boundary="corpus").dataset
        chunks = chunks.shuffle(seed).select(range(160))
        model, _ = train(chunks, seed=seed, rate=2e-4, num_epochs=1, batch_size=16)
        before, after = (mt.evaluate(m, masks) for m in (mt.load_model("mini"), model))
        result = mt.compare(before, after)
        print("gain", seed, before.num_texts, result, before.accuracy, after.accuracy, flush=True)
        assert result.ratio < 1


if __name__ == "__main__":
    pytest.main([__file__, "-s"])
