"""Which models are taken, bare or wrapped, and what one can read: how many tokens, and which ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel


def peel(model: nn.Module) -> Iterator[nn.Module]:
    """Yield a model and what it wraps, from the outside in; the last one is bare.

    Known are ``torch.compile``, PyTorch's wrappers for several devices, and the adapters of ``peft`` that live inside
    the layers, such as LoRA. Prompt tuning changes the input too, so that its bare model would answer another question.
    """
    while model is not None:
        yield model
        children = model._modules
        if hasattr(type(model), "get_base_model"):  # of peft
            adapter = getattr(model, "active_peft_config", None)
            model = None if getattr(adapter, "is_prompt_learning", False) else model.get_base_model()
        elif len(children) == 1:
            model = children.get("_orig_mod", children.get("module"))  # compiled, or on several devices
        else:
            model = None


def unwrap(model: nn.Module) -> nn.Module:
    """Return the bare model inside a compiled one, one on several devices or one with LoRA; a bare model as it is.

    LoRA's layers are part of the bare model, which therefore gives the same numbers.

    Example:
        >>> import torch
        >>> from mlmtutor.testing import tiny_model
        >>> model = tiny_model()
        >>> unwrap(torch.nn.DataParallel(model)) is unwrap(model) is model
        True

    Source: chapter 09_training_loop.
    """
    *_, bare = peel(model)
    return bare


def check_masked_lm(model: nn.Module) -> None:
    """Check that a model, bare or wrapped, has a masked-LM head.

    Raises:
        ValueError: If it has another head, such as the causal one of GPT-2, or none, or if its wrapper is not known.

    Source: chapter 07_perplexity.
    """
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL

    bare = unwrap(model)
    if _is_masked_lm(bare):
        return
    if inside := next(filter(_is_masked_lm, bare.modules()), None):
        reason = f"wrapped: pass the {type(inside).__name__} inside it"
    elif type(bare).__name__ in CAUSAL.values():
        reason = "a causal model predicts the next token and has no mask to fill"
    else:
        reason = "it has no masked-LM head; load the checkpoint with mlmtutor.load_model"
    raise ValueError(
        f"expected a masked language model such as BertForMaskedLM, found {type(bare).__name__}: {reason}"
    )


def _is_masked_lm(model: nn.Module) -> bool:
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as MASKED

    return any(base.__name__ in MASKED.values() for base in type(model).__mro__)


def max_tokens(model: PreTrainedModel) -> int | None:
    """Return how many tokens a model reads at most, special tokens included; None if there is no limit.

    A table of positions has a row for each. The RoBERTa family counts its rows from behind the padding id, so that two
    of 514 are never used. Models that know relative positions only, such as DeBERTa, have no limit.

    Example:
        >>> from mlmtutor.testing import tiny_model
        >>> max_tokens(tiny_model())
        64

    Source: chapter 03_chunking.
    """
    bare = unwrap(model)
    config = bare.config.get_text_config()
    tables = [module for name, module in bare.named_modules() if name.endswith(".position_embeddings")]
    limit = getattr(config, "max_position_embeddings", None) or -1
    if limit < 0 or (getattr(config, "relative_attention", False) and not tables):
        return None
    padding = (getattr(table, "padding_idx", None) for table in tables)
    return limit - max((row + 1 for row in padding if row is not None), default=0)


def vocab_size(model: PreTrainedModel) -> int:
    """Return the number of ids that a model knows, padding rows of its vocabulary included."""
    return unwrap(model).config.get_text_config().vocab_size


def check_chunks_fit(model: PreTrainedModel, input_ids: np.ndarray | torch.Tensor) -> None:
    """Check that a model is a masked language model and can read the chunks: their length and their ids.

    Args:
        model: A model with a masked-LM head, bare or wrapped.
        input_ids: ``(num_chunks, chunk_size)`` integers.

    Raises:
        ValueError: If it is not one, chunks are longer than it reads, or ids lie outside its vocabulary.

    Source: chapter 03_chunking.
    """
    check_masked_lm(model)
    if input_ids.ndim != 2 or 0 in input_ids.shape:
        raise ValueError(
            f"expected input_ids of shape (num_chunks, chunk_size), found {tuple(input_ids.shape)}: "
            "a single chunk needs a dimension more, an empty one nothing"
        )
    _check_length(input_ids.shape[1], limit=max_tokens(model))
    check_ids(input_ids, model=model)


def check_texts_fit(model: PreTrainedModel, rows: Sequence[Sequence[int]], *, texts: Sequence[str]) -> None:
    """Check that a model is a masked language model and can read each text; ``rows`` are their token ids.

    Raises:
        ValueError: As :func:`check_chunks_fit`, with the text.
    """
    check_masked_lm(model)
    limit, size = max_tokens(model), vocab_size(model)
    for text, row in zip(texts, rows, strict=True):
        place = f" in {text!r:.60}"
        _check_length(len(row), limit=limit, place=place)
        _check_range(min(row, default=0), max(row, default=0), size=size, place=place)


def check_ids(ids: np.ndarray | torch.Tensor, *, model: PreTrainedModel) -> None:
    """Check that ids, of any shape, lie in a model's vocabulary.

    Raises:
        ValueError: If one does not.
    """
    _check_range(int(ids.min()), int(ids.max()), size=vocab_size(model))


def _check_length(num_tokens: int, *, limit: int | None, place: str = "") -> None:
    if limit is not None and num_tokens > limit:
        raise ValueError(f"expected at most {limit} tokens for this model, found {num_tokens}{place}")


def _check_range(lowest: int, highest: int, *, size: int, place: str = "") -> None:
    if lowest < 0:
        raise ValueError(f"expected token ids of at least 0, found {lowest}{place}")
    if highest >= size:
        raise ValueError(
            f"expected token ids below the model's {size}, found {highest}{place}: were the texts tokenised "
            "for another model, or tokens added without model.resize_token_embeddings?"
        )


def check_finite(values: np.ndarray | torch.Tensor | Sequence[float], *, model: nn.Module, name: str) -> None:
    """Check that what a model computed is finite, and say whether its weights are to blame if not.

    Args:
        values: Numbers of any shape.
        model: The model.
        name: What the numbers are, in the plural.

    Raises:
        ValueError: If one is not finite.
    """
    finite = np.isfinite(np.asarray(values))
    if finite.all():
        return
    for weight_name, weight in unwrap(model).named_parameters():
        if not weight.isfinite().all():
            raise ValueError(
                f"the model's weights are not finite, found such in {weight_name!r}: the checkpoint is damaged, "
                "or from a training that diverged"
            )
    raise ValueError(f"expected finite {name}, found {np.count_nonzero(~finite):,} others: diverged?")
