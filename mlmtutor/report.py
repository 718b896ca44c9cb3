"""What an adaptation leaves behind: report, model card, figure and weights."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmtutor.hub import MINI
from mlmtutor.progress import no_library_bars

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from mlmtutor.adapt import AdaptSettings
    from mlmtutor.comparison import Comparison
    from mlmtutor.masking import FrozenMasks
    from mlmtutor.perplexity import Evaluation
    from mlmtutor.training import TrainingHistory, TrainingSettings


@dataclass(frozen=True)
class Report:
    """What was done and measured; the same for the same settings and machine.

    Attributes:
        settings: The :class:`mlmtutor.adapt.AdaptSettings` as a plain dictionary; of a path on this machine only
            its last part, since reports are shared.
        training: The :class:`mlmtutor.training.TrainingSettings` that came out of them.
        data: Numbers of texts and chunks, for training and for measuring.
        masks: How the evaluation masks were drawn, and their digest.
        before: Figures of the model as it came, see :meth:`mlmtutor.perplexity.Evaluation.to_dict`.
        after: The same figures of the adapted model.
        ratio: Perplexity after divided by before, with its 95 % interval; no interval for a single text.
        losses: Training loss by step.
        precision: Arithmetic of the training.
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

    @classmethod
    def collect(
        cls,
        settings: AdaptSettings,
        training: TrainingSettings,
        texts: DatasetDict,
        train: Dataset,
        masks: FrozenMasks,
        before: Evaluation,
        after: Evaluation,
        history: TrainingHistory,
    ) -> Report:
        """Collect the figures of a run."""
        data = {
            "train_texts": len(texts["train"]),
            "train_chunks": len(train),
            "held_out_texts": len(texts["test"]),
            "held_out_chunks": len(masks),
        }
        return cls(
            settings=asdict(settings)
            | {name: _public_name(getattr(settings, name)) for name in ("source", "model")},
            training=asdict(training),
            data=data,
            masks=masks.describe(),
            before=before.to_dict(),
            after=after.to_dict(),
            ratio=_compare(before, after),
            losses=dict(zip(history.steps, history.losses, strict=True)),
            precision=history.precision,
        )

    def to_table(self) -> str:
        """Lay the figures before and after side by side, as plain text."""
        rows = [("", "before", "after")]
        for name, form in (
            ("perplexity", "{:.1f}"),
            ("interval_95", "{:.1f} - {:.1f}"),
            ("accuracy", "{:.1%}"),
        ):
            cells = []
            for figures in (self.before, self.after):
                value = figures[name]
                cells.append(
                    "one text only"
                    if value is None
                    else form.format(*(value if isinstance(value, list) else [value]))
                )
            rows.append((name.replace("interval_95", "95 % interval"), *cells))
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
        ]
        return "\n".join(line.rstrip() for line in lines)


def _public_name(place: str) -> str:
    return Path(place).resolve().name if Path(place).exists() else place


def _compare(before: Evaluation, after: Evaluation) -> dict[str, Any]:
    from mlmtutor.comparison import compare

    if before.to_dict()["interval_95"] is None:
        return {"ratio": after.perplexity / before.perplexity, "low": None, "high": None}
    comparison: Comparison = compare(before, after)
    return {"ratio": comparison.ratio, "low": comparison.low, "high": comparison.high}


def write_results(
    report: Report,
    history: TrainingHistory,
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
) -> None:
    """Write model, card, report and figure beside the folder's content, move them in, and remove the checkpoints.

    Args:
        report: What was measured.
        history: How the training went; its times go to ``run.json``.
        model: The adapted model.
        tokenizer: Its tokenizer.
        folder: Where to.

    Raises:
        OSError: If the folder cannot be written.
    """
    from matplotlib import style
    from matplotlib.figure import Figure

    from mlmtutor.plots import STYLE, plot_losses

    with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as name:
        new = Path(name)
        with no_library_bars():
            model.save_pretrained(new)
        tokenizer.save_pretrained(new)
        _write_json(new / "report.json", asdict(report))
        _write_json(new / "run.json", describe_run(history))
        (new / "README.md").write_text(
            write_card(report, language_model=type(model).__name__), encoding="utf-8"
        )
        with style.context(STYLE):
            figure = Figure()
            ax = plot_losses(history.steps, history.losses, ax=figure.subplots())
            for text, figures in (("before", report.before), ("after", report.after)):
                label = f"frozen masks, {text}: perplexity {figures['perplexity']:.1f}"
                ax.axhline(
                    figures["loss"], color="grey", linestyle="--" if text == "before" else ":", label=label
                )
            ax.legend()
            figure.savefig(new / "loss.png")
        for file in sorted(new.iterdir()):
            shutil.move(file, folder / file.name)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def describe_run(history: TrainingHistory) -> dict[str, Any]:
    """Give what differs from run to run: times, device and versions."""
    from importlib.metadata import version

    return {
        "seconds": round(history.seconds, 1),
        "tokens_per_second": round(history.tokens_per_second),
        "device": history.device,
        "versions": {name: version(name) for name in ("mlmtutor", "torch", "transformers", "datasets")},
    }


CARD = """---
library_name: transformers
pipeline_tag: fill-mask
{base_model}tags: [masked-lm, domain-adaptation, mlmtutor]
---

# {base}, adapted to {source}

The {architecture} `{base}`, adapted by masked-language-model training on texts from {source}.

| on the same frozen masks | before | after |
| --- | --- | --- |
| perplexity per masked token | {before:.2f} | {after:.2f} |
| masked accuracy | {accuracy_before:.1%} | {accuracy_after:.1%} |

Ratio of the perplexities: {ratio}.

- **Data:** {train_chunks:,} chunks of {chunk_size} tokens from {train_texts:,} texts; measured on
  {held_out_chunks:,} chunks from {held_out_texts:,} texts that were held out.
- **Masking:** {masking}. Evaluation masks: {num_masked:,} tokens, SHA-256 `{sha256}`.
- **Training:** {training}; computed in {precision}.
- **Limits:** the perplexity is that of masked tokens under this masking. It may be compared only with figures from
  the same masks. Texts like these may be private or copyrighted, and a model can repeat them.

All figures are in `report.json`, times and versions in `run.json`, the loss curve in `loss.png`.
"""


def write_card(report: Report, *, language_model: str) -> str:
    """Write the model card in Markdown: data, masking, numbers and seeds."""

    def listing(values: dict[str, Any]) -> str:
        return ", ".join(f"{name} {value}" for name, value in values.items())

    ratio = f"{report.ratio['ratio']:.3f}"
    if report.ratio["low"] is not None:
        ratio += f" (95 % interval over texts {report.ratio['low']:.3f} to {report.ratio['high']:.3f})"
    settings = report.settings
    return CARD.format(
        base=settings["model"],
        # only the Hub can follow a link to the model that this one came from
        base_model=f"base_model: {settings['model']}\n" if "/" in settings["model"] else "",
        source="IMDb reviews" if settings["source"] == MINI else settings["source"],
        architecture=language_model,
        before=report.before["perplexity"],
        after=report.after["perplexity"],
        accuracy_before=report.before["accuracy"],
        accuracy_after=report.after["accuracy"],
        ratio=ratio,
        chunk_size=settings["chunk_size"],
        masking=listing(settings["masking"]),
        num_masked=report.masks["num_masked"],
        sha256=report.masks["sha256"],
        training=listing(report.training),
        precision=report.precision,
        **report.data,
    )
