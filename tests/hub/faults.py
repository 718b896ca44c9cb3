"""Ways in which a Hub can fail, and a way to try each for a model, a tokenizer and a data set.

``make torture`` tries all.
"""

import contextlib
import socket
import tempfile
import time
from pathlib import Path
from unittest import mock

from hub_standin import run_hub

LIMIT = 10  # seconds until a failure must have ended
WHATS = ("model", "tokenizer", "data set")
# mode -> words of the message
EVERYWHERE = {
    "refused": "cannot be reached: [Errno 111] Connection refused",
    "unknown host": "cannot be reached: [Errno",
    "silent name look-up": "sent nothing useful for",
    "no TLS": "cannot be reached: [SSL",
    "no URL": "HF_ENDPOINT is 'not a url', which is no address: set it to",
    "silent": "sent nothing useful for",
    "silent after /": "sent nothing useful for",
    "drip of headers": "sent nothing useful for",
    "closed": "cannot be reached: Server disconnected",
    "garbage": "cannot be reached: ",
    "garbage in JSON": "instead of what a Hub sends",
    "code400": "answers with status 400",
    "code401": "does not let you have it (status 401)",
    "code403": "does not let you have it (status 403)",
    "code404": "has none of this name: check the spelling",
    "code429": "limits how often it is asked (status 429): wait",
    "code429 wait": "limits how often it is asked (status 429): wait",
    "code500": "has trouble (status 500): try again later",
    "code502": "has trouble (status 502): try again later",
    "code503": "has trouble (status 503): try again later",
    "code504": "has trouble (status 504): try again later",
    "web page": "answers with a web page instead of what a Hub sends: log in",
    "web page as a file": "instead of what a Hub sends: log in",
    "login page": "answers with a web page instead of what a Hub sends: log in",
    "redirect to itself": "redirects",
    "redirect without end": "redirects",
}
IN_LARGE_FILES = {
    "cut": "broke off in the middle of '",
    "cut, no ranges": "broke off in the middle of '",
    "wrong hash": "than it names: the damaged file was removed",
    "wrong size": "of another size than it had announced: the damaged file was removed",
    "drip": "sent nothing useful for",
    "silent in the middle": "sent nothing useful for",
}
FAULTS = [(mode, what) for mode in EVERYWHERE for what in WHATS] + [
    (mode, what) for mode in IN_LARGE_FILES for what in ("model", "data set")
]
EXPECTED = EVERYWHERE | IN_LARGE_FILES


def make_repositories(root):
    """Write a tiny model and a tiny data set, both ``someone/tiny``, where the stand-in serves them."""
    from datasets import Dataset
    from transformers import DistilBertConfig, DistilBertForMaskedLM

    from mlmtutor.testing import tiny_tokenizer

    config = DistilBertConfig(
        vocab_size=18, dim=16, n_heads=2, n_layers=1, hidden_dim=32, max_position_embeddings=64
    )
    folder = Path(root, "models/someone/tiny")
    DistilBertForMaskedLM(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    data = Path(root, "datasets/someone/tiny/data")
    data.mkdir(parents=True)
    texts = [f"{number * 7919 % 10_007} good films" for number in range(2_000)]
    Dataset.from_dict({"text": texts}).to_parquet(data / "train-00000.parquet")


@contextlib.contextmanager
def use_hub(endpoint, cache):
    """Let this process use another Hub with another cache, as if it had been started so."""
    from datasets import config
    from huggingface_hub import constants

    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    with (
        mock.patch.multiple(
            constants, ENDPOINT=endpoint, HUGGINGFACE_CO_URL_TEMPLATE=template, HF_HUB_OFFLINE=False,
            HF_HUB_CACHE=f"{cache}/hub",
        ),
        mock.patch.multiple(
            config, HF_ENDPOINT=endpoint, HF_HUB_OFFLINE=False, HF_DATASETS_CACHE=Path(cache, "datasets")
        ),
        mock.patch.dict("os.environ", {"NO_PROXY": "127.0.0.1"}),
    ):  # fmt: skip
        yield


@contextlib.contextmanager
def start_fault(mode, root):
    """Yield the address of a Hub with a trouble."""
    if mode == "refused":
        yield "http://127.0.0.1:9"
    elif mode == "unknown host":
        with mock.patch("socket.getaddrinfo", side_effect=socket.gaierror(-2, "Name or service not known")):
            yield "https://hub.invalid"
    elif mode == "silent name look-up":
        with mock.patch("socket.getaddrinfo", side_effect=lambda *args, **options: time.sleep(20)):
            yield "https://hub.invalid"
    elif mode == "no URL":
        yield "not a url"
    else:
        with run_hub(root, mode=mode) as (address, _):
            yield address.replace("http:", "https:") if mode == "no TLS" else address


def load(what, name="someone/tiny"):
    from mlmtutor import load_model, load_tokenizer
    from mlmtutor.hub.dataset import load_hub_dataset

    return {"model": load_model, "tokenizer": load_tokenizer, "data set": load_hub_dataset}[what](name)


def try_fault(mode, what, *, root=None):
    """Ask a Hub that fails for something.

    Args:
        mode: One of ``EXPECTED``.
        what: One of ``WHATS``.
        root: Folder with the repositories, if they were made before.

    Returns:
        The seconds that it took, and the error's type and message, or "no error".
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if root is None:
            root = folder
            make_repositories(root)
        with start_fault(mode, root) as endpoint, use_hub(endpoint, f"{folder}/cache"):
            began = time.monotonic()
            try:
                load(what)
                message = "no error"
            except Exception as error:
                message = f"{type(error).__name__}: {error}"
            return time.monotonic() - began, message
