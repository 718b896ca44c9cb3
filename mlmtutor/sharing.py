"""Putting an adapted model on the Hub: the whole folder with its card, and the token nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

HUB = "https://huggingface.co"
NEEDED = ("README.md", "config.json", "model.safetensors", "tokenizer.json")


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

    for name in NEEDED:
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
