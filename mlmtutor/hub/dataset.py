"""Data sets from the Hub, from its cache, or from a folder in its layout."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmtutor.hub.download import check_download, choose_token, expect_hub
from mlmtutor.hub.names import find_folder
from mlmtutor.hub.route import ask_hub
from mlmtutor.model.messages import flatten, show

if TYPE_CHECKING:
    from datasets import DatasetBuilder

logger = logging.getLogger(__name__)

REMOTE_FILE = re.compile(r"hf://datasets/([^@]+)@([^/]+)/(.+)")  # repository, commit, path


def load_hub_dataset(name: str, *, split: str | None = None, config: str | None = None) -> Any:
    """Load a data set from the Hub or, where the Hub cannot give it, from its cache.

    Args:
        name: Hub id, or a local folder in the Hub's layout.
        split: One split, or None for all.
        config: The configuration, for a data set that has several.

    Returns:
        A ``Dataset``, or a ``DatasetDict`` of all splits.

    Raises:
        FileNotFoundError: If there is no such data set.
        ValueError: If it has no such split or configuration, or cannot be read.
        ConnectionError: If the Hub cannot be reached or fails, and the data set is not in the cache.
        PermissionError: If it is private or gated.
    """
    place = f"the data set {show(name)}"
    folder = find_folder(name, what="a data set")
    prepare = partial(_prepare, str(folder or name), config=config, place=place)
    builder = prepare() if folder else _fetch(name, prepare, place=place)
    try:
        return builder.as_dataset(split=split)
    except ValueError as error:
        raise ValueError(
            f"expected a split of {place}, found {show(split)}: choose with --split NAME one of "
            f"{_list(builder.info.splits)}"
        ) from error


def _fetch(name: str, prepare: Callable[..., DatasetBuilder], *, place: str) -> DatasetBuilder:
    """Prepare a data set from the Hub or, where the Hub cannot give it, from the cache."""
    from huggingface_hub import HfApi

    def download() -> DatasetBuilder:
        with expect_hub():
            commit = HfApi(token=choose_token()).dataset_info(name).sha
        return prepare(revision=commit)

    try:
        return ask_hub(place, download)
    except ConnectionError as error:
        with suppress(Exception), _offline():
            builder = prepare()
            logger.info("%s; the copy in the cache is used", error)
            return builder
        raise


def _prepare(source: str, *, config: str | None, place: str, revision: str | None = None) -> DatasetBuilder:
    """Download what is not in the cache yet, and make tables of it."""
    from datasets import config as library
    from datasets import get_dataset_config_names, load_dataset_builder

    library.HF_UPDATE_DOWNLOAD_COUNTS = False  # it would tell another host the name, also of a folder
    which = {"revision": revision, "token": choose_token()}
    try:
        try:
            builder = load_dataset_builder(source, config, **which)
        except ValueError:
            names = get_dataset_config_names(source, **which)
            if config in names:
                raise
        else:
            _download_files(builder)
            builder.download_and_prepare()
            return builder
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise  # a full disk is no fault of the data set
        raise ValueError(f"cannot read {place}: {_explain(error)}") from error
    found = show(config) if config else "none"
    raise ValueError(
        f"expected a configuration of {place}, found {found}: choose with --config NAME one of {_list(names)}"
    )


def _download_files(builder: DatasetBuilder) -> None:
    """Download the files of a data set one by one, and check each, before any of them is read."""
    from huggingface_hub import hf_hub_download

    began = time.time()
    if Path(builder.cache_dir, "dataset_info.json").is_file():
        return  # the tables are in the cache
    for address in chain.from_iterable((builder.config.data_files or {}).values()):
        if match := REMOTE_FILE.fullmatch(str(address)):
            repository, commit, path = match.groups()
            file = hf_hub_download(
                repository, path, repo_type="dataset", revision=commit, token=choose_token()
            )
            check_download(Path(file), began=began)


@contextmanager
def _offline() -> Iterator[None]:
    """Use the libraries' caches without trying the network."""
    from datasets import config
    from huggingface_hub import constants

    before = config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


def _explain(error: Exception) -> str:
    """Return one line about an error of the libraries."""
    if "scripts are no longer supported" in str(error):
        return "it is a loading script, and those are never run: choose one in Parquet, CSV or JSON"
    return flatten(error, longest=120)


def _list(names: Iterable[str]) -> str:
    return flatten(", ".join(names), longest=120)
