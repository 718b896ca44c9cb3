"""What makes a run the same run: digests of all that goes into it, and what differs between two."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from mlmtutor.texts.segmenters import Segmenter


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


def digest_model(model: PreTrainedModel) -> str:
    """Return one SHA-256 for all that a model computes with: its class, its configuration and all its weights."""
    import torch

    # names of places and versions may differ; how weights are stored is told by the weights
    places = {"_name_or_path", "transformers_version", "dtype", "torch_dtype"}
    config = {name: value for name, value in model.config.to_dict().items() if name not in places}
    computes = json.dumps([type(model).__name__, config], sort_keys=True, default=str)
    # as bytes, since numpy has no bfloat16
    arrays = {
        f"{name} {weight.dtype} {tuple(weight.shape)}": weight.detach().cpu().contiguous().reshape(-1)
        .view(torch.uint8).numpy()
        for name, weight in model.state_dict().items()
    }  # fmt: skip
    return digest_texts([computes, digest_arrays(arrays)])


def digest_segmenter(segmenter: Segmenter, texts: Sequence[str]) -> str:
    """Return one SHA-256 for the words that a segmenter finds in the beginnings of some fifty texts."""
    from mlmtutor.texts.segmenters import find_segments

    sample = [text[:1000] for text in texts[:: len(texts) // 50 + 1]]
    return digest_arrays({str(number): find_segments(text, segmenter) for number, text in enumerate(sample)})


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


def describe_changes(new: dict[str, Any], old: dict[str, Any]) -> str:
    """Return in words what differs between two descriptions of a run; an empty text if nothing does.

    Example:
        >>> describe_changes({"seed": 1, "chunks": "f3" * 32}, {"seed": 0, "chunks": "07" * 32})
        'seed 1 for 0, other chunks'
    """
    changes = []
    for name in new | old:
        here, there = new.get(name), old.get(name)
        if here != there:
            is_digest = 64 in {len(value) for value in (here, there) if isinstance(value, str)}
            changes.append(f"other {name}" if is_digest else f"{name} {here!r:.40} for {there!r:.40}")
    return ", ".join(changes)
