import numpy as np
import pytest

from mlmtutor import MaskingSettings, chunk_texts, cut_masks, freeze_masks


@pytest.fixture
def masks(tiny):
    chunks = chunk_texts(["the film was good"] * 30, tiny, chunk_size=12).dataset
    return freeze_masks(chunks, tokenizer=tiny, settings=MaskingSettings(), seed=0)


def test_masked_tokens_and_their_order_stay_the_same(masks):
    cut = cut_masks(masks, chunk_size=4)
    assert cut.labels.shape == (3 * len(masks), 4)
    for name in ("input_ids", "labels"):
        assert np.array_equal(getattr(cut, name).ravel(), getattr(masks, name).ravel())
    assert np.array_equal(cut.kinds().ravel(), masks.kinds().ravel())
    assert np.array_equal(cut.text_index, np.repeat(masks.text_index, 3))


def test_another_chunk_size_is_another_test(masks):
    digests = {cut_masks(masks, chunk_size=size).sha256 for size in (2, 4, 6, 4)}
    assert len(digests | {masks.sha256}) == 4


@pytest.mark.parametrize("size", [0, 5, 24])
def test_chunks_that_would_not_be_equal_are_refused(masks, size):
    with pytest.raises(ValueError, match=f"chunk_size must divide the 12 tokens of a chunk, got {size}"):
        cut_masks(masks, chunk_size=size)
