"""The whole way, one call each: texts, chunks, masks, training, report."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from mlmtutor.hub.load import load_model, load_tokenizer
from mlmtutor.hub.names import MINI
from mlmtutor.masks.frozen import freeze_masks
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.model.device import AnyPrecision, find_device, settle_precision
from mlmtutor.texts.own_texts import load_texts, split_texts
from mlmtutor.training.train import TrainingSettings, train_masked_lm

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

    from mlmtutor.report import Report


@dataclass(frozen=True)
class AdaptSettings:
    """What to adapt to, how much of it, and how. The command ``mlmtutor adapt`` has the same, as options.

    Example:
        >>> AdaptSettings(test_share=1.5)
        Traceback (most recent call last):
            ...
        ValueError: test_share must be between 0 and 1, got 1.5

    Source: chapter 11_your_domain.
    """

    source: Positional[str] = MINI  # "mini" (IMDb), a .txt/.csv/.jsonl/.parquet file, a folder or a Hub id
    model: str = MINI  # checkpoint: "mini", a folder or a Hub id
    text_column: str = "text"  # column with the texts, in tables and Hub data sets
    split: str = "train"  # which split of a Hub data set
    chunk_size: int = 128  # tokens per chunk
    train_size: int | None = None  # chunks to train on, at most; 4,000 on a CPU, 10,000 on a GPU
    eval_size: int | None = None  # chunks to measure on, at most; 200 on a CPU, 1,000 on a GPU
    test_share: float = 0.1  # share of the texts that are held out to measure on
    masking: MaskingSettings = field(default_factory=MaskingSettings)  # what is masked, and how
    num_epochs: int | None = None  # passes over the chunks; 1 on a CPU, 3 on a GPU, more for little text
    batch_size: int | None = None  # chunks per step and device; 16 on a CPU, 64 on a GPU
    learning_rate: float | None = None  # at its highest; 2e-4 for the mini model, 2e-5 for others
    precision: AnyPrecision = "auto"  # arithmetic of training: auto (asks the device), bf16, fp16 or fp32
    seed: int = 0  # of split, sample, order and masks

    def __post_init__(self) -> None:
        for name in ("chunk_size", "train_size", "eval_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if not 0 < self.test_share < 1:
            raise ValueError(f"test_share must be between 0 and 1, got {self.test_share}")
        plan_training(self, num_chunks=1)  # which checks the rest


def plan_training(settings: AdaptSettings, *, num_chunks: int) -> TrainingSettings:
    """Decide what the settings leave open, for a number of chunks and for this machine.

    A CPU takes steps of 16 chunks and one epoch, a GPU the original notebook's 64 and 3. A small corpus gets more
    epochs, up to 10, so that there are some 100 steps. The mini model learns at 2e-4, others at 2e-5.

    Example:
        >>> plan_training(AdaptSettings(batch_size=16), num_chunks=160).num_epochs
        10
        >>> plan_training(AdaptSettings(num_epochs=2), num_chunks=160).learning_rate
        0.0002

    Source: chapter 11_your_domain.
    """
    epochs, batch_size = (1, 16) if find_device() == "cpu" else (3, 64)
    if settings.batch_size is not None:
        batch_size = settings.batch_size
    if settings.num_epochs is not None:
        epochs = settings.num_epochs
    elif batch_size > 0:
        epochs = max(epochs, min(10, 100 * batch_size // num_chunks))
    rate = 2e-4 if settings.model == MINI else 2e-5
    return TrainingSettings(
        num_epochs=epochs,
        batch_size=batch_size,
        learning_rate=rate if settings.learning_rate is None else settings.learning_rate,
        save_steps=100,
        seed=settings.seed,
        precision=settings.precision,
    )


def adapt_model(
    settings: AdaptSettings,
    *,
    output_dir: str | os.PathLike[str],
    resume: bool = False,
) -> Report:
    """Adapt a masked language model to texts and measure what it gained.

    Texts are split before they are chunked, so nothing that is measured on was trained on. Before and after are
    measured on the same frozen masks.

    Args:
        settings: What and how.
        output_dir: Folder for the model (safetensors), its card ``README.md``, ``report.json``, ``run.json`` and
            ``loss.png``. Must be new or empty, unless a broken run is resumed.
        resume: Go on from the last checkpoint of a run that broke.

    Returns:
        The :class:`mlmtutor.report.Report`, equal for equal settings on one machine.

    Raises:
        ValueError: If texts, checkpoint or settings do not fit, or there is too little text.
        OSError: If something is not there, cannot be reached or cannot be written.

    Example:
        >>> adapt_model(AdaptSettings(source="no_such_file.txt"), output_dir="adapted")
        Traceback (most recent call last):
            ...
        FileNotFoundError: expected a file or folder with texts, found no 'no_such_file.txt'

    Source: chapter 11_your_domain.
    """
    from mlmtutor.report import save_adapted
    from mlmtutor.scores.perplexity import evaluate

    settle_precision(settings.precision, device=find_device())
    settings = _settle_sizes(settings)
    with _open_folder(Path(output_dir), resume=resume) as folder:
        tokenizer, model = load_tokenizer(settings.model), load_model(settings.model).to(find_device())
        texts = load_texts(settings.source, text_column=settings.text_column, split=settings.split)
        parts = _split(texts, settings)
        train = _chunk(parts["train"], tokenizer, settings, max_chunks=settings.train_size)
        held_out = _chunk(parts["test"], tokenizer, settings, max_chunks=settings.eval_size)
        masks = freeze_masks(held_out, tokenizer=tokenizer, settings=settings.masking, seed=settings.seed)

        before = evaluate(model, masks)
        history = train_masked_lm(
            model,
            train,
            tokenizer=tokenizer,
            masking=settings.masking,
            settings=plan_training(settings, num_chunks=len(train)),
            output_dir=folder / "checkpoints",
            resume=resume,
        )
        after = evaluate(model, masks)

        return save_adapted(
            folder,
            model=model,
            tokenizer=tokenizer,
            masks=masks,
            before=before,
            after=after,
            history=history,
            settings=_to_public(settings),
            data={
                "train_texts": len(parts["train"]),
                "train_chunks": len(train),
                "held_out_texts": len(parts["test"]),
            },
        )


def _settle_sizes(settings: AdaptSettings) -> AdaptSettings:
    """Decide how many chunks to take, where the settings leave it open."""
    train_size, eval_size = (4_000, 200) if find_device() == "cpu" else (10_000, 1_000)
    return replace(
        settings,
        train_size=train_size if settings.train_size is None else settings.train_size,
        eval_size=eval_size if settings.eval_size is None else settings.eval_size,
    )


def _to_public(settings: AdaptSettings) -> dict[str, Any]:
    """Return the settings for a report, which is shared: of a path on this machine only its last part."""
    public = asdict(settings)
    for name in ("source", "model"):
        if Path(public[name]).exists():
            public[name] = Path(public[name]).resolve().name
    return public


def _split(texts: Dataset, settings: AdaptSettings) -> DatasetDict:
    num_texts = len(set(texts["text"]))  # of exact copies only one is used
    if num_texts < 2:
        copies = f" and {len(texts) - num_texts:,} copies" if len(texts) > num_texts else ""
        raise ValueError(
            f"expected at least 2 texts, one of them to measure on, found {num_texts}{copies} in {settings.source!r}: "
            "set paragraphs off by blank lines, or give a folder of files"
        )
    num_held_out = max(1, min(round(settings.test_share * len(texts)), num_texts - 1))
    return split_texts(texts, test_size=num_held_out, seed=settings.seed)


def _chunk(texts: Dataset, tokenizer, settings: AdaptSettings, *, max_chunks: int) -> Dataset:
    from mlmtutor.texts.chunking import chunk_texts

    chunks = chunk_texts(texts["text"], tokenizer, chunk_size=settings.chunk_size, boundary="corpus")
    if len(chunks.dataset) == 0:
        raise ValueError(
            f"expected at least {settings.chunk_size} tokens to train on and as many to measure on, found "
            f"{chunks.num_tokens} in {chunks.num_texts} of the texts: give more text or a smaller chunk_size"
        )
    sample = range(min(max_chunks, len(chunks.dataset)))
    return chunks.dataset.shuffle(settings.seed).select(sample)


@contextmanager
def _open_folder(folder: Path, *, resume: bool) -> Iterator[Path]:
    """Make the folder; if the run breaks, leave what can be resumed and nothing else."""
    checkpoints = folder / "checkpoints"
    if resume and not checkpoints.is_dir():
        raise FileNotFoundError(
            f"expected a broken run to resume in {str(folder)!r}, found no checkpoints there"
        )
    if not resume and folder.is_dir() and any(folder.iterdir()):
        found = "a broken run: resume it" if checkpoints.is_dir() else "files in it"
        raise FileExistsError(
            f"expected {str(folder)!r} to be new or empty, found {found}, or choose another folder"
        )
    was_there = folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(f"cannot write to {str(folder)!r}: {error.strerror}") from error
    try:
        yield folder
    finally:
        if checkpoints.is_dir() and not any(checkpoints.glob("checkpoint-*")):
            shutil.rmtree(checkpoints)
        if not was_there and not any(folder.iterdir()):
            folder.rmdir()
