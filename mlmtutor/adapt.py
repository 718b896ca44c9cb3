"""The whole way, one call each: texts, chunks, masks, training, report."""

from __future__ import annotations

import logging
import math
import os
import warnings
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from tyro.conf import Positional

from mlmtutor.hub.load import load_model, load_tokenizer
from mlmtutor.hub.names import MINI, MINI_ZH
from mlmtutor.masks.frozen import freeze_masks
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.mini import NAMES
from mlmtutor.model.device import AnyPrecision, find_device, settle_precision
from mlmtutor.model.doubts import Doubt, recorded_doubts
from mlmtutor.model.masked_lm import check_chunks_fit
from mlmtutor.model.messages import printable, show
from mlmtutor.scores.basis import FEW_CHUNKS, check_amount, check_basis, check_gain
from mlmtutor.texts.own_texts import read_source
from mlmtutor.texts.scripts import MAX_SHARE_UNSPACED, share_chinese, share_english
from mlmtutor.texts.segmenters import JIEBA, load_segmenter
from mlmtutor.training.checkpoints import SAVE_STEPS, check_space, count_processes
from mlmtutor.training.digests import (
    describe_changes,
    digest_model,
    digest_segmenter,
    digest_texts,
    digest_vocabulary,
)
from mlmtutor.training.preparation import prepare_chunks, select_chunks
from mlmtutor.training.run_folder import open_run_folder
from mlmtutor.training.train import TrainingSettings, train_masked_lm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from mlmtutor.report import Report
    from mlmtutor.scores.perplexity import Evaluation

logger = logging.getLogger(__name__)

AUTO = "auto"
DOUBTFUL_CHINESE = 0.6  # of the letters
DOUBTFUL_ENGLISH = 0.4  # of the words; telegraphic notes of doctors have 0.45, Spanish and Dutch up to 0.38
Cut = Literal["auto", "paragraphs", "lines", "whole"]


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

    source: Positional[str] = MINI  # "mini" (IMDb), "mini-zh", a file or folder with texts, or a Hub id
    model: str = AUTO  # checkpoint: mini, mini-zh, a folder or a Hub id; auto: mini, for Chinese mini-zh
    text_column: str = "text"  # column with the texts, in tables and Hub data sets
    split: str = "train"  # which split of a Hub data set
    config: str | None = None  # which configuration of a Hub data set, where it has several
    encoding: str | None = None  # of text files and tables that are not UTF-8, such as gbk or latin-1
    cut: Cut = "auto"  # what is one text of a .txt: paragraphs, lines or whole; auto decides by blank lines
    segmenter: str | None = None  # finds words without spaces: package.module:function; Chinese: jieba
    chunk_size: int = 128  # tokens per chunk
    train_size: int | None = None  # chunks to train on, at most; 4,000 on a CPU, 10,000 on a GPU
    eval_size: int | None = None  # chunks to measure on, at most; 200 on a CPU, 1,000 on a GPU
    test_share: float = 0.1  # share of the texts that are held out to measure on
    masking: MaskingSettings = field(default_factory=MaskingSettings)  # what is masked, and how
    num_epochs: int | None = None  # passes over the chunks; 1 on a CPU, 3 on a GPU, more for little text
    batch_size: int | None = None  # chunks per step and device; 16 on a CPU, 64 on a GPU
    learning_rate: float | None = None  # at its highest; 2e-4 for mini, 2e-5 for others and little text
    precision: AnyPrecision = "auto"  # arithmetic of training: auto (asks the device), bf16, fp16 or fp32
    seed: int = 0  # of split, sample, order and masks

    def __post_init__(self) -> None:
        for name in ("chunk_size", "train_size", "eval_size"):
            value = getattr(self, name)
            if value is not None and not 1 <= value < 2**31:
                raise ValueError(f"{name} must be in [1, 2**31), got {value}")
        if not 0 < self.test_share < 1:
            raise ValueError(f"test_share must be between 0 and 1, got {self.test_share}")
        plan_training(self, num_chunks=1)  # which checks the rest


def plan_training(settings: AdaptSettings, *, num_chunks: int) -> TrainingSettings:
    """Decide what the settings leave open, for a number of chunks and for this machine.

    A CPU takes steps of 16 chunks and one epoch, a GPU the original notebook's 64 and 3. A small corpus gets more
    epochs, up to 10, so that there are some 100 steps. The mini models learn at 2e-4, others at 2e-5. Below 50 chunks it
    is 2e-5 for all: a few steps at a high rate unsettle a model and leave it worse.

    Example:
        >>> plan_training(AdaptSettings(batch_size=16), num_chunks=160).num_epochs
        10
        >>> [plan_training(AdaptSettings(), num_chunks=number).learning_rate for number in (49, 50)]
        [2e-05, 0.0002]

    Source: chapter 11_your_domain.
    """
    epochs, batch_size = (1, 16) if find_device() == "cpu" else (3, 64)
    if settings.batch_size is not None:
        batch_size = settings.batch_size
    if settings.num_epochs is not None:
        epochs = settings.num_epochs
    elif batch_size > 0:
        epochs = max(epochs, min(10, 100 * batch_size // num_chunks))
    rate = 2e-4 if settings.model in (AUTO, MINI_ZH, *NAMES) and num_chunks >= FEW_CHUNKS else 2e-5
    return TrainingSettings(
        num_epochs=epochs,
        batch_size=batch_size,
        learning_rate=rate if settings.learning_rate is None else settings.learning_rate,
        save_steps=SAVE_STEPS,
        seed=settings.seed,
        precision=settings.precision,
    )


def adapt_model(
    settings: AdaptSettings,
    *,
    output_dir: str | os.PathLike[str],
    restart: bool = False,
) -> Report:
    """Adapt a masked language model to texts and measure what it gained.

    Texts are split before they are chunked, so nothing that is measured on was trained on. Before and after are
    measured on the same frozen masks. What was read, and what is doubtful about the result, is logged on the way and
    stands in the report.

    The same call after a break goes on where it broke off and ends with the result of an undisturbed run; after that
    result it returns its report. Whether it is the same is told by the settings, by digests of texts, vocabulary and
    starting model, and by what the device decides.

    Args:
        settings: What and how.
        output_dir: Folder for the model (safetensors), its card ``README.md``, ``report.json``, ``run.json`` and
            ``loss.png``. Must be new or empty, or one of an earlier call.
        restart: Start over, whatever an earlier call left there.

    Returns:
        The :class:`mlmtutor.report.Report`, equal for equal settings on one machine.

    Raises:
        ValueError: If texts, checkpoint or settings do not fit, there is too little text, or the result would mean
            nothing.
        OSError: If something is not there, cannot be reached or cannot be written, or ``output_dir`` holds something
            else.

    Example:
        >>> adapt_model(AdaptSettings(source="no_such_file.txt"), output_dir="adapted")
        Traceback (most recent call last):
            ...
        FileNotFoundError: expected a file or folder with texts, found no 'no_such_file.txt'

    Source: chapter 11_your_domain.
    """
    from mlmtutor.report import rehearse_saving, save_adapted
    from mlmtutor.scores.perplexity import evaluate

    if (settings.model, settings.source) == ("mini-imdb", MINI):
        raise ValueError(
            "expected texts that the model has not read, found 'mini-imdb', which has read four in five of the "
            "reviews of 'mini': take the model 'mini', or other texts"
        )
    precision = settle_precision(settings.precision, device=find_device())
    settings = _settle_sizes(settings)
    if settings.model == AUTO and settings.source in (MINI, MINI_ZH):
        settings = replace(settings, model=settings.source)
    with open_run_folder(output_dir) as folder, recorded_doubts() as doubts:
        named = None if settings.model == AUTO else _load(settings)
        reading = read_source(
            settings.source,
            text_column=settings.text_column,
            split=settings.split,
            config=settings.config,
            encoding=settings.encoding,
            cut=settings.cut,
        )
        logger.info("read %s", replace(reading, doubts=()))
        for doubt in reading.doubts:
            logger.warning("%s", doubt)
        if reading.doubts:  # which name files, and the report may be shared
            doubts.append(f"what was told of the files when they were read ({len(reading.doubts)} lines)")
        settings = _settle_language(settings, reading.texts)
        segmenter = load_segmenter(settings.segmenter) if settings.segmenter else None
        tokenizer, model = named or _load(settings)
        public = _to_public(settings)
        digests = {
            "texts": digest_texts(reading.texts),
            "vocabulary": digest_vocabulary(tokenizer),
            "checkpoint": digest_model(model),
        }
        if segmenter:
            digests["words"] = digest_segmenter(segmenter, reading.texts)
        identity = _identify(public, digests, precision=precision, num_processes=count_processes())
        if not restart and (result := folder.find_result()) is not None:
            return _earlier_report(folder.path, result, identity=identity)
        folder.claim(identity, restart=restart)
        rehearse_saving(folder.path, settings=public)

        columns, facts = folder.remember(
            "prepared",
            lambda: prepare_chunks(
                reading.texts,
                tokenizer,
                chunk_size=settings.chunk_size,
                train_size=settings.train_size,
                eval_size=settings.eval_size,
                test_share=settings.test_share,
                unit=settings.masking.unit,
                segmenter=segmenter,
                seed=settings.seed,
            ),
        )
        train, held_out = select_chunks(columns, "train"), select_chunks(columns, "held_out")
        check_amount(len(train))
        plan = plan_training(settings, num_chunks=len(train))
        check_space(folder.path, model, num_steps=plan.num_epochs * math.ceil(len(train) / plan.batch_size))
        masks = freeze_masks(held_out, tokenizer=tokenizer, settings=settings.masking, seed=settings.seed)
        before = _restore(*folder.remember("before", lambda: _to_arrays(evaluate(model, masks))))
        check_basis(before)
        history = train_masked_lm(
            model,
            train,
            tokenizer=tokenizer,
            masking=settings.masking,
            settings=plan,
            output_dir=folder.checkpoints,
            resume=True,
        )
        after = evaluate(model, masks)
        try:
            check_gain(before, after, vocab_size=model.config.vocab_size, learning_rate=plan.learning_rate)
        except ValueError:
            folder.forget()  # the same call would come to the same end
            raise

        return save_adapted(
            folder.path,
            model=model,
            tokenizer=tokenizer,
            masks=masks,
            before=before,
            after=after,
            history=history,
            settings=public,
            data=facts["data"],
            digests=digests,
            reading=reading.describe(),
            doubts=list(dict.fromkeys(facts["doubts"] + doubts)),
        )


def _settle_sizes(settings: AdaptSettings) -> AdaptSettings:
    """Decide how many chunks to take, where the settings leave it open."""
    train_size, eval_size = (4_000, 200) if find_device() == "cpu" else (10_000, 1_000)
    return replace(
        settings,
        train_size=train_size if settings.train_size is None else settings.train_size,
        eval_size=eval_size if settings.eval_size is None else settings.eval_size,
    )


def _load(settings: AdaptSettings) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    tokenizer, model = load_tokenizer(settings.model), load_model(settings.model).to(find_device())
    check_chunks_fit(model, np.broadcast_to(np.int8(0), (1, settings.chunk_size)))
    return tokenizer, model


def _settle_language(settings: AdaptSettings, texts: Sequence[str]) -> AdaptSettings:
    """Decide which model and segmenter to take for texts, where the settings leave it open, and say so."""
    chinese = share_chinese(texts)
    model, segmenter = settings.model, settings.segmenter
    if model == AUTO:
        model = MINI_ZH if chinese > MAX_SHARE_UNSPACED else MINI
    if segmenter is None and chinese > MAX_SHARE_UNSPACED and settings.masking.unit == "word":
        segmenter = JIEBA
    taken = [f"the model {MINI_ZH}"] * (model != settings.model and model == MINI_ZH)
    taken += [f"the segmenter {JIEBA}"] * (segmenter != settings.segmenter)
    if taken:
        logger.info(
            "took %s, since %.0f %% of the letters are Chinese characters: --model and --segmenter name others",
            " and ".join(taken),
            100 * chinese,
        )
    if model == MINI_ZH and chinese < DOUBTFUL_CHINESE:
        warnings.warn(
            f"expected Chinese texts for the model {MINI_ZH}, found {chinese:.0%} Chinese characters among the letters: take a "
            "model in the language of the texts",
            Doubt,
            stacklevel=2,
        )
    if model in NAMES and (english := share_english(texts)) < DOUBTFUL_ENGLISH:
        warnings.warn(
            f"expected English texts for the model {model}, found {english:.0%} frequent words of English (film reviews have "
            "83%): take a model in the language of the texts",
            Doubt,
            stacklevel=2,
        )
    return replace(settings, model=model, segmenter=segmenter)


def _to_public(settings: AdaptSettings) -> dict[str, Any]:
    """Return the settings for a report, which is shared: of a path on this machine only its last part."""
    public = asdict(settings)
    for name in ("source", "model"):
        if (path := Path(public[name]).expanduser()).exists():
            public[name] = printable(path.resolve().name)
    return public


def _identify(
    settings: dict[str, Any], digests: dict[str, str], *, precision: str, num_processes: int
) -> dict[str, Any]:
    """Return what makes a run the same run, by name."""
    flat = {name: value for name, value in settings.items() if name != "masking"} | settings["masking"]
    return flat | digests | {"precision": precision, "num_processes": num_processes}


def _earlier_report(folder: Path, result: dict[str, Any], *, identity: dict[str, Any]) -> Report:
    """Return the report of a complete result, if it is that of the same run."""
    from mlmtutor.report import Report

    report = Report.from_dict(result)
    earlier = _identify(
        report.settings,
        report.digests,
        precision=report.precision,
        num_processes=report.training["num_processes"],
    )
    if changes := describe_changes(identity, earlier):
        raise FileExistsError(
            f"expected {show(folder)} to be new or empty, found the result of another run there (here: {changes:.90}): "
            "start over with --restart, or take another folder"
        )
    logger.info("found the result of this run: nothing to do, unless --restart starts over")
    return report


def _to_arrays(evaluation: Evaluation) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Take an evaluation apart into arrays and plain values."""
    values = {name: value for name, value in vars(evaluation).items() if value is not None}
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    return arrays, {name: value for name, value in values.items() if name not in arrays}


def _restore(arrays: dict[str, np.ndarray], values: dict[str, Any]) -> Evaluation:
    from mlmtutor.scores.perplexity import Evaluation

    return Evaluation(**arrays, **values)
