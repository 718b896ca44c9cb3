"""A task with few labels, all weights trained: the encoder of a masked language model becomes a classifier."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from mlmtutor.model.encoding import encode_texts, list_texts, pad_rows
from mlmtutor.model.limits import check_masked_lm, unwrap
from mlmtutor.model.progress import bar

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from mlmtutor.model.device import AnyPrecision

TEST_BATCH_SIZE = 64  # texts per forward pass
WARMUP = 0.1  # share of the steps in which the rate rises


def fine_tune_classifier(
    texts: Sequence[str],
    labels: Sequence[int],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    test_texts: Sequence[str],
    num_epochs: int = 8,
    batch_size: int = 16,
    learning_rate: float = 1e-4,
    max_tokens: int = 128,
    keep: Literal["first", "last"] = "last",
    seed: int = 0,
    precision: AnyPrecision = "auto",
    progress: bool | None = None,
) -> np.ndarray:
    """Train a copy of a model's encoder, and a new layer on the mean of its hidden states, to tell two classes apart.

    The masked-LM head takes no part and the model stays as it is. The seed decides the new layer, the order of the texts
    and dropout. AdamW, weight decay 0.01, gradients clipped at 1; the rate rises for a tenth of the steps and falls to zero.

    Args:
        texts: The labelled texts.
        labels: ``(num_texts,)``, 0 or 1.
        model: A masked language model, on the device to use.
        tokenizer: Its tokenizer.
        test_texts: Texts to classify afterwards.
        num_epochs: Passes over the labelled texts.
        batch_size: Texts per step.
        learning_rate: The highest one, of all weights alike.
        max_tokens: Tokens read of each text, special tokens included.
        keep: Which tokens of a longer text are read: its first or its last, where reviews tend to have the verdict.
        seed: Seed of everything that is drawn.
        precision: Arithmetic: ``"fp32"``, ``"bf16"``, ``"fp16"``, or ``"auto"`` to ask the device.
        progress: Show a bar. None: where a person is watching, see :func:`mlmtutor.model.progress.is_watched`.

    Returns:
        ``(num_test,) float32``, the probability of class 1 of each test text.

    Raises:
        ValueError: If there are no texts, not as many labels, labels other than 0 and 1 or of one class only, or the loss
            is not finite.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> texts, labels = ["the film was good", "bad"] * 8, [1, 0] * 8
        >>> options = {"model": tiny_model(), "tokenizer": tiny_tokenizer(), "max_tokens": 16, "learning_rate": 1e-2}
        >>> good, bad = fine_tune_classifier(texts, labels, test_texts=["the film was good", "bad"], **options)
        >>> bool(good > bad)
        True

    Source: Sun et al. 2019, arXiv:1905.05583; chapter 10_downstream.
    """
    import torch
    from torch import nn

    from mlmtutor.model.device import autocast, settle_precision

    texts, test_texts, labels = list_texts(texts), list_texts(test_texts), np.asarray(labels)
    if not texts or not test_texts:
        raise ValueError(
            f"expected texts to learn from and to test on, found {len(texts)} and {len(test_texts)}"
        )
    if len(labels) != len(texts) or set(labels.tolist()) != {0, 1}:
        found = f"{len(labels)} with the values {sorted(set(labels.tolist()))}"
        raise ValueError(
            f"expected one label for each of {len(texts)} texts, both 0 and 1 among them, found {found}"
        )
    check_masked_lm(model)
    reading = {"model": model, "tokenizer": tokenizer, "max_tokens": max_tokens, "keep": keep}
    rows, test_rows = encode_texts(texts, **reading), encode_texts(test_texts, **reading)
    precision = settle_precision(precision, device=model.device)
    with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(seed)
        encoder = copy.deepcopy(unwrap(model).base_model).train()
        layer = nn.Linear(encoder.config.hidden_size, 1).to(model.device)
        weights = [*encoder.parameters(), *layer.parameters()]
        optimizer = torch.optim.AdamW(weights, lr=learning_rate, weight_decay=0.01)
        num_steps = num_epochs * -(-len(rows) // batch_size)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: min((step + 1) / max(1, WARMUP * num_steps), (num_steps - step) / num_steps),
        )
        generator = np.random.default_rng(seed)
        order = [i for _ in range(num_epochs) for i in _batches(generator.permutation(len(rows)), batch_size)]
        for batch in bar(order, name="fine-tuning", unit="step", total=len(order), progress=progress):
            wanted = torch.tensor(labels[batch], dtype=torch.float32, device=model.device)
            with autocast(model.device, precision=precision):
                scores = _score(encoder, layer, [rows[i] for i in batch], pad_id=tokenizer.pad_token_id)
            loss = nn.functional.binary_cross_entropy_with_logits(scores.float(), wanted)
            if not torch.isfinite(loss):
                raise ValueError(
                    f"the loss is not finite at learning rate {learning_rate:g}: take a smaller one"
                )
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    encoder.eval()
    probabilities = np.empty(len(test_rows), dtype=np.float32)
    longest_first = np.argsort(
        [-len(row) for row in test_rows], kind="stable"
    )  # alike lengths need little padding
    with torch.inference_mode(), autocast(model.device, precision=precision):
        for batch in _batches(longest_first, TEST_BATCH_SIZE):
            scores = _score(encoder, layer, [test_rows[i] for i in batch], pad_id=tokenizer.pad_token_id)
            probabilities[batch] = scores.float().sigmoid().cpu().numpy()
    return probabilities


def _batches(order: np.ndarray, size: int) -> list[np.ndarray]:
    return [order[start : start + size] for start in range(0, len(order), size)]


def _score(
    encoder: torch.nn.Module, layer: torch.nn.Linear, rows: list[list[int]], *, pad_id: int | None
) -> torch.Tensor:
    """Return one score per row, ``(num_rows,)``: the layer on the mean of the hidden states."""
    batch = {name: tensor.to(layer.weight.device) for name, tensor in pad_rows(rows, pad_id=pad_id).items()}
    hidden = encoder(**batch).last_hidden_state  # (rows, tokens, hidden)
    real = batch["attention_mask"][:, :, None].float()
    return layer((hidden.float() * real).sum(dim=1) / real.sum(dim=1)).squeeze(-1)
