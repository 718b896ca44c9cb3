"""What a sweep has found so far: a table as CSV and JSON, and a figure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from mlmtutor.teach.files import write_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlmtutor.teach.grid import Run

MOST_PANELS, MOST_TICKS, LONGEST_LABEL = 4, 8, 40
ENDS = (" low", " high")  # of the names of interval ends, which are in the table and not in the figure


def write_summary(folder: Path, about: Mapping[str, Any], runs: Sequence[Run]) -> None:
    """Write ``sweep.json``, ``sweep.csv``, and ``sweep.png`` and ``sweep.svg`` once there is something to draw."""
    rows = [tabulate(run) for run in runs]
    write_text(
        folder / "sweep.json",
        json.dumps({"about": about, "runs": rows}, ensure_ascii=False, indent=2) + "\n",
    )
    metrics = list(dict.fromkeys(name for row in rows for name in row["metrics"]))
    head = [*about["varied"], *about["fixed"], "status", "seconds", *metrics, "notebook", "error"]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(head)
    for row in rows:
        values = [*row["varied"].values(), *about["fixed"].values(), row["status"], row["seconds"]]
        table.writerow(
            [*values, *(row["metrics"].get(name, "") for name in metrics), row["notebook"], row["error"]]
        )
    write_text(folder / "sweep.csv", text.getvalue())
    draw(folder, about, [row for row in rows if row["status"] == "done"])


def tabulate(run: Run) -> dict[str, Any]:
    """Return one row: a run that is done, failed, or still to do."""
    status = "done" if run.is_done else "failed" if "error" in run.found else "to do"
    return {
        "varied": run.varied,
        "status": status,
        "seconds": run.found.get("seconds", ""),
        "metrics": run.found.get("metrics", {}),
        "notebook": f"{run.name}.ipynb" if status != "to do" else "",
        "error": run.found.get("error", ""),
    }


def draw(folder: Path, about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw the first metrics against the first name that varies; the spread is that over the seeds."""
    names = [name for name in about["varied"] if name != "seed"] or list(about["varied"])
    metrics = [
        name
        for name in dict.fromkeys(name for row in rows for name in row["metrics"])
        if not name.endswith(ENDS) and sum(is_drawn(row, name) for row in rows) > 1
    ]
    changing = [name for name in metrics if len({row["metrics"].get(name) for row in rows}) > 1]
    metrics = (changing or metrics)[:MOST_PANELS]
    if not names or not metrics:
        return
    import matplotlib.style
    from matplotlib.figure import Figure

    from mlmtutor.plots.axes import STYLE

    with matplotlib.style.context([STYLE, {"svg.fonttype": "none"}]):
        figure = Figure(figsize=(5.2, 2.6 * len(metrics)))
        panels = figure.subplots(len(metrics), squeeze=False)[:, 0]
        for ax, metric in zip(panels, metrics, strict=True):
            draw_metric(ax, metric, names, [row for row in rows if is_drawn(row, metric)])
        for ending in ("png", "svg"):
            draft = folder / f".sweep.{ending}.part"
            figure.savefig(draft, format=ending)
            draft.replace(folder / f"sweep.{ending}")


def draw_metric(ax: Axes, metric: str, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw one metric: mean over the seeds, lowest and highest as a band, one curve for each value of the other names."""
    from mlmtutor.plots.bars import plot_bars
    from mlmtutor.plots.curves import plot_curves

    found: dict[str, dict[Any, list[float]]] = {}
    for row in rows:
        series = escape(", ".join(f"{name}={row['varied'][name]}" for name in names[1:]))
        x = row["varied"][names[0]]
        found.setdefault(series, {}).setdefault(x, []).append(row["metrics"][metric])
    found = {series: dict(sorted(points.items())) for series, points in found.items()}
    means = {series: {x: mean(ys) for x, ys in points.items()} for series, points in found.items()}
    spread = {
        series: {x: (min(ys), max(ys)) for x, ys in points.items()}
        for series, points in found.items()
        if any(len(ys) > 1 for ys in points.values())
    }
    xs = [x for points in found.values() for x in points]
    if any(isinstance(x, str | bool) for x in xs):
        names_of = label_values(xs)
        as_labels = {s: {names_of[x]: y for x, y in points.items()} for s, points in means.items()}
        intervals = {s: {names_of[x]: ends for x, ends in points.items()} for s, points in spread.items()}
        plot_bars(as_labels, xlabel=metric, intervals=intervals, ax=ax)
        ax.set_ylabel(names[0])
        return
    plot_curves(means, xlabel=names[0], ylabel=metric, bands=spread, ax=ax)
    for points in found.values():
        for x, ys in points.items():
            ax.plot([x] * len(ys), ys, linestyle="", marker=".", color="black", alpha=0.5)
    if min(xs) > 0 and max(xs) >= 20 * min(xs):
        ax.set_xscale("log")
    elif len(set(xs)) <= MOST_TICKS:
        ax.set_xticks(sorted(set(xs)))


def is_drawn(row: Mapping[str, Any], metric: str) -> bool:
    """Whether a run has a finite number for a metric."""
    return isinstance(row["metrics"].get(metric), int | float)


def label_values(values: Sequence[Any]) -> dict[Any, str]:
    """Return a label for each value, short enough for an axis, and no two the same.

    Example:
        >>> label_values(["law", "/home/me/a/long/way/down/to/texts/law.csv"])["/home/me/a/long/way/down/to/texts/law.csv"]
        '/home/me/a/long/ ... to/texts/law.csv'
    """
    labels: dict[Any, str] = {}
    for value in dict.fromkeys(values):
        text = str(value)
        short = text if len(text) <= LONGEST_LABEL else f"{text[:16]} ... {text[-16:]}"
        number, label = 1, escape(short)
        while label in labels.values():
            number += 1
            label = f"{escape(short)} ({number})"
        labels[value] = label
    return labels


def escape(text: str) -> str:
    """Return a text that Matplotlib does not read as a formula."""
    return text.replace("$", r"\$")
