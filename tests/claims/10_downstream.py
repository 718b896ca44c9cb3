"""Chapter 10: what five other splits and adaptations say of prompts and of frozen features, and five other tests of long ones."""

import numpy as np
import pytest

import mlmtutor as mt

PROMPTS = [
    ("All in all, it was [MASK].", ("great", "terrible")),
    ("This movie was [MASK].", ("great", "terrible")),
    ("It was [MASK].", ("good", "bad")),
]


def run(seed):
    """The chapter's comparison with another split, another adaptation and other draws."""
    tokenizer = mt.load_tokenizer("mini")
    reviews = mt.load_reviews("mini", clean=True)["train"]
    parts = mt.split_texts(reviews, train_size=256 + 800, test_size=300, seed=seed)
    test, pool = parts["test"], parts["train"].select(range(256))
    chunks = mt.chunk_texts(parts["train"].select(range(256, 1056))["text"], tokenizer).dataset.shuffle(seed)
    models = {name: mt.load_model("mini") for name in ("base", "adapted")}
    settings = mt.TrainingSettings(num_epochs=1, batch_size=16, seed=seed, learning_rate=2e-4)
    masking = mt.MaskingSettings(unit="word", mask_prob=0.2)
    mt.train_masked_lm(
        models["adapted"], chunks.select(range(800)), tokenizer=tokenizer, masking=masking, settings=settings
    )
    leaning, scores = {}, {}
    for name, model in models.items():
        asking = {"model": model, "tokenizer": tokenizer, "precision": "auto"}
        leaning[name] = np.array(
            [
                mt.score_prompt(test["text"][:], prompt=prompt, words=words, **asking)
                for prompt, words in PROMPTS
            ]
        )
        in_pool, in_test = (mt.embed_texts(part["text"][:], keep="last", **asking) for part in (pool, test))
        scores[name] = mt.score_few_labels(
            in_pool,
            pool["label"][:],
            test_features=in_test,
            test_labels=test["label"][:],
            sizes=[8, 128],
            seed=seed,
        )
    areas = mt.compare_auc(test["label"][:], leaning["base"], leaning["adapted"])
    return areas, mt.compare_scores(scores["base"], scores["adapted"])


@pytest.fixture(scope="module")
def runs():
    return [run(seed) for seed in range(1, 6)]


def test_the_base_model_ranks_reviews_without_a_label(runs):
    """On five other splits its AUC was between 0.72 and 0.79."""
    assert all(0.70 < areas.before < 0.82 for areas, _ in runs)


def test_a_minute_of_reviews_helps_a_little(runs):
    """Five of the six gains are positive, and their mean is +0.012, with a 95 % interval from +0.003 to +0.021."""
    gains = np.array([areas.after - areas.before for areas, _ in runs])
    print("gains:", gains.round(3))
    assert 0.003 < gains.mean() < 0.025 and (gains > 0).sum() >= 4


def test_features_are_neither_clearly_better_nor_clearly_worse(runs):
    """Differences between -0.9 and +0.3 points with 8 labels, and between -0.5 and +1.3 points with 128."""
    for size in (8, 128):
        gains = np.array([100 * differences[size].mean for _, differences in runs])
        print(size, gains.round(1))
        assert (np.abs(gains) < 2.5).all() and abs(gains.mean()) < 1.2


@pytest.fixture(scope="module")
def long_runs():
    """The long adaptations on five other sets of 300 reviews that none of them has read; each was trained once."""
    tokenizer = mt.load_tokenizer("mini")
    models = {name: mt.load_model(name) for name in ("mini", "mini-imdb", "mini-more")}
    unread = mt.load_unread_reviews()
    found = []
    for number in range(1, 6):
        part = unread.select(range(300 * number, 300 * number + 300))
        scores = {
            name: np.array(
                [
                    mt.score_prompt(
                        part["text"][:], prompt=prompt, words=words, model=model, tokenizer=tokenizer,
                        precision="auto",
                    )
                    for prompt, words in PROMPTS[:1]
                ]
            )
            for name, model in models.items()
        }  # fmt: skip
        labels = part["label"][:]
        found.append(
            {
                name: mt.compare_auc(labels, scores["mini"], scores[name])
                for name in ("mini-imdb", "mini-more")
            }
        )
        print(
            {
                name: f"{areas.before:.3f} {areas.after - areas.before:+.3f}"
                for name, areas in found[-1].items()
            }
        )
    return found


def test_long_reading_of_reviews_helps_more_than_as_much_general_english(long_runs):
    """On five other sets of 300 unread reviews, `mini-imdb` was ahead of the control each time."""
    gains = {
        name: np.array([areas[name].after - areas[name].before for areas in long_runs])
        for name in ("mini-imdb", "mini-more")
    }
    assert (gains["mini-imdb"] > gains["mini-more"]).all()
