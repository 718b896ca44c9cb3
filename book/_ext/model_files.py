"""The files from which the page's own model runs: the mini model in int8, and its long adaptation as a low-rank patch.

A matrix is written as int8 with a scale per row, a vector in fp32, the vocabulary as a text of one token per line.
``static/fill-mask.js`` reads them. They are made at each build, from the installed packages, and are not in the repository.
"""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlmtutor.mini import PATCHES, WEIGHTS, find_encoder, merge_low_rank, read_weights

if TYPE_CHECKING:
    import torch

ADAPTED = "mini-imdb"
FOLDER = "model"  # of the site
SOURCES = (
    Path(__file__),
    WEIGHTS,
    PATCHES[ADAPTED][0],
)  # pages with a model are written again when one changes


def find_missing() -> str | None:
    """Say what is missing to make the files; None if nothing is."""
    try:
        find_encoder()
    except ImportError as error:
        return str(error)
    patch = PATCHES[ADAPTED][0]
    return None if patch.is_file() else f"expected {patch.name} beside {WEIGHTS.name}, found no such file"


def list_model_files(site: Path, *, page: str) -> list[dict[str, str | int]]:
    """Return the files for a page, with their addresses from there; none, and a message, where they cannot be made."""
    if missing := find_missing():
        print(f"{page}: the model of this page was left out: {missing}", file=sys.stderr)
        return []
    up = "../" * page.count("/")
    return [{**file, "url": f"{up}{FOLDER}/{file['name']}"} for file in write_model_files(site / FOLDER)]


def add_up(files: list[dict[str, str | int]]) -> int:
    """Return how much is to be fetched, in MB."""
    return round(sum(file["bytes"] for file in files) / 1e6)


@functools.cache
def write_model_files(folder: Path) -> tuple[dict[str, str | int], ...]:
    """Write the model and the patch; other files in the folder are removed.

    Args:
        folder: Where to; made if need be.

    Returns:
        The name, the length and the SHA-256 of each, the model first. A name holds a part of the hash.
    """
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, tensors in (("mini", read_mini()), (ADAPTED, read_weights(PATCHES[ADAPTED][0]))):
        content = save(round_matrices(tensors))
        sha256 = hashlib.sha256(content).hexdigest()
        made.append({"name": f"{name}-{sha256[:12]}.safetensors", "bytes": len(content), "sha256": sha256})
        path = folder / made[-1]["name"]
        if not (path.is_file() and path.stat().st_size == len(content)):
            path.write_bytes(content)
    for path in set(folder.iterdir()) - {folder / file["name"] for file in made}:
        path.unlink()
    return tuple(made)


def read_mini() -> dict[str, torch.Tensor]:
    """Return the mini model's tensors and its vocabulary; token type 0, which every token has, goes into the places."""
    import torch
    from safetensors.torch import load_file

    stored = load_file(find_encoder() / "model.safetensors")
    base = {f"bert.{name}": weight for name, weight in stored.items() if not name.startswith("pooler.")}
    mini = base | merge_low_rank(base, read_weights(WEIGHTS))
    del mini["bert.embeddings.position_ids"]
    types = mini.pop("bert.embeddings.token_type_embeddings.weight")
    mini["bert.embeddings.position_embeddings.weight"] += types[0]
    vocabulary = json.loads((find_encoder() / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    text = "\n".join(sorted(vocabulary, key=vocabulary.get))
    return mini | {"vocabulary": torch.tensor(list(text.encode()), dtype=torch.uint8)}


def round_matrices(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Round matrices to int8, each with the ``scale`` of its rows; the rest stays as it is.

    Example:
        >>> import torch
        >>> rounded = round_matrices({"w": torch.tensor([[127.0, -254.0], [0.5, 0.25]])})
        >>> rounded["w"].tolist(), [round(scale, 4) for scale in rounded["w.scale"].tolist()]
        ([[64, -127], [127, 64]], [2.0, 0.0039])
    """
    import torch

    rounded = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2:
            scale = tensor.abs().amax(dim=1).clamp_min(1e-12) / 127
            rounded[f"{name}.scale"] = scale
            rounded[name] = (tensor / scale[:, None]).round().to(torch.int8)
        else:
            rounded[name] = tensor.contiguous()
    return rounded
