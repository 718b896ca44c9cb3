"""What chapter 1 says of training, tried with five seeds: about four minutes in all.

Run by hand: ``pytest tests/claims/01_fill_mask.py -s`` prints the guesses as well.
"""

import pytest

import mlmtutor as mt

SENTENCE = "This is a great [MASK]."
NUM_CHUNKS, CHUNK_SIZE = 800, 128


def guess(model, tokenizer):
    return [c.token for c in mt.fill_masks(SENTENCE, model=model, tokenizer=tokenizer)[0][0]]


@pytest.mark.parametrize("seed", range(5))
def test_movie_is_among_the_first_three_after_adapting(seed):
    """Chapter 1: "five runs with different reviews and masks; "movie" was among the first three in each of them"."""
    tokenizer, model = mt.load_tokenizer("mini"), mt.load_model("mini")
    before = guess(model, tokenizer)
    reviews = mt.load_reviews("mini", clean=True)["train"].shuffle(seed).select(range(500))
    chunks = mt.chunk_texts(reviews["text"], tokenizer, chunk_size=CHUNK_SIZE).dataset.shuffle(seed)
    settings = mt.TrainingSettings(num_epochs=1, batch_size=16, learning_rate=2e-4, seed=seed)
    masking = mt.MaskingSettings(unit="word", mask_prob=0.2)
    mt.train_masked_lm(
        model, chunks.select(range(NUM_CHUNKS)), tokenizer=tokenizer, masking=masking, settings=settings
    )
    after = guess(model, tokenizer)
    print(f"seed {seed}: {', '.join(before)} -> {', '.join(after)}")
    assert not {"movie", "film"} & set(before)
    assert "movie" in after[:3]
