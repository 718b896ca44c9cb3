"""The one place that decides where models, tokenizers and data sets come from, and where a model goes to."""

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

from mlmtutor.model.device import find_device
from mlmtutor.model.progress import no_library_bars

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MINI = "mini"
HUB = "https://huggingface.co"
NEEDED_TO_SHARE = ("README.md", "config.json", "model.safetensors", "tokenizer.json")
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
        model: The argument for :func:`load_model`.
        reviews: The argument for :func:`mlmtutor.texts.reviews.load_reviews`.
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
            environment variable MLMTUTOR_PROFILE replaces ``"auto"``.

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
    """Ask the Hub for an answer and return what is wrong, or None.

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
    elif not is_hub_id(name):
        hint = " (a Hub id has the form owner/name)" if "/" not in name else ""
        raise FileNotFoundError(
            f"expected 'mini', a Hub id or a folder with a {what}, found no {name!r}{hint}"
        )
    else:
        problem = find_hub_problem()
        options = {"local_files_only": problem is not None}
    try:
        return load(name, **options)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        if problem is not None:
            raise ConnectionError(f"asked for the {what} {name!r}, but {problem}. {REMEDIES}") from error
        reason = " ".join(str(error).split())
        if "Unrecognized configuration class" in reason:
            reason = "its architecture has no masked-LM head; is it a causal language model?"
        kind = FileNotFoundError if isinstance(error, OSError) else ValueError
        raise kind(f"cannot load the {what} {name!r}: {reason:.300}") from error


def load_hub_dataset(name: str, *, split: str | None = None, config: str | None = None) -> Any:
    """Load a data set from the Hub or, where the Hub cannot be reached, from its cache.

    Args:
        name: Hub id, or a local folder in the Hub's layout.
        split: One split, or None for all.
        config: One of several configurations.

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
            return load_dataset(name, config, split=split)
    except Exception as error:
        if problem:
            raise ConnectionError(f"asked for the data set {name!r}, but {problem}. {REMEDIES}") from error
        reason = " ".join(str(error).split())
        which = f"split {split!r} of the data set" if split else "the data set"
        raise FileNotFoundError(f"cannot load {which} {name!r}: {reason:.300}") from error


@contextmanager
def _hub_is_off() -> Iterator[None]:
    """Use the libraries' caches without trying the network."""
    from datasets import config
    from huggingface_hub import constants

    before = config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


def is_hub_id(name: str) -> bool:
    """Return whether a name has the form of a Hub id, ``owner/name``."""
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))


def upload_model(folder: str | os.PathLike[str], *, repo_id: str, private: bool = True) -> str:
    """Upload a folder with an adapted model to the Hub.

    Args:
        folder: What ``mlmtutor adapt`` wrote: weights in safetensors, tokenizer and card.
        repo_id: Where to, as ``owner/name``. Made if it is not there.
        private: Whether a new repository is visible to its owner only.

    Returns:
        The address of the repository.

    Raises:
        FileNotFoundError: If the folder lacks weights, tokenizer or card.
        ValueError: If ``repo_id`` is not ``owner/name``, or ``HF_ENDPOINT`` names another server than the Hub: the
            token that proves who you are would be sent there.
        PermissionError: If nobody is logged in.

    Example:
        >>> upload_model("no_such_folder", repo_id="reader/imdb")
        Traceback (most recent call last):
            ...
        FileNotFoundError: expected README.md in 'no_such_folder', found none: a model without it cannot be shared

    Source: chapter 08_adapted_model.
    """
    from huggingface_hub import HfApi, constants, get_token

    for name in NEEDED_TO_SHARE:
        if not (Path(folder) / name).is_file():
            raise FileNotFoundError(
                f"expected {name} in {os.fspath(folder)!r}, found none: a model without it cannot be shared"
            )
    if repo_id.count("/") != 1:
        raise ValueError(f"repo_id must be of the form owner/name, got {repo_id!r}")
    if constants.ENDPOINT != HUB:
        raise ValueError(
            f"expected the Hub itself, found HF_ENDPOINT={constants.ENDPOINT}: a token must never go to a mirror, "
            "so start Python without HF_ENDPOINT to upload"
        )
    token = get_token()
    if token is None:
        raise PermissionError("expected a token of the Hub, found none: log in with `hf auth login`")
    api = HfApi(endpoint=HUB, token=token)
    url = api.create_repo(repo_id, private=private, exist_ok=True)
    api.upload_folder(repo_id=repo_id, folder_path=folder, ignore_patterns=["checkpoints/*", ".*"])
    return str(url)
