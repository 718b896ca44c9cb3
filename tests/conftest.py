"""What several test files share: the tiny tokenizer, the real one, and the offline reviews."""

import pytest
import torch

from mlmtutor.testing import tiny_tokenizer


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny matrices: threads that wait for each other on a busy machine are slower than none."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny():
    return tiny_tokenizer()


@pytest.fixture(scope="session")
def bert_tokenizer():
    """The BERT uncased vocabulary, from the installed encoder."""
    from mlmtutor import load_tokenizer

    return load_tokenizer("mini")


@pytest.fixture(scope="session")
def reviews():
    """The 25,000 labelled IMDb train reviews."""
    from mlmtutor import load_reviews

    return load_reviews("mini")["train"]


@pytest.fixture(scope="module")
def model():
    """A random BERT for the vocabulary of `tiny`, spread enough that its choices differ."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=18, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=16, initializer_range=0.5,
    )  # fmt: skip
    return BertForMaskedLM(config).eval()
