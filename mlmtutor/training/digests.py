"""What makes a run the same run: digests of all that goes into it, and what differs between two."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def digest_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Return one SHA-256 for arrays by name: of names, shapes, types and values.

    Example:
        >>> ones, more = np.ones(2), np.ones((2, 1))
        >>> digest_arrays({"a": ones}) == digest_arrays({"a": ones.copy()}) != digest_arrays({"a": more})
        True
    """
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def digest_weights(model: PreTrainedModel) -> str:
    """Return one SHA-256 for all weights of a model, on whatever device they are."""
    import torch

    # as bytes, since numpy has no bfloat16
    return digest_arrays(
        {
            f"{name} {weight.dtype} {tuple(weight.shape)}": weight.detach().cpu().contiguous().reshape(-1)
            .view(torch.uint8).numpy()
            for name, weight in model.state_dict().items()
        }
    )  # fmt: skip


def digest_texts(texts: Iterable[str]) -> str:
    """Return one SHA-256 for texts in their order.

    Example:
        >>> digest_texts(["ab", "c"]) == digest_texts(["a", "bc"])
        False
    """
    digest = hashlib.sha256()
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(f"{len(content)} ".encode() + content)
    return digest.hexdigest()


def digest_vocabulary(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return one SHA-256 for all that decides how a fast tokenizer cuts texts, and for its special tokens."""
    rules = json.loads(tokenizer.backend_tokenizer.to_str())
    rules |= {"truncation": None, "padding": None, "special": sorted(tokenizer.all_special_ids)}
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()


def describe_changes(new: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    """Return in words what differs between two descriptions of a run; an empty text if nothing does.

    Example:
        >>> describe_changes({"seed": 1, "chunks": "f3" * 32}, {"seed": 0, "chunks": "07" * 32})
        'seed 1 for 0, other chunks'
    """
    changes = []
    for name in new:
        if new[name] != old.get(name):
            is_digest = isinstance(new[name], str) and len(new[name]) == 64
            changes.append(f"other {name}" if is_digest else f"{name} {new[name]!r} for {old.get(name)!r}")
    return ", ".join(changes)
