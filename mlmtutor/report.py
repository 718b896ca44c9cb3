"""What an adaptation leaves behind: report, model card, figure and weights."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, asdict, dataclass, field, fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlmtutor.hub.names import MINI, MINI_ZH
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.mini import NAMES
from mlmtutor.model.progress import no_library_bars
from mlmtutor.training.checkpoints import (
    checksum_files,
    count_processes,
    disk_errors_named,
    is_main_process,
    sync,
    write_json,
)
from mlmtutor.training.run_folder import IDENTITY, WRITING, RunFolder

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from mlmtutor.masks.frozen import FrozenMasks
    from mlmtutor.scores.perplexity import Comparison, Evaluation
    from mlmtutor.training.train import TrainingHistory


@dataclass(frozen=True)
class Report:
    """What was done and measured; the same for the same settings and machine.

    Attributes:
        settings: What was asked for: ``source`` of the texts, ``model`` before adaptation, and the other settings.
        training: The :class:`mlmtutor.training.train.TrainingSettings` of the run, and the processes that shared it.
        data: Numbers of texts, exact copies among them, and chunks, for training and for measuring.
        masks: How the evaluation masks were drawn, their digest, and in words what came of what was asked.
        before: Figures of the model before, see :meth:`mlmtutor.scores.perplexity.Evaluation.to_dict`.
        after: The same figures of the adapted model.
        ratio: Perplexity after divided by before, with its 95 % interval; no interval for a single text.
        losses: Training loss by step.
        precision: Arithmetic of the training run.
        digests: SHA-256 of what went in, by name: texts, vocabulary, starting weights.
        reading: What was read of the source and what was left out, see :meth:`mlmtutor.texts.reading.Reading.describe`.
        doubts: What may keep the figures from meaning what they seem to.
        about: What the card says beyond the figures, where it was given: ``licence``, ``language`` and ``dataset``, and
            ``forgetting``, the ratio of the perplexities on general texts with its interval.
    """

    settings: dict[str, Any]
    training: dict[str, Any]
    data: dict[str, int]
    masks: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    ratio: dict[str, Any]
    losses: dict[int, float]
    precision: str
    digests: dict[str, str]
    reading: dict[str, Any]
    doubts: list[str]
    about: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Report:
        """Return the report that a ``report.json`` holds."""
        names = {entry.name for entry in fields(cls)}
        needed = {entry.name for entry in fields(cls) if entry.default_factory is MISSING}
        if not needed <= values.keys() <= names:
            raise ValueError(
                f"expected a report with {', '.join(sorted(names))}, found {', '.join(sorted(values))}"
            )
        return cls(**{**values, "losses": {int(step): loss for step, loss in values["losses"].items()}})

    def to_table(self) -> str:
        """Return the figures before and after side by side, as plain text."""

        def show(name: str, form: str) -> list[str]:
            values = [numbers[name] for numbers in (self.before, self.after)]
            values = [value if isinstance(value, list) or value is None else [value] for value in values]
            return ["one text only" if value is None else form.format(*value) for value in values]

        rows = [
            ["", "before", "after"],
            ["perplexity", *show("perplexity", "{:.1f}")],
            ["95 % interval", *show("interval_95", "{:.1f} - {:.1f}")],
            ["accuracy", *show("accuracy", "{:.1%}")],
        ]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        return "\n".join("  ".join(map(str.rjust, row, widths)).rstrip() for row in rows)

    def describe_ratio(self) -> str:
        """Return the ratio of the perplexities with its interval, in words."""
        return _describe_ratio(self.ratio)

    def describe_basis(self) -> str:
        """Return on how much the figures rest, in words: one measurement of few texts says little about others."""
        texts = self.after["num_texts"]
        return (
            f"measured on {self.after['num_masked']:,} masked tokens in {self.after['num_chunks']:,} chunks from "
            f"{texts:,} held-out text{'s' * (texts != 1)}"
        )

    def __str__(self) -> str:
        lines = [self.to_table(), f"after / before: {self.describe_ratio()}", self.describe_basis()]
        lines += [f"masks: {self.masks['outcome']}"] if self.masks.get("outcome") else []
        return "\n".join([*lines, *(f"doubtful: {doubt}" for doubt in self.doubts)])


def save_adapted(
    folder: str | os.PathLike[str],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    masks: FrozenMasks,
    before: Evaluation,
    after: Evaluation,
    history: TrainingHistory,
    settings: Mapping[str, Any],
    data: Mapping[str, int] | None = None,
    digests: Mapping[str, str] | None = None,
    reading: Mapping[str, Any] | None = None,
    doubts: Sequence[str] = (),
    licence: str | None = None,
    language: str | None = None,
    dataset: str | None = None,
    forgetting: Comparison | None = None,
) -> Report:
    """Save an adapted model with all that must be known about it: card, report and loss curve.

    Everything is written beside the content of the folder and then moved in, the report last; checkpoints of the run
    are removed. Where a launcher started several processes, the first of them writes.

    Args:
        folder: Where to; made if it is not there.
        model: The adapted model.
        tokenizer: Its tokenizer.
        masks: The frozen masks that both evaluations were measured on.
        before: The model before adaptation.
        after: The adapted model.
        history: How training went; its times go to ``run.json``.
        settings: At least ``source``, where the texts are from, and ``model``, the checkpoint before adaptation.
        data: More numbers for the report, such as the texts that were read. What was trained and measured on is
            counted here: texts in which a chunk begins, not all that were at hand.
        digests: SHA-256 of what went in, by name.
        reading: What was read of the source and what was left out.
        doubts: What is doubtful about the figures.
        licence: Licence of the adapted model as the Hub spells it, such as ``"apache-2.0"``; the card says so if there
            is none yet.
        language: Language of the texts, such as ``"en"``.
        dataset: The Hub's id of the data set that the texts are from.
        forgetting: Perplexity after against before on general texts.

    Returns:
        The :class:`Report`, which is also in ``report.json``.

    Raises:
        ValueError: If a name is missing in ``settings``, or the evaluations are not of these masks.
        OSError: If the folder cannot be written.

    Example:
        >>> save_adapted("out", model=None, tokenizer=None, masks=None, before=None, after=None, history=None,
        ...              settings={"source": "mini"})
        Traceback (most recent call last):
            ...
        ValueError: expected also model in settings

    Source: chapter 08_adapted_model.
    """
    if missing := sorted({"source", "model"} - settings.keys()):
        raise ValueError(f"expected also {', '.join(missing)} in settings")
    if {before.sha256, after.sha256} != {masks.sha256}:
        raise ValueError(
            f"expected evaluations on the masks {masks.sha256[:12]}, found {before.sha256[:12]} and {after.sha256[:12]}"
        )
    report = Report(
        settings=dict(settings),
        training={**asdict(history.settings), "num_processes": count_processes()},
        data={**(data or {}), **_count_used(history, masks)},
        masks=masks.describe()
        | {"outcome": str(masks.outcome or ""), **(masks.outcome.describe() if masks.outcome else {})},
        before=before.to_dict(),
        after=after.to_dict(),
        ratio=_compare(before, after),
        losses=dict(zip(history.steps, history.losses, strict=True)),
        precision=history.precision,
        digests=dict(digests or {}),
        reading=dict(reading or {}),
        doubts=list(doubts),
        about=_gather_about(licence=licence, language=language, dataset=dataset, forgetting=forgetting),
    )
    if not is_main_process():
        return report
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _writing_beside(folder) as new:
        with no_library_bars():
            model.save_pretrained(new)
        tokenizer.save_pretrained(new)
        _write_documents(new, report, architecture=type(model).__name__, chunk_size=masks.input_ids.shape[1])
        write_json(new / "run.json", {**describe_run(history), "files": checksum_files(new)})
        for file in sorted(new.iterdir(), key=lambda file: file.name == "report.json"):
            file.chmod(0o666 & ~_umask())  # the library that writes weights shuts others out
            sync(file)
            shutil.move(file, folder / file.name)
        sync(folder)
    run = RunFolder(folder)
    if any((run.checkpoints / name).exists() for name in (IDENTITY, "training.json")):
        run.forget()
    return report


def _count_used(history: TrainingHistory, masks: FrozenMasks) -> dict[str, int]:
    return {
        "train_texts": history.num_texts,
        "train_chunks": history.num_chunks,
        "held_out_texts": len(np.unique(masks.text_index)),
        "held_out_chunks": masks.describe()["num_chunks"],
    }


def rehearse_saving(folder: Path, *, settings: Mapping[str, Any]) -> None:
    """Write and remove a report of nothing, so that what cannot be written is known before hours of training.

    Raises:
        OSError: If it cannot be written.
    """
    nothing = {"perplexity": 1.0, "loss": 0.0, "accuracy": 0.0, "num_texts": 0}
    report = Report(
        settings=dict(settings),
        training={},
        data={"train_texts": 0, "train_chunks": 0, "held_out_texts": 0, "held_out_chunks": 0},
        masks={"num_masked": 0, "sha256": "", "outcome": ""},
        before=nothing,
        after=nothing,
        ratio={"ratio": 1.0, "low": None, "high": None},
        losses={1: 1.0},
        precision="",
        digests={},
        reading={},
        doubts=[],
    )
    if is_main_process():
        with _writing_beside(folder) as new:
            _write_documents(new, report, architecture="", chunk_size=0)


@contextmanager
def _writing_beside(folder: Path) -> Iterator[Path]:
    """Give a folder beside the content of another, and name the disk in whatever error comes of writing there."""
    new = folder / WRITING
    shutil.rmtree(new, ignore_errors=True)  # of a process that was killed
    with disk_errors_named("the result", folder):
        new.mkdir()
        try:
            yield new
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _write_documents(folder: Path, report: Report, *, architecture: str, chunk_size: int) -> None:
    write_json(folder / "report.json", asdict(report))
    card = write_card(report, architecture=architecture, chunk_size=chunk_size)
    (folder / "README.md").write_text(card, encoding="utf-8")
    _draw_losses(report, folder / "loss.png")


def _umask() -> int:
    """Return which rights new files do not get; the system tells it only to who sets it."""
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _compare(before: Evaluation, after: Evaluation) -> dict[str, Any]:
    from mlmtutor.scores.perplexity import compare

    if before.num_texts < 2:
        return {"ratio": after.perplexity / before.perplexity, "low": None, "high": None}
    return _ratio_of(compare(before, after))


def _ratio_of(comparison: Comparison) -> dict[str, Any]:
    return {"ratio": comparison.ratio, "low": comparison.low, "high": comparison.high}


def _describe_ratio(ratio: Mapping[str, Any]) -> str:
    if ratio["low"] is None:
        return f"{ratio['ratio']:.3f}"
    return "{ratio:.3f} (95 % interval over texts {low:.3f} to {high:.3f})".format(**ratio)


def _gather_about(*, forgetting: Comparison | None, **names: str | None) -> dict[str, Any]:
    """Return what was given of the facts that only the author knows."""
    about: dict[str, Any] = {name: value for name, value in names.items() if value is not None}
    return about | ({"forgetting": _ratio_of(forgetting)} if forgetting else {})


def _draw_losses(report: Report, path: Path) -> None:
    from matplotlib import style
    from matplotlib.figure import Figure

    from mlmtutor.plots.axes import STYLE
    from mlmtutor.plots.curves import plot_losses

    with style.context(STYLE):
        figure = Figure()
        ax = plot_losses(list(report.losses), list(report.losses.values()), ax=figure.subplots())
        for name, line, numbers in (("before", "--", report.before), ("after", ":", report.after)):
            label = f"frozen masks, {name}: perplexity {numbers['perplexity']:.1f}"
            ax.axhline(numbers["loss"], color="grey", linestyle=line, label=label)
        ax.legend()
        figure.savefig(path)


def describe_run(history: TrainingHistory) -> dict[str, Any]:
    """Return what differs from run to run: times, device and versions."""
    from importlib.metadata import version

    return {
        "seconds": round(history.seconds, 1),
        "tokens_per_second": round(history.tokens_per_second),
        "device": history.device,
        "versions": {name: version(name) for name in ("mlmtutor", "torch", "transformers", "datasets")},
    }


# what the mini model itself was made from, for the Hub's family tree
MINI_BASE = "sentence-transformers/all-MiniLM-L6-v2"
MADE_FROM = dict.fromkeys(
    NAMES, f"`{{base}}` is a small English model of mlmtutor, made from\n`{MINI_BASE}`.\n"
) | {
    MINI_ZH: f"`{{base}}` is a small Chinese model of mlmtutor for teaching, made from\n`{MINI_BASE}`.\n"
    "Most of what it has read is a newspaper whose text is not free.\n"
}
SOURCES = {MINI: "IMDb reviews", MINI_ZH: "Chinese reviews of books, computers and hotels"}

CARD = """---
library_name: transformers
pipeline_tag: fill-mask
{facts}tags: [masked-lm, domain-adaptation, mlmtutor]
---

# {base}, adapted to {source}

`{base}`, a masked language model ({architecture}),
trained further on texts from {source}.
{made_from}
| on the same frozen masks | before | after |
| --- | --- | --- |
| perplexity per masked token | {before:.2f} | {after:.2f} |
| masked accuracy | {accuracy_before:.1%} | {accuracy_after:.1%} |

Perplexity after divided by before, below 1 is better:

- on texts from {source}:
  {ratio}
- on general texts (forgetting):
  {forgetting}

## How it was made

{doubts}- **Data:** {train_chunks:,} chunks of {chunk_size} tokens from {train_texts:,} texts; measured on
  {held_out_chunks:,} chunks that begin in {num_texts:,} held-out texts{copies}.
- **Masking:** {masking}. Evaluation masks: {num_masked:,} tokens, digest {sha256:.12}.
  What came of it: {outcome}.
- **Training:** {training}; computed in {precision}.

## Limits and licence

- The perplexity is that of masked tokens under this masking.
  It may be compared only with figures from the same masks.
- Texts like these may be private or copyrighted, and a model can repeat them.
- **Licence:** {licence}.

All figures and the whole digest are in `report.json`,
times and versions in `run.json`, the loss curve in `loss.png`.
"""


def write_card(report: Report, *, architecture: str, chunk_size: int) -> str:
    """Write the model card in Markdown: data, masking, numbers and seeds."""

    def listing(values: Mapping[str, Any]) -> str:
        return ", ".join(f"{name} {value}" for name, value in values.items())

    source, base = report.settings["source"], report.settings["model"]
    segmenter = report.settings.get("segmenter")
    names = [entry.name for entry in fields(MaskingSettings)]
    about = report.about
    # only the Hub can follow a link to the model that this one came from
    ancestor = base if "/" in base else MINI_BASE if base in MADE_FROM else None
    facts = {
        "language": about.get("language"),
        "license": about.get("licence"),  # as the Hub spells it
        "base_model": ancestor,
        "datasets": f"[{about['dataset']}]" if "dataset" in about else None,
    }
    copies = "; of the {texts:,} texts read {copies:,} were exact copies" if "copies" in report.data else ""
    copies += (
        "; {near_copies:,} of those held out are near copies of others"
        if "near_copies" in report.data
        else ""
    )
    return CARD.format(
        base=base,
        facts="".join(f"{name}: {value}\n" for name, value in facts.items() if value is not None),
        made_from=MADE_FROM.get(base, "").format(base=base),
        source=SOURCES.get(source, escape(source, quote=False)),
        architecture=architecture,
        before=report.before["perplexity"],
        after=report.after["perplexity"],
        accuracy_before=report.before["accuracy"],
        accuracy_after=report.after["accuracy"],
        ratio=report.describe_ratio(),
        forgetting=_describe_ratio(about["forgetting"]) if "forgetting" in about else "not measured",
        licence=about.get("licence", "not chosen yet; without one, nobody else may use the model"),
        num_texts=report.after["num_texts"],
        chunk_size=chunk_size,
        masking=listing({name: value for name, value in report.masks.items() if name in names})
        + (f", words by {escape(segmenter, quote=False)}" if segmenter else ""),
        num_masked=report.masks["num_masked"],
        outcome=report.masks["outcome"] or "not looked at",
        sha256=report.masks["sha256"],
        training=listing(report.training),
        precision=report.precision,
        copies=copies.format(**report.data),
        doubts="".join(f"- **Doubtful:** {doubt}.\n" for doubt in report.doubts),
        **{
            name: number
            for name, number in report.data.items()
            if name not in ("copies", "near_copies", "held_out_texts")
        },
    )
