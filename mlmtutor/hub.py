"""The one place that decides where a model, a tokenizer or a set of texts comes from."""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmtutor.device import find_device
from mlmtutor.files import SUFFIXES, read_texts
from mlmtutor.progress import no_library_bars

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MINI = "mini"
PROFILES = {  # profile -> (model, reviews)
    MINI: (MINI, MINI),
    "full": ("distilbert/distilbert-base-uncased", "stanfordnlp/imdb"),
}
PROFILE_VARIABLE = "MLMTUTOR_PROFILE"
REMEDIES = (
    "Remedies: use 'mini' (works offline), a local folder, a mirror (set HF_ENDPOINT before Python starts), "
    "or a machine where it is already in the cache."
)


@dataclass(frozen=True)
class Profile:
    """Which model and which reviews a run uses, on which device, and why.

    Attributes:
        name: ``"mini"`` or ``"full"``.
        model: What to give to :func:`load_model`.
        reviews: What to give to :func:`mlmtutor.reviews.load_reviews`.
        device: ``"cuda"``, ``"mps"`` or ``"cpu"``.
        reason: One clause that says why.
    """

    name: str
    model: str
    reviews: str
    device: str
    reason: str

    def __str__(self) -> str:
        return f"profile {self.name}: model {self.model}, reviews {self.reviews}, on {self.device} ({self.reason})"


def choose_profile(name: str = "auto") -> Profile:
    """Choose where the model and the reviews come from.

    Args:
        name: ``"mini"``, ``"full"`` or ``"auto"``: full where a GPU and the Hub are there, mini otherwise. The
            environment variable MLMTUTOR_PROFILE takes the place of ``"auto"``.

    Returns:
        The :class:`Profile`; print it, and it says what was taken and why.

    Raises:
        ValueError: If there is no such profile.

    Example:
        >>> choose_profile("mini").model
        'mini'

    Source: chapter 01_fill_mask.
    """
    reason = "asked for"
    if name == "auto" and (from_environment := os.environ.get(PROFILE_VARIABLE)):
        name, reason = from_environment, f"{PROFILE_VARIABLE} is set"
    if name not in ("auto", *PROFILES):
        raise ValueError(f"profile must be 'auto', 'mini' or 'full', got {name!r}")
    device = find_device()
    if name == "auto":
        problem = "no GPU" if device != "cuda" else find_hub_problem()
        name = MINI if problem else "full"
        reason = problem or "a GPU and the Hub are there"
    return Profile(name, *PROFILES[name], device, reason)


def find_hub_problem(*, timeout: float = 5.0) -> str | None:
    """Ask the Hub for a sign of life and say what is wrong, or None if it answers.

    Args:
        timeout: Seconds to wait at most, name look-up included.

    Returns:
        One clause, or None. HF_ENDPOINT, proxies and offline mode are honoured.

    Example:
        >>> problem = find_hub_problem(timeout=1)
        >>> problem is None or "HF_HUB_OFFLINE" in problem or "http" in problem
        True

    Source: chapter 01_fill_mask.
    """
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return "offline mode is set (HF_HUB_OFFLINE)"
    answer: list[str | None] = [f"{constants.ENDPOINT} did not answer within {timeout:g} s"]

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(constants.ENDPOINT, method="HEAD"), timeout=timeout)
            answer[0] = None
        except urllib.error.HTTPError:
            answer[0] = None  # it answered, if not politely
        except (OSError, ValueError) as error:
            answer[0] = f"{constants.ENDPOINT} cannot be reached: {getattr(error, 'reason', error)}"

    # a thread, since a name look-up whose packets are dropped has no timeout of its own
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout)
    return answer[0]


def load_model(source: str | os.PathLike[str] = MINI) -> PreTrainedModel:
    """Load a masked language model.

    Args:
        source: ``"mini"``, a Hub id such as ``"distilbert/distilbert-base-uncased"``, or a local folder.

    Returns:
        The model in fp32, in evaluation mode, on the CPU. Its weights come from safetensors only.

    Raises:
        FileNotFoundError: If the folder or the repository is not there.
        ConnectionError: If the Hub cannot be reached and the model is not in the cache.
        ValueError: If the checkpoint is not a masked language model.

    Example:
        >>> f"{load_model('mini').num_parameters():,}"
        '22,744,506'

    Source: chapter 01_fill_mask.
    """
    if str(source) == MINI:
        from mlmtutor.mini import load_mini_model

        return load_mini_model()
    from transformers import AutoModelForMaskedLM
    from transformers.utils import logging

    def load(name: str, **options: Any) -> tuple[PreTrainedModel, dict[str, Any]]:
        was = logging.get_verbosity()
        logging.set_verbosity_error()  # what matters of the loading report is raised below
        try:
            # a download keeps its bar
            with no_library_bars() if options["local_files_only"] else nullcontext():
                return AutoModelForMaskedLM.from_pretrained(
                    name, dtype="float32", use_safetensors=True, output_loading_info=True, **options
                )
        finally:
            logging.set_verbosity(was)

    model, report = _load("model", source, load)
    head = sorted(key for key in report["missing_keys"] if not key.startswith(f"{model.base_model_prefix}."))
    if head:
        raise ValueError(
            f"expected a checkpoint with a masked-LM head, found {source!r} without {head[0]}: "
            "it is an encoder or a model for another task, its predictions would be random"
        )
    return model.eval()


def load_tokenizer(source: str | os.PathLike[str] = MINI) -> PreTrainedTokenizerBase:
    """Load the fast tokenizer of a masked language model.

    Args:
        source: ``"mini"``, a Hub id or a local folder, as for :func:`load_model`.

    Raises:
        FileNotFoundError: If the folder or the repository is not there.
        ConnectionError: If the Hub cannot be reached and the tokenizer is not in the cache.
        ValueError: If the tokenizer has no mask token.

    Example:
        >>> load_tokenizer("mini").mask_token_id
        103

    Source: chapter 01_fill_mask.
    """
    if str(source) == MINI:
        from mlmtutor.mini import load_mini_tokenizer

        return load_mini_tokenizer()
    from transformers import AutoTokenizer

    tokenizer = _load("tokenizer", source, AutoTokenizer.from_pretrained)
    if tokenizer.mask_token_id is None:
        raise ValueError(
            f"expected a masked language model, found {source!r}, whose tokenizer has no mask token"
        )
    return tokenizer


def _load(what: str, source: str | os.PathLike[str], load: Any) -> Any:
    """Call ``load(name, local_files_only=...)``, and say in one message what went wrong."""
    name = os.fspath(source)
    if Path(name).is_dir():
        problem, options = None, {"local_files_only": True}
    elif not _is_hub_id(name):
        hint = " (a Hub id has the form owner/name)" if "/" not in name else ""
        raise FileNotFoundError(
            f"expected 'mini', a Hub id or a folder with a {what}, found no {name!r}{hint}"
        )
    else:
        problem = find_hub_problem()
        options = {"local_files_only": problem is not None}
    try:
        return load(name, **options)
    except Exception as error:
        if not isinstance(error, (OSError, ValueError, KeyError, RuntimeError, ImportError)):
            raise
        if problem is not None:
            raise ConnectionError(f"asked for the {what} {name!r}, but {problem}. {REMEDIES}") from error
        reason = " ".join(str(error).split())
        if "Unrecognized configuration class" in reason:
            reason = "its architecture has no masked-LM head; is it a causal language model?"
        kind = FileNotFoundError if isinstance(error, OSError) else ValueError
        raise kind(f"cannot load the {what} {name!r}: {reason:.300}") from error


def load_texts(source: str | os.PathLike[str], *, text_column: str = "text", split: str = "train") -> Dataset:
    """Load texts to adapt a model to.

    Args:
        source: ``"mini"`` for the offline IMDb reviews, a file (.txt, .csv, .jsonl, .parquet), a folder of such
            files, or the Hub id of a data set.
        text_column: The column that holds the texts.
        split: Which split of a Hub data set.

    Returns:
        A data set with the one column ``text``.

    Raises:
        FileNotFoundError: If there is no such file, folder or data set.
        ConnectionError: If the Hub is needed and cannot be reached.
        ValueError: If the files hold no texts, or not the column or split.

    Example:
        >>> len(load_texts("mini"))
        25000

    Source: chapter 11_your_domain.
    """
    from datasets import Dataset

    name = os.fspath(source)
    if name == MINI:
        from mlmtutor.reviews import load_reviews

        return load_reviews(MINI)["train"].select_columns("text")
    if Path(name).exists() or not _is_hub_id(name) or Path(name).suffix.lower() in SUFFIXES:
        return Dataset.from_dict({"text": read_texts(name, text_column=text_column)})
    dataset = load_hub_dataset(name, split=split)
    if text_column not in dataset.column_names:
        raise ValueError(
            f"expected the column {text_column!r} in {name!r}, found {', '.join(dataset.column_names)}"
        )
    return dataset.select_columns(text_column).rename_columns(
        {text_column: "text"} if text_column != "text" else {}
    )


def load_hub_dataset(name: str, *, split: str | None = None) -> Any:
    """Load a data set from the Hub or, where the Hub cannot be reached, from its cache.

    Args:
        name: Hub id, or a local folder in the Hub's layout.
        split: One split, or None for all.

    Returns:
        A ``Dataset``, or a ``DatasetDict`` of all splits.

    Raises:
        FileNotFoundError: If there is no such data set or split.
        ConnectionError: If the Hub cannot be reached and the data set is not in the cache.
    """
    from datasets import load_dataset

    problem = None if Path(name).is_dir() else find_hub_problem()
    try:
        with _hub_is_off() if problem else nullcontext():
            return load_dataset(name, split=split)
    except Exception as error:
        if problem:
            raise ConnectionError(f"asked for the data set {name!r}, but {problem}. {REMEDIES}") from error
        reason = " ".join(str(error).split())
        which = f"split {split!r} of the data set" if split else "the data set"
        raise FileNotFoundError(f"cannot load {which} {name!r}: {reason:.300}") from error


@contextmanager
def _hub_is_off() -> Iterator[None]:
    """Have the libraries look into their caches at once, in place of asking a Hub that does not answer."""
    from datasets import config
    from huggingface_hub import constants

    before = config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


def _is_hub_id(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))
