"""A Trainer for masked language models: a loss per masked token, on one device or many."""

from __future__ import annotations

import copy
import ctypes
import math
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from tqdm import tqdm
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from mlmtutor.model.limits import check_masked_lm, peel, unwrap
from mlmtutor.model.masked_lm import masked_lm_loss
from mlmtutor.model.progress import is_watched, no_library_bars
from mlmtutor.scores.perplexity import evaluate
from mlmtutor.training.checkpoints import disk_errors_named, seal

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.utils.data import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from transformers.trainer_utils import TrainOutput

    from mlmtutor.masks.frozen import FrozenMasks


class MaskedLMTrainer(Trainer):
    """Trainer with a masked-LM loss that is right on one device and on many, and that costs less.

    - The loss is the mean over all masked tokens of a step, however many batches and ranks share the step.
    - The vocabulary head runs on masked positions only, see :func:`mlmtutor.model.masked_lm.score_masked`.
    - The epoch reaches the data set on every rank and after resuming, so the masks continue.
    - ``evaluate`` measures on frozen masks in float32, see :func:`mlmtutor.scores.perplexity.evaluate`, and keeps no
      logits.
    - A logged loss that is not finite stops the training.
    - Checkpoints are sealed with checksums and saved after the evaluation of their epoch; the last step is logged.
    - Training leaves no trace of mixed precision on the model.
    - On a CPU freed memory is kept for the next step, and in bf16 the model attends in plain matrix products.

    Settings of ``args`` that would break this are overruled: unused columns stay, tokens are averaged over
    devices, losses that are not finite are shown, nothing is reported to services, the library's progress bar is off,
    the data seed is the seed unless it is given, and several GPUs are used only under a launcher such as
    ``accelerate launch``.

    Args:
        model: A model with a masked-LM head, bare, compiled or with LoRA.
        args: Arguments of Trainer; not changed.
        data_collator: Such as :class:`mlmtutor.masks.collator.MaskingCollator`.
        train_dataset: Such as :class:`mlmtutor.masks.collator.ChunkRows`.
        eval_dataset: Frozen masks.
        processing_class: The tokenizer, if it is to be saved with the checkpoints.
        callbacks: More callbacks.
        progress: Show a bar. None: where a person is watching, see :func:`mlmtutor.model.progress.is_watched`.

    Raises:
        ValueError: If the model has no masked-LM head or is wrapped for several devices, or ``args`` ask for label
            smoothing or for persistent workers, which are never told of a new epoch. In training: if a logged loss is
            not finite.

    Example:
        >>> from mlmtutor.testing import tiny_model
        >>> arguments = TrainingArguments("adapted", use_cpu=True, label_smoothing_factor=0.1)
        >>> MaskedLMTrainer(tiny_model(), arguments)
        Traceback (most recent call last):
            ...
        ValueError: label_smoothing_factor must be 0 here, got 0.1

    Source: chapters 06_fine_tuning and 09_training_loop.
    """

    loss_is_scaled_for_ga = True  # compute_loss divides by the masked tokens of all accumulated batches

    def __init__(
        self,
        model: PreTrainedModel,
        args: TrainingArguments,
        *,
        data_collator: Callable | None = None,
        train_dataset: Dataset | None = None,
        eval_dataset: FrozenMasks | None = None,
        processing_class: PreTrainedTokenizerBase | None = None,
        callbacks: list[TrainerCallback] | None = None,
        progress: bool | None = None,
    ) -> None:
        check_masked_lm(model)
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            raise ValueError(
                f"expected a model that is not wrapped for several devices, found {type(model).__name__}: "
                "pass its module, which Trainer wraps"
            )
        if args.label_smoothing_factor != 0:
            raise ValueError(f"label_smoothing_factor must be 0 here, got {args.label_smoothing_factor}")
        if args.dataloader_persistent_workers:
            raise ValueError("dataloader_persistent_workers must be off, or every epoch draws the same masks")
        args = copy.copy(args)
        args.remove_unused_columns = False  # collators need columns that the model does not
        args.average_tokens_across_devices = True
        args.logging_nan_inf_filter = False
        args.report_to = []
        args.disable_tqdm = True  # Trainer's notebook bar clears the cell's output; ours does not
        args.data_seed = args.seed if args.data_seed is None else args.data_seed
        args._n_gpu = min(args.n_gpu, 1)
        super().__init__(
            model,
            args,
            data_collator=data_collator,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            processing_class=processing_class,
            callbacks=callbacks,
        )
        self.model_accepts_loss_kwargs = True  # so that masked tokens are counted over the whole step
        self.evaluation_seconds = 0.0
        self.remove_callback(PrinterCallback)
        self.add_callback(_Epochs())
        self.add_callback(_StopWhenDiverged())
        if is_watched(progress):
            self.add_callback(_Bar())

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, None]:
        """Return this batch's share of the step's loss; the shares of all batches and ranks add up to it."""
        loss = masked_lm_loss(model, **inputs, num_masked=num_items_in_batch)
        if num_items_in_batch is not None:
            # subtle: gradients and logged losses are averaged over the ranks, and must be summed
            loss = loss * self.accelerator.num_processes
        return (loss, None) if return_outputs else loss

    def train(
        self,
        resume_from_checkpoint: str | bool | None = None,
        trial: Any = None,
        ignore_keys_for_eval: list[str] | None = None,
    ) -> TrainOutput:
        """Train as Trainer does, and remove the autocast that accelerate leaves around the model."""
        if self.args.device.type == "cpu":
            _keep_freed_memory()
        try:
            with no_library_bars(), _fast_attention(unwrap(self.model), self.args):
                return super().train(resume_from_checkpoint, trial, ignore_keys_for_eval)
        finally:
            for layer in peel(self.model):
                # subtle: a compiled model has a forward of its own, and hands the note of it to the model inside
                if (original := layer.__dict__.pop("_original_forward", None)) is not None:
                    del self.model.__dict__["forward"]
                    if layer is not self.model:
                        self.model.forward = original

    def evaluate(
        self,
        eval_dataset: FrozenMasks | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Measure the model on frozen masks, in float32, on every rank alike."""
        masks = self.eval_dataset if eval_dataset is None else eval_dataset
        started = time.perf_counter()
        result = evaluate(self.model, masks, batch_size=self.args.per_device_eval_batch_size, progress=False)
        self.evaluation_seconds += time.perf_counter() - started
        numbers = {"loss": result.loss, "perplexity": result.perplexity, "accuracy": result.accuracy}
        numbers["num_masked"] = result.count
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in numbers.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Save a checkpoint and seal it with checksums, so that a half-written one is never taken for whole."""
        folder = Path(self._get_output_dir(trial=trial))
        with disk_errors_named("a checkpoint", folder):
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()  # each process writes its own random state
            if self.args.should_save:
                seal(folder / f"checkpoint-{self.state.global_step}")

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        # weights that are tied to others are never stored, so they are not missing
        tied = self.model.all_tied_weights_keys
        missing = [name for name in load_result.missing_keys if name.removeprefix("_orig_mod.") not in tied]
        super()._issue_warnings_after_load(load_result._replace(missing_keys=missing))


@contextmanager
def _fast_attention(model: PreTrainedModel, args: TrainingArguments) -> Iterator[None]:
    """On a CPU in bf16 attend in plain matrix products: the fused kernel's backward pass is slower there."""
    before = model.config._attn_implementation
    slow = args.device.type == "cpu" and args.bf16 and before == "sdpa"
    if slow:
        model.set_attn_implementation("eager")
    try:
        yield
    finally:
        if slow:
            model.set_attn_implementation(before)


@cache
def _keep_freed_memory() -> bool:
    """Tell glibc to keep freed memory for the next step, and return whether this C library could be told.

    By default it returns large blocks to the system and asks for them again, page by page, in each step: a tenth
    of the time. The process then keeps its peak memory until it ends.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    trim_threshold, mmap_threshold = -1, -3  # their numbers in malloc.h
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(mmap_threshold, 2**30) and mallopt(trim_threshold, 2**31 - 1))


class _Epochs(TrainerCallback):
    """Tell the data set the epoch, log where it is needed, and save at the end of an epoch only after evaluating.

    A checkpoint holds neither the losses since the last logged step nor an evaluation that comes after it, and a
    resumed run would lack them. So every checkpoint and the last step are logged.

    Subtle: accelerate tells the data set only where it finds no sampler to tell. With several ranks it always
    finds one, and every epoch would draw the masks of the first.
    """

    saves_late = False

    def on_epoch_begin(self, args, state, control, train_dataloader, **kwargs):
        if hasattr(train_dataloader.dataset, "set_epoch"):
            train_dataloader.dataset.set_epoch(int(state.epoch))

    def on_step_end(self, args, state, control, **kwargs):
        if control.should_save and args.eval_strategy == "epoch" and state.epoch == int(state.epoch):
            self.saves_late, control.should_save = True, False
        control.should_log |= control.should_save or state.global_step == state.max_steps

    def on_epoch_end(self, args, state, control, **kwargs):
        control.should_save |= self.saves_late
        self.saves_late = False
        control.should_log |= control.should_save


class _StopWhenDiverged(TrainerCallback):
    """Stop at the first logged loss that is not finite: no later step mends it."""

    def on_log(self, args, state, control, logs, **kwargs):
        if not math.isfinite(loss := logs.get("loss", 0.0)):
            raise ValueError(
                f"expected finite losses, found {loss} at step {state.global_step} with the learning rate "
                f"{args.learning_rate:g}: the training diverged, take a smaller one"
            )


class _Bar(TrainerCallback):
    """One line of text on standard error."""

    def on_train_begin(self, args, state, control, **kwargs):
        steps = {"total": state.max_steps, "initial": state.global_step, "unit": "step"}
        # once a second is enough for eyes, and keeps notebooks small
        self.bar = tqdm(desc="training", mininterval=1.0, disable=not state.is_world_process_zero, **steps)

    def on_step_end(self, args, state, control, **kwargs):
        self.bar.update(state.global_step - self.bar.n)

    def on_log(self, args, state, control, logs, **kwargs):
        if "loss" in logs:
            self.bar.set_postfix_str(f"loss {logs['loss']:.3f}", refresh=False)
        if "eval_perplexity" in logs:
            self.bar.set_postfix_str(f"perplexity {logs['eval_perplexity']:.2f}")

    def on_train_end(self, args, state, control, **kwargs):
        self.bar.close()
