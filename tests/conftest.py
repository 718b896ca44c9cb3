"""What several test files share: the tiny tokenizer, the real one, the offline reviews; and how the tests are dealt out."""

import gc
import os
import shutil

import numpy as np
import pytest
import torch

from mlmtutor.testing import tiny_tokenizer

# with `--dist loadfile`, a process runs a whole file; these take longest
FIRST = ["test_colab.py", "test_parameter_sets.py", "test_source.py", "test_every_page.py", "test_nbgrader.py",
         "test_torture.py", "test_train.py", "test_release.py"]  # fmt: skip
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--no-first-run"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, so that no process is left alone with one of them."""
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))


@pytest.fixture(autouse=True, scope="session")
def few_objects():
    """Collecting garbage, which libraries do at each end of a training, looks at what tests make, not at all modules."""
    gc.collect()
    gc.freeze()


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


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Folder of a random DistilBERT for the vocabulary of `tiny`."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("checkpoint")
    from transformers import DistilBertConfig, DistilBertForMaskedLM

    config = DistilBertConfig(
        vocab_size=18, dim=16, n_heads=2, n_layers=1, hidden_dim=32, max_position_embeddings=64
    )
    DistilBertForMaskedLM(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def prose(tmp_path_factory):
    """Ten .txt files with a grammar that can be learned: 'the film was good .' and the like."""
    folder = tmp_path_factory.mktemp("prose")
    generator = np.random.default_rng(0)
    for number in range(10):
        sentences = [
            f"the {generator.choice(['film', 'actor'])} was {generator.choice(['good', 'bad'])} ."
            for _ in range(30)
        ]
        (folder / f"{number}.txt").write_text("\n\n".join(sentences))
    return folder


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium. Without one, the tests fail where CI is set and are skipped elsewhere."""
    executable = shutil.which("chromium")
    if executable is None:
        message = "NO BROWSER: the pages were not looked at; `apt-get install chromium` lets these tests run"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()
