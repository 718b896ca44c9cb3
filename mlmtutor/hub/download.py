"""Files from the Hub or, where the Hub cannot give them, from its cache on this machine."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlmtutor.hub.problems import HubError, damaged, may_send_token, not_a_hub
from mlmtutor.hub.route import ask_hub
from mlmtutor.model.messages import show

SHA256 = re.compile(r"[0-9a-f]{64}")
CHECKPOINT_FILES = (
    "config.json", "adapter_config.json", "model.safetensors", "model.safetensors.index.json",
    "model-*-of-*.safetensors",
)  # fmt: skip
TOKENIZER_FILES = (
    "config.json", "tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt",
    "merges.txt", "bpe.codes", "*.model",
)  # fmt: skip

logger = logging.getLogger(__name__)


def fetch_folder(name: str, *, what: str, files: Sequence[str]) -> Path:
    """Download files of a model's repository, or find them in the cache.

    Args:
        name: Hub id.
        what: "model" or "tokenizer", for messages.
        files: Patterns of the files that are needed; the others stay on the Hub.

    Returns:
        The folder in the cache.

    Raises:
        OSError: As in :func:`mlmtutor.hub.route.ask_hub`, if the cache does not have them either.
    """
    from huggingface_hub import snapshot_download

    which: dict[str, Any] = {"allow_patterns": list(files), "ignore_patterns": "*/*"}

    def download() -> Path:
        began = time.time()
        with expect_hub():
            folder = Path(snapshot_download(name, token=choose_token(), **which))
        for file in folder.iterdir():
            check_download(file, began=began)
        return folder

    try:
        return ask_hub(f"the {what} {show(name)}", download)
    except ConnectionError as error:
        with suppress(Exception):
            folder = Path(snapshot_download(name, local_files_only=True, **which))
            logger.info("%s; the copy in the cache is used", error)
            return folder
        raise


@contextmanager
def expect_hub() -> Iterator[None]:
    """Take what the client library cannot make sense of for an answer of somebody else.

    Raises:
        HubError: If the library fails in another way than errors of the network and the disk do.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise HubError(not_a_hub("something else")) from error


def choose_token() -> bool | None:
    """Return what the client library takes for "the user's token where it may go, else none"."""
    from huggingface_hub import constants

    return None if may_send_token(constants.ENDPOINT) else False


def check_download(file: Path, *, began: float) -> None:
    """Check a file of the cache that was downloaded since ``began``, and remove it if it is not what the Hub has.

    Raises:
        HubError: If its SHA-256 is not the one that the Hub names, or if it is a web page.
    """
    content = file.resolve()
    # a second's grace, since the clock of a file system is coarse
    if not content.is_file() or content.stat().st_mtime < began - 1:
        return
    problem = None
    # large files lie in the cache under their SHA-256, as the Hub named it
    if SHA256.fullmatch(content.name):
        with content.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != content.name:
                problem = damaged(f"another {show(file.name)} than it names")
    elif file.suffix not in (".html", ".htm", ".md") and is_web_page(content):
        problem = not_a_hub("a web page")
    if problem:
        file.unlink()
        content.unlink(missing_ok=True)
        raise HubError(problem)


def is_web_page(file: Path) -> bool:
    """Return whether a file begins as a page in HTML does."""
    with file.open("rb") as stream:
        return stream.read(512).lstrip().lower().startswith((b"<!doctype html", b"<html"))
