"""Sharing an adapted model: which files go to the Hub, and where the token never goes."""

from __future__ import annotations

import os
from pathlib import Path

from mlmtutor.hub.problems import HUB, show_endpoint
from mlmtutor.model.messages import show

NEEDED_TO_SHARE = ("README.md", "config.json", "model.safetensors", "tokenizer.json")
SHARED = (
    *NEEDED_TO_SHARE, "generation_config.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "bpe.codes", "*.model",
    "model.safetensors.index.json", "model-*-of-*.safetensors", "report.json", "run.json", "loss.png",
)  # fmt: skip


def upload_model(folder: str | os.PathLike[str], *, repo_id: str, private: bool = True) -> str:
    """Upload a folder with an adapted model to the Hub.

    Args:
        folder: What ``mlmtutor adapt`` wrote: weights in safetensors, tokenizer and card. Other files stay here.
        repo_id: Where to, as ``owner/name``. Made if it is not there.
        private: Whether the repository must be visible to its owner only.

    Returns:
        The address of the repository.

    Raises:
        FileNotFoundError: If the folder lacks weights, tokenizer or card.
        ValueError: If ``repo_id`` is not ``owner/name``, or ``HF_ENDPOINT`` names another server than the Hub: the
            token that proves who you are would be sent there.
        PermissionError: If nobody is logged in, or the repository exists and is public although ``private`` is set.

    Example:
        >>> upload_model("no_such_folder", repo_id="reader/imdb")
        Traceback (most recent call last):
            ...
        FileNotFoundError: expected README.md in 'no_such_folder', found none: a model without it cannot be shared

    Source: chapter 08_adapted_model.
    """
    from huggingface_hub import HfApi, constants, get_token

    folder = Path(folder)
    for name in NEEDED_TO_SHARE:
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"expected {name} in {show(folder)}, found none: a model without it cannot be shared"
            )
    if repo_id.count("/") != 1:
        raise ValueError(f"repo_id must be of the form owner/name, got {show(repo_id)}")
    if constants.ENDPOINT != HUB:
        raise ValueError(
            f"expected the Hub itself, found HF_ENDPOINT={show_endpoint()}: a token must never go to a mirror, "
            "so start Python without HF_ENDPOINT to upload"
        )
    token = get_token()
    if token is None:
        raise PermissionError("expected a token of the Hub, found none: log in with `hf auth login`")
    api = HfApi(endpoint=HUB, token=token)
    url = api.create_repo(repo_id, private=private, exist_ok=True)
    # an existing repository stays as public as it was
    if private and not api.model_info(repo_id).private:
        raise PermissionError(
            f"expected {show(repo_id)} to be private, found it public: make it private in its settings, "
            "choose another name, or upload with private=False"
        )
    # nested patterns would match in folders below, too, so the files are named one by one
    files = [file.name for pattern in SHARED for file in folder.glob(pattern)]
    api.upload_folder(repo_id=repo_id, folder_path=folder, allow_patterns=files)
    return str(url)
