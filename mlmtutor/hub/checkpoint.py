"""Whether the files of a checkpoint are there, undamaged, and such as can be read without running code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mlmtutor.hub.download import is_web_page
from mlmtutor.model.messages import flatten, show

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "bpe.codes", "*.model")


def read_config(folder: Path) -> dict[str, Any]:
    """Read the configuration of a checkpoint.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is damaged, or asks for code of its own.
    """
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    if (folder / "adapter_config.json").is_file():
        raise ValueError(
            f"expected a whole model in {show(folder)}, found an adapter: load it with peft, "
            "then save what merge_and_unload() returns"
        )
    config = read_json(folder / "config.json")
    kind = config.get("model_type")
    if "auto_map" in config and kind not in CONFIG_MAPPING:
        raise ValueError(
            f"expected an architecture that transformers knows in {show(folder / 'config.json')}, found "
            f"{show(kind)}, which needs code of its own: that is never run here, choose another model"
        )
    return config


def read_json(file: Path) -> dict[str, Any]:
    """Read an object from a JSON file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds something else.
    """
    check_file(file)
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected JSON in {show(file)}, found it damaged: {flatten(error)}") from error
    if not isinstance(content, dict):
        raise ValueError(f"expected a JSON object in {show(file)}, found a {type(content).__name__}")
    return content


def check_file(file: Path) -> None:
    """Check that a file is there, and no stand-in for itself.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: If it is empty, a web page, or what Git writes instead of a large file.
    """
    if not file.is_file():
        raise FileNotFoundError(f"expected {file.name} in {show(file.parent)}, found none")
    with file.open("rb") as stream:
        start = stream.read(64)
    problem = None
    if not start:
        problem = "it empty: copy or download it again"
    elif start.startswith(b"version https://git-lfs"):
        problem = "a Git LFS pointer: run `git lfs pull` in that folder"
    elif is_web_page(file):
        problem = "a web page: download it again"
    if problem:
        raise ValueError(f"expected {file.name} in {show(file.parent)}, found {problem}")


def check_tokenizer_files(folder: Path) -> None:
    """Check that a folder has a vocabulary, since the library makes an empty one up where it finds none.

    Raises:
        FileNotFoundError: If it has none.
        ValueError: If one is damaged.
    """
    files = [file for pattern in VOCABULARIES for file in folder.glob(pattern)]
    if not files:
        raise FileNotFoundError(
            f"expected a tokenizer (tokenizer.json or vocab.txt) in {show(folder)}, found none: "
            "copy it there, or save it with tokenizer.save_pretrained"
        )
    for file in files:
        check_file(file)
        if file.suffix == ".json":
            read_json(file)


def check_weight_files(folder: Path) -> None:
    """Check that the weights of a checkpoint are whole files in safetensors.

    Raises:
        FileNotFoundError: If there are none, or only pickled ones.
        ValueError: If a file is damaged, or the index names something else.
    """
    from safetensors import SafetensorError, safe_open

    for name in _list_weight_files(folder):
        file = folder / name
        check_file(file)
        try:
            with safe_open(file, framework="np") as weights:
                weights.keys()
        except SafetensorError as error:
            raise ValueError(
                f"expected weights in {show(file)}, found it cut off or damaged ({flatten(error)}): "
                "copy or download it again"
            ) from error


def _list_weight_files(folder: Path) -> list[str]:
    if (folder / WEIGHTS).is_file():
        return [WEIGHTS]
    if not (folder / INDEX).is_file():
        place = show(folder)
        if any((folder / name).is_file() for name in PICKLED):
            raise FileNotFoundError(
                f"expected {WEIGHTS} in {place}, found pickled weights, which can run code: take the Hub's revision "
                "refs/convert/safetensors, or convert it with from_pretrained(..., use_safetensors=False) and "
                "save_pretrained"
            )
        raise FileNotFoundError(f"expected {WEIGHTS} in {place}, found no weights")
    parts = read_json(folder / INDEX).get("weight_map")
    names = sorted(set(parts.values()), key=str) if isinstance(parts, dict) else [parts]
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+\.safetensors", name):
            raise ValueError(
                f"expected names of .safetensors files in {show(folder / INDEX)}, found {show(name)}: "
                "weights are read from safetensors only"
            )
    return names
