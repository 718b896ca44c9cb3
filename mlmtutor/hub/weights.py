"""Whether the weights of a loaded model are those of its checkpoint: each of them, and all finite."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mlmtutor.model.doubts import Doubt

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# parts of common checkpoints that a masked language model has no use for
HARMLESS = re.compile(r"(^|\.)(pooler|classifier|qa_outputs|position_ids|inv_freq|token_type_ids)(\.|$)")


def check_loaded(model: PreTrainedModel, report: dict[str, Any], *, place: str) -> None:
    """Check that each weight of a model came from its checkpoint, that no layer was left over, and all are numbers.

    Args:
        model: The model as it was loaded.
        report: What ``from_pretrained(..., output_loading_info=True, ignore_mismatched_sizes=True)`` says.
        place: The name of the checkpoint, quoted.

    Raises:
        ValueError: If weights are missing, do not fit, have no place, or are not finite.
    """
    import torch

    for name, found, expected in sorted(report["mismatched_keys"])[:1]:
        raise ValueError(
            f"expected {name} of size {_size(expected)} in {place}, as its config.json says, found {_size(found)} "
            "in its weights: they do not belong together"
        )
    parameters = dict(model.named_parameters())
    missing = sorted(name for name in report["missing_keys"] if name in parameters)
    body = [name for name in missing if name.startswith(f"{model.base_model_prefix}.")]
    if missing and not body:
        raise ValueError(
            f"expected a checkpoint with a masked-LM head, found {place} without {missing[0]}: "
            "it is an encoder or a model for another task, its predictions would be random"
        )
    if missing:
        raise ValueError(
            f"expected all weights of its config.json in {place}, found it without {body[0]}{_and_others(missing)}: "
            "the checkpoint is not whole, and they would be random"
        )
    places = {_pattern(name, model) for name in model.state_dict()}
    left_over = sorted(name for name in report["unexpected_keys"] if not HARMLESS.search(name))
    layers = [name for name in left_over if re.search(r"\d", name) and _pattern(name, model) in places]
    if layers:
        raise ValueError(
            f"expected no more layers in {place} than its config.json says, found {layers[0]}{_and_others(layers)}: "
            "the model would lack them"
        )
    unused = [name for name in left_over if name.startswith(f"{model.base_model_prefix}.")]
    if unused:
        warnings.warn(
            f"{place} holds weights that its architecture has no place for, {unused[0]}{_and_others(unused)}: "
            "without them it may be another model than the one that was trained",
            Doubt,
            stacklevel=3,
        )
    for name, weight in model.state_dict().items():
        if not torch.isfinite(weight).all():
            raise ValueError(
                f"expected numbers in {name} of {place}, found NaN or infinite ones: is it damaged?"
            )


def _pattern(name: str, model: PreTrainedModel) -> str:
    """Return the name of a weight without the number of its layer and the prefix that some checkpoints lack."""
    return re.sub(r"\d+", "#", name.removeprefix(f"{model.base_model_prefix}."))


def _and_others(names: Sequence[str]) -> str:
    others = len(names) - 1
    return f" and {others:,} more" if others else ""


def _size(shape: Iterable[int]) -> str:
    return " x ".join(str(length) for length in shape)
