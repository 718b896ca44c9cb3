"""The page on speed: its table and its figures, from the measurements in ``book/speed.json``."""

import io
import json
import statistics
from pathlib import Path

from mlmtutor.teach.chapters import LANGUAGES

from .pictures import tidy

SPEED, FIGURES = Path("book/speed.json"), Path("book/speed")
ABSENT = {"en": "not measured", "zh": "没有测量"}
PEERS = {
    "original": {"en": "original notebook", "zh": "原始 notebook"},
    "library": {"en": "transformers", "zh": "transformers"},
    "limit": {"en": "limit", "zh": "极限"},
}
UNITS = {  # of a size
    "en": {unit: unit for unit in ("reviews", "chunks", "tokens", "sentences")},
    "zh": {"reviews": "条影评", "chunks": "个文本块", "tokens": "个词元", "sentences": "个句子"},
}
STAGES = {
    "tokenise_and_chunk": {"en": "tokenise and chunk", "zh": "分词并分块"},
    "chunk_alone": {"en": "chunk alone", "zh": "只分块"},
    "collate_words": {"en": "mask whole words", "zh": "整词掩码"},
    "collate_tokens": {"en": "mask single tokens", "zh": "单个词元掩码"},
    "training_step": {"en": "training step, fp32", "zh": "训练一步，fp32"},
    "recipe_step": {"en": "training step as shipped", "zh": "训练一步，默认精度"},
    "step_memory": {"en": "memory of a training step", "zh": "训练一步的内存"},
    "process_memory": {"en": "memory of the whole process", "zh": "整个进程的内存"},
    "evaluate_chunks": {"en": "evaluate chunks", "zh": "评估文本块"},
    "score_sentences": {"en": "score sentences", "zh": "给句子打分"},
    "whole_job": {"en": "the whole job", "zh": "整个流程"},
}
FIGURE_STAGES = {"preprocessing": list(STAGES)[:4], "model": list(STAGES)[4:]}


def read_speed(root: Path) -> dict:
    """Return the measurements of every stage; none if there is no file yet."""
    path = root / SPEED
    return json.loads(path.read_text(encoding="utf-8"))["stages"] if path.exists() else {}


def machine_lines(root: Path) -> dict[str, str]:
    """Say in each language what was measured when, and with what; nothing if nothing was measured."""
    if not (root / SPEED).exists():
        return {"en": "", "zh": ""}
    machine = json.loads((root / SPEED).read_text(encoding="utf-8"))["machine"]
    versions = {"Python": machine["python"], **machine["versions"]}
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    return {
        "en": f"Measured on {machine['date']}, {machine['cpu']}, {machine['cores']} cores: {found}.",
        "zh": f"测量日期 {machine['date']}，处理器 {machine['cpu']}，{machine['cores']} 个核：{found}。",
    }


def medians(stage: dict, way: str) -> list[float]:
    """Return the median of each run that measured this way."""
    return [statistics.median(run[way]) for run in stage["runs"] if way in run]


def ratios(stage: dict, way: str) -> list[float]:
    """Return how many times as much this way took as ours, in each run that measured both."""
    both = [run for run in stage["runs"] if way in run and "ours" in run]
    return [statistics.median(run[way]) / statistics.median(run["ours"]) for run in both]


def speed_rows(stages: dict) -> list[dict[str, str]]:
    """Return one row per stage and peer, in each language; where a peer is missing, the row says why."""
    rows = []
    for name, names in STAGES.items():
        if name not in stages:
            rows.append({lang: f"| {label} | | {ABSENT[lang]} | | |" for lang, label in names.items()})
        for stage in (stages[key] for key in (name, f"{name}_full") if key in stages):
            rows += _stage_rows(stage, names)
    return rows


def _stage_rows(stage: dict, names: dict[str, str]) -> list[dict[str, str]]:
    rows = []
    ours = _keep_together(f"{_number(statistics.median(medians(stage, 'ours')))} {stage['unit']}")
    size = read_size(stage["size"])
    sizes = {
        lang: [_keep_together(f"{number} {UNITS[lang][unit]}") for number, unit in size] for lang in LANGUAGES
    }
    labels = {
        "en": f"{names['en']} ({', '.join(sizes['en'])})",
        "zh": f"{names['zh']}（{'，'.join(sizes['zh'])}）",
    }
    for peer in stage["goals"]:
        found = ratios(stage, peer)
        cells = ["", _number(stage["bound"]) if stage["bound"] else ""]
        if found:
            cells[0] = _number(statistics.median(found))
            if len(found) > 1:
                cells[0] += f" ({_number(min(found))}–{_number(max(found))})"
        for_page = {}
        for lang in LANGUAGES:
            said = cells if found else [f"{ABSENT[lang]}: {stage['absent'].get(peer, '')}", *cells[1:]]
            for_page[lang] = (
                "| " + " | ".join([labels[lang], ours, PEERS.get(peer, {}).get(lang, peer), *said]) + " |"
            )
        rows.append(for_page)
        labels, ours = {"en": "", "zh": ""}, ""
    return rows


def read_size(size: str) -> list[tuple[str, str]]:
    """Split what the benchmarks call a size into numbers and their units.

    Example:
        >>> read_size("2,500 reviews, 64 x 128 tokens")
        [('2,500', 'reviews'), ('64 x 128', 'tokens')]
    """
    parts = [part.rpartition(" ") for part in size.split(", ")]
    if unknown := [unit for _, _, unit in parts if unit not in UNITS["en"]]:
        raise ValueError(f"expected sizes in {', '.join(UNITS['en'])}, got {unknown[0]!r} in {size!r}")
    return [(number, unit) for number, _, unit in parts]


def _keep_together(quantity: str) -> str:
    return quantity.replace(" ", "\u00a0")  # a unit does not begin a line


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def draw_figures(root: Path) -> list[Path]:
    """Draw the bars of every stage and the curve of cost against size; both languages show the same figures."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator

    from mlmtutor.plots.axes import STYLE
    from mlmtutor.plots.bars import plot_bars
    from mlmtutor.plots.curves import plot_curves

    stages, paths = read_speed(root), []
    stages |= {name: stages[f"{name}_full"] for name in STAGES if f"{name}_full" in stages}
    (root / FIGURES).mkdir(parents=True, exist_ok=True)
    # no date and no random names, so that the same numbers give the same file
    with plt.style.context([STYLE, {"svg.hashsalt": "speed", "svg.fonttype": "none"}]):
        for name, members in FIGURE_STAGES.items():
            bars = {
                f"{STAGES[stage]['en']}: {PEERS.get(peer, {}).get('en', peer)}": statistics.median(
                    ratios(stages[stage], peer)
                )
                for stage in members
                if stage in stages
                for peer in stages[stage]["goals"]
                if ratios(stages[stage], peer)
            }
            if not bars:
                continue
            figure, ax = plt.subplots(figsize=(5.2, 0.6 + 0.3 * len(bars)))
            plot_bars({"times": bars}, xlabel="times as much as ours", are_ratios=True, ax=ax)
            for row, value in enumerate(bars.values()):
                ax.annotate(
                    _number(value), (max(value, 1), row), xytext=(4, 0), textcoords="offset points", va="center"
                )  # fmt: skip
            if max(bars.values()) > 100:
                ax.xaxis.set_major_locator(LogLocator())  # whole powers of ten have room
            ax.margins(x=0.2)
            paths.append(_save(figure, root / FIGURES / f"{name}.svg"))
        if "growth" in stages:
            figure, axes = plt.subplots(nrows=2, figsize=(5.2, 5.2))
            labels = {"seconds": "time (s)", "memory_mb": "own memory at its peak (MB)"}
            for ax, (name, label) in zip(axes, labels.items(), strict=True):
                ways = stages["growth"]["runs"][-1]
                points = {
                    int(way.split()[-1]): values[0] for way, values in ways.items() if way.startswith(name)
                }
                plot_curves({label: points}, xlabel="chunks", ylabel=label, ax=ax)
                ax.set_xscale("log")
            axes[0].set_yscale("log")
            axes[1].set_ylim(bottom=0)
            paths.append(_save(figure, root / FIGURES / "growth.svg"))
    return paths


def _save(figure, path: Path) -> Path:
    import matplotlib.pyplot as plt

    with io.StringIO() as drawing:
        figure.savefig(drawing, format="svg")
        path.write_text(f"{tidy(drawing.getvalue())}\n", encoding="utf-8")
    plt.close(figure)
    return path
