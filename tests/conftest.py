"""What several test files share: the tiny tokenizer, the real one, and the offline reviews."""

import pytest

from mlmtutor.testing import tiny_tokenizer


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
