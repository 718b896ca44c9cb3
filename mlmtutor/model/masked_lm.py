"""What we ask of a masked language model: scores and loss at masked positions.

The vocabulary head runs on masked positions only: same loss, same gradients, a fifth of the head's work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlmtutor.model.device import Precision, autocast
from mlmtutor.model.limits import check_chunks_fit, check_ids, check_masked_lm, peel, unwrap

if TYPE_CHECKING:
    import torch
    from torch import nn

IGNORED = -100  # the label that the loss skips

# the first layer behind the encoder, by model type; from there on every position is computed by itself
HEADS = {
    "bert": "cls",
    "camembert": "lm_head",
    "distilbert": "vocab_transform",
    "electra": "generator_predictions",
    "ernie": "cls",
    "modernbert": "head",
    "roberta": "lm_head",
    "xlm-roberta": "lm_head",
}


def score_masked(
    model: nn.Module,
    *,
    input_ids: torch.Tensor,
    labels: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Predict the masked tokens of a batch, and no others.

    In the families of :data:`HEADS` the hidden states of masked positions are picked out before they enter the
    head. Other models, and compiled ones, compute all positions, and their logits are picked out afterwards.

    Args:
        model: A model with a masked-LM head, bare or wrapped (see ``mlmtutor.model.limits.unwrap``), in the mode
            that the caller has set.
        input_ids: ``(batch_size, chunk_size) int64``.
        labels: ``(batch_size, chunk_size) int64``, -100 where nothing is to be predicted.
        attention_mask: The same shape, 0 at padding. Leave it out for full chunks: one of ones costs time.

    Returns:
        ``logits (num_masked, vocab_size)`` and ``targets (num_masked,) int64``.

    Raises:
        ValueError: If nothing is masked, shapes differ, or the model cannot read the batch.

    Example:
        >>> import torch
        >>> from transformers import BertConfig, BertForMaskedLM
        >>> config = BertConfig(vocab_size=18, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
        >>> ids = torch.tensor([[2, 4, 8, 3]])  # [CLS] [MASK] film [SEP]
        >>> labels = torch.tensor([[-100, 5, 8, -100]])
        >>> logits, targets = score_masked(BertForMaskedLM(config), input_ids=ids, labels=labels)
        >>> tuple(logits.shape), targets.tolist()
        ((2, 18), [5, 8])

    Source: chapter 06_fine_tuning.
    """
    for name, tensor in (("labels", labels), ("attention_mask", attention_mask)):
        if tensor is not None and tensor.shape != input_ids.shape:
            raise ValueError(
                f"expected {name} of the shape of input_ids, {tuple(input_ids.shape)}, found {tuple(tensor.shape)}"
            )
    check_chunks_fit(model, input_ids)
    positions = (labels.flatten() != IGNORED).nonzero().squeeze(1)
    if len(positions) == 0:
        raise ValueError(f"expected at least one masked token, found none in labels {tuple(labels.shape)}")
    targets = labels.flatten().index_select(0, positions)
    check_ids(targets, model=model)
    with _picked_before_the_head(model, positions):
        logits = model(input_ids=input_ids, attention_mask=attention_mask).logits
    if logits.ndim == 3:
        logits = logits.flatten(0, 1).index_select(0, positions)
    return logits, targets  # (num_masked, vocab_size), (num_masked,)


@contextmanager
def _picked_before_the_head(model: nn.Module, positions: torch.Tensor) -> Iterator[None]:
    from torch.nn import DataParallel

    *_, bare = layers = list(peel(model))
    name = HEADS.get(bare.config.model_type)
    # subtle: it depends on the release of torch whether a compiled graph notices that a hook came or went, and
    # DataParallel would call the hook for each part of the batch
    is_compiled = any("_orig_mod" in layer._modules or layer._compiled_call_impl for layer in layers)
    if name is None or is_compiled or any(isinstance(layer, DataParallel) for layer in layers):
        yield
        return

    def pick(head: nn.Module, inputs: tuple[torch.Tensor]) -> torch.Tensor:
        return inputs[0].flatten(0, 1).index_select(0, positions)  # (num_masked, hidden_size)

    # subtle: a hook, since DistributedDataParallel averages gradients only if its own forward was called
    hook = getattr(bare, name).register_forward_pre_hook(pick)
    try:
        yield
    finally:
        hook.remove()


def score_batches(
    model: nn.Module, batches: Iterable[Mapping[str, torch.Tensor]], *, precision: Precision = "fp32"
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Score the masked tokens of many batches: in evaluation mode, without gradients, one batch after the other.

    This is the one loop behind evaluation, probes, pseudo-perplexity and :func:`mlmtutor.model.fill_mask.fill_masks`.

    Args:
        model: A model with a masked-LM head, on the device to use. It is returned to the mode it was in. Of a wrapped
            one the bare model is asked, which gives the same numbers.
        batches: The tensors that :func:`score_masked` takes, on any device. A batch without a masked token is skipped.
        precision: Arithmetic of the forward pass.

    Yields:
        ``logits (num_masked, vocab_size) float32`` and ``targets (num_masked,) int64`` of each batch, in reading order.

    Raises:
        ValueError: If the model has no masked-LM head, or cannot read a batch.

    Example:
        >>> import torch
        >>> from mlmtutor.testing import tiny_model
        >>> batch = {"input_ids": torch.tensor([[2, 4, 8, 3]]), "labels": torch.tensor([[-100, 5, -100, -100]])}
        >>> [tuple(logits.shape) for logits, targets in score_batches(tiny_model(), [batch, batch])]
        [(1, 18), (1, 18)]

    Source: chapter 07_perplexity.
    """
    import torch

    check_masked_lm(model)
    model = unwrap(model)
    with evaluation_mode(model):
        for batch in batches:
            if (batch["labels"] == IGNORED).all():
                continue
            with torch.inference_mode(), autocast(model.device, precision=precision):
                tensors = {name: tensor.to(model.device) for name, tensor in batch.items()}
                logits, targets = score_masked(model, **tensors)
            yield logits.float(), targets


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Switch to evaluation mode temporarily, without the autocast that accelerate wraps around a model in training.

    Afterwards each part of the model is in the mode it was in: parts may be frozen in evaluation mode.
    """
    was_training = {module: module.training for module in model.modules()}
    # subtle: accelerate replaces the forward of the model that it trains, and leaves it replaced
    wrapped = model.__dict__.pop("forward", None) if "_original_forward" in model.__dict__ else None
    model.eval()
    try:
        yield
    finally:
        for module, mode in was_training.items():
            module.training = mode
        if wrapped is not None:
            model.forward = wrapped


def masked_lm_loss(
    model: nn.Module,
    *,
    input_ids: torch.Tensor,
    labels: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    num_masked: torch.Tensor | int | None = None,
) -> torch.Tensor:
    """Compute the masked-LM loss: cross-entropy summed over the masked tokens, divided by their number.

    Args:
        model: As in :func:`score_masked`, like the next three.
        input_ids: ``(batch_size, chunk_size) int64``.
        labels: ``(batch_size, chunk_size) int64``, -100 where nothing is to be predicted.
        attention_mask: The same shape, 0 at padding, or None.
        num_masked: What to divide by: the masked tokens of the whole step, where this batch is a part of it
            (gradient accumulation, several ranks). None: those of this batch.

    Returns:
        A scalar, float32 whatever the model's precision.

    Raises:
        ValueError: If nothing is masked; never NaN.

    Example:
        >>> import torch
        >>> from mlmtutor.testing import tiny_model
        >>> ids = torch.tensor([[2, 4, 8, 3]])  # [CLS] [MASK] film [SEP]
        >>> labels = torch.tensor([[-100, 5, -100, -100]])
        >>> model = tiny_model()
        >>> loss = masked_lm_loss(model, input_ids=ids, labels=labels)
        >>> torch.allclose(loss, model(input_ids=ids, labels=labels).loss)
        True

    Source: chapter 06_fine_tuning.
    """
    from torch.nn.functional import cross_entropy

    logits, targets = score_masked(model, input_ids=input_ids, labels=labels, attention_mask=attention_mask)
    total = cross_entropy(logits.float(), targets, reduction="sum")
    return total / (len(targets) if num_masked is None else num_masked)
