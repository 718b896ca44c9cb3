"""What chapter 12 says of results that depend on chance, each over five seeds: `pytest -s tests/claims/12_chinese.py`."""

import functools
import re
import unicodedata

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

import mlmtutor as mt

SEEDS = range(5)
HAN = re.compile("[\u4e00-\u9fff]+")
MASKING = mt.MaskingSettings(unit="word", mask_prob=0.15)
PROMPTS = {"总的来说很[MASK]。": ("好", "差"), "非常[MASK]。": ("好", "差"), "[MASK]推荐。": ("很", "不")}


@functools.cache
def tokenizer():
    return mt.load_tokenizer("mini-zh")


@functools.cache
def jieba():
    return mt.load_segmenter("jieba")


@functools.cache
def news():
    return mt.load_chinese_news("held_out")


def chunk(texts, segmenter, *, num_chunks, seed):
    chunks = mt.chunk_texts(texts, tokenizer(), segmenter=segmenter).dataset
    return chunks.shuffle(seed).select(range(num_chunks))


def freeze(chunks, *, seed, settings=MASKING, num_draws=3):
    return mt.freeze_masks(chunks, tokenizer=tokenizer(), settings=settings, seed=seed, num_draws=num_draws)


def pick_words(*, seed, num_words=120):
    """Paragraphs with a two-character word in each: text, its beginning, and the lengths of its neighbours."""
    draw = np.random.default_rng(seed)
    cases = []
    marked = [[unicodedata.normalize("NFKC", word) for word in words] for words in news()["words"]]
    for words in (marked[i] for i in draw.permutation(len(marked))):
        text = "".join(words)
        fits = [
            number
            for number in range(1, len(words) - 1)
            if len(words[number]) == 2 and HAN.fullmatch("".join(words[number - 1 : number + 2]))
        ]
        length = len(tokenizer()(text, verbose=False).input_ids)
        if fits and length == len(text) + 2 and 20 <= len(text) <= 126:
            number = draw.choice(fits)
            begin = sum(map(len, words[:number])) + 1
            cases.append((text, begin, len(words[number - 1]), len(words[number + 1])))
        if len(cases) == num_words:
            break
    return cases


def test_a_character_is_easier_with_its_partner_in_sight():
    """A character is easier when the other one of its word is in sight, and harder yet when a phrase is masked."""
    model = mt.load_model("mini-zh")
    for seed in SEEDS:
        cases = pick_words(seed=seed)
        rows = tokenizer()([text for text, *_ in cases], padding=True, return_tensors="pt")
        losses = []
        for places in (
            [[begin + 1] for _, begin, _, _ in cases],
            [[begin, begin + 1] for _, begin, _, _ in cases],
            [list(range(begin - before, begin + 2 + after)) for _, begin, before, after in cases],
        ):
            seen, labels = rows.input_ids.clone(), torch.full_like(rows.input_ids, -100)
            for row, masked in enumerate(places):
                labels[row, cases[row][1] + 1] = seen[row, cases[row][1] + 1]
                seen[row, masked] = tokenizer().mask_token_id
            batch = {"input_ids": seen, "labels": labels, "attention_mask": rows.attention_mask}
            ((logits, truth),) = mt.score_batches(model, [batch])
            losses.append(cross_entropy(logits, truth, reduction="none").numpy())
        one, word, phrase = losses
        differences = [
            (round(float(d.mean()), 2), round(float(1.96 * d.std() / len(d) ** 0.5), 2))
            for d in (word - one, phrase - word)
        ]
        print("partner", seed, [round(float(a.mean()), 2) for a in losses], differences, flush=True)
        assert one.mean() < word.mean() < phrase.mean()


def test_whole_words_are_the_harder_test():
    """On the same chunks the perplexity is higher with whole words masked than with single characters."""
    model = mt.load_model("mini-zh")
    words_of = dict(zip(news()["text"], news()["words"], strict=True))
    single = mt.MaskingSettings(unit="token", mask_prob=0.15)
    for seed in SEEDS:
        chunks = chunk(news()["text"], words_of.get, num_chunks=64, seed=seed)
        by_jieba = chunk(news()["text"], jieba(), num_chunks=64, seed=seed)
        on_tokens = mt.evaluate(model, freeze(chunks, seed=seed, settings=single))
        on_words = mt.evaluate(model, freeze(chunks, seed=seed))
        on_jieba = mt.evaluate(model, freeze(by_jieba, seed=seed))
        print("masks", seed, on_tokens, on_words, on_jieba, sep="\n    ", flush=True)
        assert on_words.perplexity > 1.9 * on_tokens.perplexity
        assert on_jieba.perplexity > on_words.perplexity


def test_adaptation_helps_on_reviews_and_costs_on_news():
    """On held-out reviews the perplexity falls, on held-out news it rises; the task is printed, too."""
    reviews = mt.load_reviews("mini-zh", clean=True)["train"]
    reading = {"tokenizer": tokenizer(), "max_tokens": 64, "precision": "auto"}
    for seed in SEEDS:
        parts = mt.split_texts(reviews, train_size=2_816, test_size=500, seed=seed)
        pool, test = parts["train"].select(range(256)), parts["test"]
        unlabelled = parts["train"].select(range(256, 2_816))["text"]
        train_chunks = chunk(unlabelled, jieba(), num_chunks=1_000, seed=seed)
        tests = {
            "reviews": freeze(chunk(test["text"], jieba(), num_chunks=64, seed=seed), seed=seed),
            "news": freeze(chunk(news()["text"], jieba(), num_chunks=64, seed=seed), seed=seed),
        }
        models = {name: mt.load_model("mini-zh") for name in ("before", "after")}
        settings = mt.TrainingSettings(num_epochs=1, batch_size=16, learning_rate=2e-4, seed=seed)
        mt.train_masked_lm(
            models["after"], train_chunks, tokenizer=tokenizer(), masking=MASKING, settings=settings
        )
        ratios = {
            name: mt.compare(*(mt.evaluate(model, masks) for model in models.values()))
            for name, masks in tests.items()
        }
        leaning, scores = [], []
        for model in models.values():
            asked = [
                mt.score_prompt(test["text"][:], prompt=prompt, words=words, model=model, **reading)
                for prompt, words in PROMPTS.items()
            ]
            leaning.append(np.array(asked))
            in_pool, in_test = (mt.embed_texts(t["text"][:], model=model, **reading) for t in (pool, test))
            scores.append(
                mt.score_few_labels(
                    in_pool,
                    pool["label"][:],
                    test_features=in_test,
                    test_labels=test["label"][:],
                    sizes=[8, 32, 128],
                    seed=seed,
                )
            )
        print("adapt", seed, ratios["reviews"], ratios["news"], sep="\n    ")
        print("   ", mt.compare_auc(test["label"][:], *leaning))
        for size, d in mt.compare_scores(*scores).items():
            print(f"    {size} labels: {[found.means[size] for found in scores]}", d, flush=True)
        assert ratios["reviews"].high < 1 < ratios["news"].ratio


if __name__ == "__main__":
    pytest.main([__file__, "-s"])
