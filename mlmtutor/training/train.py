"""Training in one call: settings in, history out, checkpoints on the way."""

from __future__ import annotations

import time
import warnings
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from mlmtutor.model.device import AnyPrecision, check_precision, find_device, settle_precision
from mlmtutor.model.doubts import Doubt
from mlmtutor.training.checkpoints import (
    count_processes,
    find_checkpoint,
    is_main_process,
    read_json,
    remove_later,
    write_json,
)
from mlmtutor.training.digests import describe_changes, digest_arrays, digest_model, digest_vocabulary

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainingArguments

    from mlmtutor.masks.collator import ChunkRows
    from mlmtutor.masks.frozen import FrozenMasks
    from mlmtutor.masks.masking import MaskingSettings


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; the defaults are those of the original notebook.

    Example:
        >>> TrainingSettings(num_epochs=0)
        Traceback (most recent call last):
            ...
        ValueError: num_epochs must be in [1, 2**31), got 0

    Source: chapter 06_fine_tuning.
    """

    num_epochs: int = 3  # passes over all chunks, each with new masks
    learning_rate: float = 2e-5  # at its highest; it falls linearly to 0
    warmup_share: float = 0.0  # of all steps, the share in which the rate rises from 0; short runs need none
    weight_decay: float = 0.01  # not on biases and layer norms
    batch_size: int = 64  # chunks in one forward pass on one device
    gradient_accumulation_steps: int = 1  # forward passes per step: a large batch in small memory
    logging_steps: int = 10  # steps between two points of the loss curve
    save_steps: int | None = None  # steps between checkpoints; None saves at the end of each epoch
    seed: int = 0  # of order, masks and dropout
    precision: AnyPrecision = "auto"  # auto asks the device, see choose_precision

    def __post_init__(self) -> None:
        for name in (
            "num_epochs",
            "batch_size",
            "gradient_accumulation_steps",
            "logging_steps",
            "save_steps",
        ):
            value = getattr(self, name)
            if value is not None and not 1 <= value < 2**31:
                raise ValueError(f"{name} must be in [1, 2**31), got {value}")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate must be above 0 and finite, got {self.learning_rate}")
        if not 0 <= self.warmup_share < 1:
            raise ValueError(f"warmup_share must be in [0, 1), got {self.warmup_share}")
        if not 0 <= self.weight_decay < float("inf"):
            raise ValueError(f"weight_decay must be at least 0 and finite, got {self.weight_decay}")
        if not 0 <= self.seed < 2**32:  # what the libraries' generators take
            raise ValueError(f"seed must be in [0, 2**32), got {self.seed}")
        check_precision(self.precision)


@dataclass(frozen=True)
class TrainingHistory:
    """What happened in a training run; with ``resume``, from its first step on.

    Attributes:
        steps: The steps at which losses were logged.
        losses: Mean loss per masked token since the logged step before, in nats.
        evaluations: Perplexity on the frozen masks at the end of each epoch, by epoch; empty without them.
        seconds: Time of this call, evaluations not counted.
        tokens_per_second: Tokens read per second of that, masked or not.
        precision: What the forward pass was computed in.
        device: Name of the device.
        settings: The settings of the run.
        num_chunks: Chunks that were trained on.
        num_texts: Texts in which they begin; 0 where the chunks do not say.
    """

    steps: tuple[int, ...]
    losses: tuple[float, ...]
    evaluations: dict[int, float]
    seconds: float
    tokens_per_second: float
    precision: str
    device: str
    settings: TrainingSettings
    num_chunks: int
    num_texts: int


def train_masked_lm(
    model: PreTrainedModel,
    train_dataset: Dataset,
    *,
    tokenizer: PreTrainedTokenizerBase,
    masking: MaskingSettings,
    settings: TrainingSettings,
    output_dir: str | Path | None = None,
    evaluation: FrozenMasks | None = None,
    resume: bool = False,
    progress: bool | None = None,
) -> TrainingHistory:
    """Train a masked language model on chunks, with new masks in each epoch.

    The same arguments on the same machine give the same losses and weights, and a resumed run gives
    those of one that was never interrupted.

    Args:
        model: A model with a masked-LM head, in float32. It is changed, and returned in evaluation mode, on
            the device it was trained on.
        train_dataset: Chunks as :func:`mlmtutor.texts.chunking.chunk_texts` makes them.
        tokenizer: The tokenizer that made them; saved with the checkpoints.
        masking: What to mask and how.
        settings: How to train.
        output_dir: Folder for checkpoints, of which the last two are kept, sealed with checksums. None saves nothing.
        evaluation: Frozen masks to measure on after each epoch, or None.
        resume: Go on from the last intact checkpoint in ``output_dir``, or begin if there is none. The run must be the
            same one: settings, chunks, starting weights and number of processes are compared by their digests.
        progress: Show a bar. None: where a person is watching, see :func:`mlmtutor.model.progress.is_watched`.

    Returns:
        The :class:`TrainingHistory`.

    Raises:
        ValueError: If the model has no masked-LM head or cannot read the chunks, if the precision cannot be
            had, if the loss is not finite, or if ``output_dir`` holds another run.
        OSError: If a checkpoint cannot be written; the one before it is left intact.

    Example:
        >>> from mlmtutor.texts.chunking import chunk_texts
        >>> from mlmtutor.masks.masking import MaskingSettings
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> tokenizer = tiny_tokenizer()
        >>> chunks = chunk_texts(["the film was good"] * 40, tokenizer, chunk_size=8).dataset
        >>> settings = TrainingSettings(num_epochs=1, batch_size=6, logging_steps=2, precision="fp32")
        >>> history = train_masked_lm(
        ...     tiny_model(), chunks, tokenizer=tokenizer, masking=MaskingSettings(), settings=settings
        ... )
        >>> history.steps
        (2, 4, 5)

    Source: chapter 06_fine_tuning.
    """
    import torch

    from mlmtutor.masks.collator import ChunkRows, MaskingCollator
    from mlmtutor.masks.outcome import preview_masks
    from mlmtutor.training.trainer import MaskedLMTrainer

    if len(train_dataset) == 0:
        raise ValueError("expected at least one chunk to train on, found an empty data set")
    rows = ChunkRows(train_dataset)
    _check_model(model, tokenizer, rows)
    outcome = preview_masks(rows, tokenizer=tokenizer, settings=masking, seed=settings.seed)
    outcome.check()
    for doubt in outcome.doubts():
        warnings.warn(doubt, Doubt, stacklevel=2)
    precision = settle_precision(settings.precision, device=find_device())
    first_step, checkpoint = 0, None
    if output_dir is not None:
        plan = asdict(settings) | asdict(masking) | {"precision": precision}
        plan |= _identify(model, tokenizer, rows)
        plan |= {"evaluation masks": evaluation.sha256 if evaluation else None}
        first_step, checkpoint = _begin_or_resume(Path(output_dir), plan=plan, resume=resume)
    elif resume:
        raise ValueError("resume needs the output_dir of the run to resume, got None")

    with TemporaryDirectory() if output_dir is None else nullcontext(output_dir) as folder:
        trainer = MaskedLMTrainer(
            model,
            _to_arguments(
                settings, precision, folder, saves=output_dir is not None, evaluates=evaluation is not None
            ),
            data_collator=MaskingCollator(tokenizer, settings=masking, seed=settings.seed),
            train_dataset=rows,
            eval_dataset=evaluation,
            processing_class=tokenizer,
            progress=progress,
        )
        started = time.perf_counter()
        trainer.train(resume_from_checkpoint=checkpoint and str(checkpoint))
        seconds = time.perf_counter() - started - trainer.evaluation_seconds
    model.eval()

    state, device = trainer.state, trainer.args.device
    num_tokens = rows.columns["input_ids"].size * settings.num_epochs  # of the whole run
    logged = [entry for entry in state.log_history if "loss" in entry]
    return TrainingHistory(
        steps=tuple(entry["step"] for entry in logged),
        losses=tuple(entry["loss"] for entry in logged),
        evaluations={
            round(entry["epoch"]): entry["eval_perplexity"]
            for entry in state.log_history
            if "eval_perplexity" in entry
        },
        seconds=seconds,
        tokens_per_second=num_tokens * (state.global_step - first_step) / state.max_steps / seconds,
        precision=precision,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        settings=settings,
        num_chunks=len(rows),
        num_texts=len(np.unique(rows.columns.get("text_index", []))),
    )


def _check_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: ChunkRows) -> None:
    import torch

    from mlmtutor.model.limits import check_chunks_fit

    check_chunks_fit(model, rows.columns["input_ids"])
    if len(tokenizer) > model.config.vocab_size:
        raise ValueError(
            f"expected a tokenizer of at most the model's {model.config.vocab_size} tokens, "
            f"found {len(tokenizer)}: were tokens added without model.resize_token_embeddings?"
        )
    if model.dtype != torch.float32:
        raise ValueError(f"expected weights in torch.float32, found {model.dtype}: call model.float() first")


def _identify(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: ChunkRows
) -> dict[str, int | str]:
    """Return what a run is beside its settings: digests of what goes into it, and how many processes share it."""
    return {
        "chunks": digest_arrays(rows.columns),
        "vocabulary": digest_vocabulary(tokenizer),
        "model": digest_model(model),
        "num_processes": count_processes(),
    }


def _begin_or_resume(folder: Path, *, plan: dict[str, Any], resume: bool) -> tuple[int, Path | None]:
    """Return step and folder of the checkpoint to go on from, if it is of this run; else note the plan of a new one."""
    versions = {name: version(name) for name in ("mlmtutor", "torch", "transformers")}
    step, checkpoint = find_checkpoint(folder)
    if checkpoint is None:
        if is_main_process():
            folder.mkdir(parents=True, exist_ok=True)
            remove_later(folder, 0)
            write_json(folder / "training.json", {"plan": plan, "versions": versions})
        return 0, None
    remedy = "start over in another folder (in the command: --restart)"
    if not resume:
        raise ValueError(
            f"expected a folder without a run, found one in {str(folder)!r}: resume it, or {remedy}"
        )
    begun = read_json(folder / "training.json")
    if begun is None:
        raise ValueError(
            f"expected training.json beside {str(checkpoint)!r}, found it missing or damaged: {remedy}"
        )
    if changes := describe_changes(plan, begun.get("plan", {})):
        raise ValueError(
            f"expected the run that was begun in {str(folder)!r}, found {changes:.100}: {remedy}"
        )
    if changes := describe_changes(versions, begun.get("versions", {})):
        warnings.warn(
            f"the run was begun with other versions ({changes}): its end may differ", Doubt, stacklevel=3
        )
    if is_main_process():
        remove_later(folder, step)
    return step, checkpoint


def _to_arguments(
    settings: TrainingSettings, precision: str, folder: str | Path, *, saves: bool, evaluates: bool
) -> TrainingArguments:
    from transformers import TrainingArguments

    device = find_device()
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.num_epochs,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup_share,
        weight_decay=settings.weight_decay,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation_steps,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=device == "cpu",
        seed=settings.seed,
        logging_steps=settings.logging_steps,
        eval_strategy="epoch" if evaluates else "no",
        save_strategy=("steps" if settings.save_steps else "epoch") if saves else "no",
        save_steps=settings.save_steps or 1,
        save_total_limit=2,
        report_to="none",
        dataloader_pin_memory=device == "cuda",
    )
