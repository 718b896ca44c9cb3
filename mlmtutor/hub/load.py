"""Models and tokenizers: the mini ones, those of a folder, those of the Hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmtutor.hub.checkpoint import check_tokenizer_files, check_weight_files, read_config
from mlmtutor.hub.download import CHECKPOINT_FILES, TOKENIZER_FILES, fetch_folder
from mlmtutor.hub.names import MINI, MINI_ZH, find_folder
from mlmtutor.hub.weights import check_loaded
from mlmtutor.mini import NAMES, load_mini_model, load_mini_tokenizer
from mlmtutor.mini_zh import load_mini_zh_model, load_mini_zh_tokenizer
from mlmtutor.model.messages import flatten, show
from mlmtutor.model.progress import no_library_bars

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_model(source: str | os.PathLike[str] = MINI) -> PreTrainedModel:
    """Load a masked language model.

    Args:
        source: ``"mini"``, its long adaptations ``"mini-imdb"`` (film reviews) and ``"mini-more"`` (the control: as
            long on general English), the Chinese ``"mini-zh"``, a Hub id such as ``"distilbert/distilbert-base-uncased"``, or a local folder. The
            environment variable HF_ENDPOINT may name a mirror of the Hub; the user's token is sent to it only if
            MLMTUTOR_TOKEN_TO_MIRROR is 1.

    Returns:
        The model in fp32, in evaluation mode, on the CPU. Its weights come from safetensors only, each of them from
        the checkpoint, and no code of the checkpoint runs.

    Raises:
        FileNotFoundError: If the folder or the repository is not there, or lacks a file.
        ConnectionError: If the Hub cannot be reached or fails, and the model is not in the cache.
        PermissionError: If the repository is private or gated.
        ValueError: If the checkpoint is damaged, not whole, or not a masked language model.

    Example:
        >>> f"{load_model('mini').num_parameters():,}"
        '22,744,506'

    Source: chapter 01_fill_mask.
    """
    if os.fspath(source) in NAMES:
        return load_mini_model(os.fspath(source))
    if os.fspath(source) == MINI_ZH:
        return load_mini_zh_model()
    folder = find_folder(source, what="a model") or fetch_folder(
        os.fspath(source), what="model", files=CHECKPOINT_FILES
    )
    place = show(source)
    read_config(folder)
    check_weight_files(folder)
    try:
        model, report = _load_model(folder)
    except Exception as error:
        raise ValueError(f"cannot load the model {place}: {_explain(error)}") from error
    check_loaded(model, report, place=place)
    model.name_or_path = model.config.name_or_path = os.fspath(source)
    return model.eval()


def _load_model(folder: Path) -> tuple[PreTrainedModel, dict[str, Any]]:
    from transformers import AutoConfig, AutoModelForMaskedLM
    from transformers.utils import logging

    here: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    was = logging.get_verbosity()
    logging.set_verbosity_error()  # what matters of the loading report is raised by the caller
    try:
        with no_library_bars():
            config = AutoConfig.from_pretrained(folder, **here)
            config._attn_implementation = None  # a checkpoint may name code on the Hub here
            return AutoModelForMaskedLM.from_pretrained(
                folder, config=config, dtype="float32", use_safetensors=True, output_loading_info=True,
                ignore_mismatched_sizes=True, **here,
            )  # fmt: skip
    finally:
        logging.set_verbosity(was)


def load_tokenizer(source: str | os.PathLike[str] = MINI) -> PreTrainedTokenizerBase:
    """Load the fast tokenizer of a masked language model.

    Args:
        source: ``"mini"`` (or one of its adaptations), ``"mini-zh"``, a Hub id or a local folder, as for :func:`load_model`.

    Raises:
        FileNotFoundError: If the folder or the repository is not there, or has no tokenizer.
        ConnectionError: If the Hub cannot be reached or fails, and the tokenizer is not in the cache.
        PermissionError: If the repository is private or gated.
        ValueError: If the tokenizer is damaged, or has no mask token.

    Example:
        >>> load_tokenizer("mini").mask_token_id
        103

    Source: chapter 01_fill_mask.
    """
    if os.fspath(source) in NAMES:
        return load_mini_tokenizer()
    if os.fspath(source) == MINI_ZH:
        return load_mini_zh_tokenizer()
    from transformers import AutoTokenizer

    folder = find_folder(source, what="a tokenizer") or fetch_folder(
        os.fspath(source), what="tokenizer", files=TOKENIZER_FILES
    )
    place = show(source)
    check_tokenizer_files(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise ValueError(f"cannot load the tokenizer {place}: {_explain(error)}") from error
    if tokenizer.mask_token_id is None:
        raise ValueError(
            f"expected a masked language model, found {place}, whose tokenizer has no mask token"
        )
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise ValueError(
            f"expected a vocabulary in {place}, found only special tokens: its files are damaged"
        )
    tokenizer.name_or_path = os.fspath(source)
    return tokenizer


def _explain(error: Exception) -> str:
    """Return one line about an error of the libraries."""
    if "Unrecognized configuration class" in str(error):
        return "its architecture has no masked-LM head; is it a causal language model?"
    if isinstance(error, KeyError):
        return f"it lacks {flatten(error, longest=120)}"
    return flatten(error, longest=160)
