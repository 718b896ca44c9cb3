"""The page on speed: its table and its figures, from the measurements in ``book/speed.json``."""

import json
import statistics
from pathlib import Path

SPEED, FIGURES = Path("book/speed.json"), Path("book/speed")
ABSENT = {"en": "not measured", "zh": "没有测量"}
PEERS = {
    "seed": {"en": "original notebook", "zh": "原 notebook"},
    "ours, fp32": {"en": "ours, fp32", "zh": "我们，fp32"},
    "limit": {"en": "limit", "zh": "极限"},
}
UNITS = {"reviews": "篇影评", "chunks": "个文本块", "tokens": "个词元", "sentences": "个句子"}
# stage: its two names, the ratio to ours that each peer should reach, and the limit of that ratio where one is known
STAGES = {
    "tokenise_and_chunk": (
        "tokenise and chunk",
        "分词并分块",
        {"seed": 4.5, "run_mlm": 2.2, "limit": 0.9},
        None,
    ),
    "chunk_alone": (
        "chunk alone",
        "只分块",
        {"seed": 200, "run_mlm": 20, "TRL": 1, "limit": 0.33},
        None,
    ),
    "collate_words": ("mask whole words", "整词掩码", {"seed": 40, "library": 10}, None),
    "collate_tokens": ("mask single tokens", "单个词元掩码", {"library": 10}, None),
    "training_step": ("training step, fp32", "训练一步，fp32", {"Trainer": 1.4}, 1.43),
    "recipe_step": ("training step as shipped", "训练一步，默认精度", {"seed": 3.3}, None),
    "step_memory": (
        "memory of a training step",
        "训练一步的内存",
        {"ours, fp32": None, "Trainer": 2.0},
        None,
    ),
    "evaluate_chunks": ("evaluate chunks", "评估文本块", {"Trainer": 1.4}, 1.43),
    "score_sentences": ("score sentences", "给句子打分", {"minicons": 1.5}, 1.54),
    "whole_job": ("the whole job", "整个流程", {"seed": None}, None),
}
FIGURE_STAGES = {
    "preprocessing": ["tokenise_and_chunk", "chunk_alone", "collate_words", "collate_tokens"],
    "model": [
        "training_step",
        "recipe_step",
        "step_memory",
        "evaluate_chunks",
        "score_sentences",
        "whole_job",
    ],
}


def read_speed(root: Path) -> dict:
    """The measurements of every stage; nothing if there are none yet."""
    path = root / SPEED
    return json.loads(path.read_text(encoding="utf-8"))["stages"] if path.exists() else {}


def machine_lines(root: Path) -> dict[str, str]:
    """What was measured on and with, in each language; nothing if nothing was measured."""
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
    """The median of each run that measured this way."""
    return [statistics.median(run[way]) for run in stage["runs"] if way in run]


def ratios(stage: dict, way: str) -> list[float]:
    """How many times as much this way took as ours, in each run that measured both."""
    both = [run for run in stage["runs"] if way in run and "ours" in run]
    return [statistics.median(run[way]) / statistics.median(run["ours"]) for run in both]


def speed_rows(stages: dict) -> list[dict[str, str]]:
    """One row per stage and peer, in each language; a peer that is missing says why."""
    rows = []
    for name, (en, zh, goals, bound) in STAGES.items():
        if name not in stages:
            rows.append(
                {lang: f"| {label} | | {ABSENT[lang]} | | | |" for lang, label in (("en", en), ("zh", zh))}
            )
            continue
        stage = stages[name]
        ours = f"{_number(statistics.median(medians(stage, 'ours')))} {stage['unit']}"
        labels = {"en": f"{en} ({stage['size']})", "zh": f"{zh}（{_in_chinese(stage['size'])}）"}
        for peer, goal in goals.items():
            found = ratios(stage, peer)
            for_page = {}
            for lang in ("en", "zh"):
                cells = [labels[lang], ours, PEERS.get(peer, {}).get(lang, peer)]
                if found:
                    spread = (
                        f"{_number(statistics.median(found))} ({_number(min(found))}–{_number(max(found))})"
                    )
                    cells += [
                        spread,
                        "" if goal is None else _number(goal),
                        "" if bound is None else _number(bound),
                    ]
                else:
                    cells += [f"{ABSENT[lang]}: {stage['absent'].get(peer, '')}", "", ""]
                for_page[lang] = "| " + " | ".join(cells) + " |"
            rows.append(for_page)
            labels, ours = {"en": "", "zh": ""}, ""
    return rows


def _in_chinese(size: str) -> str:
    for word, chinese in UNITS.items():
        size = size.replace(f" {word}", f" {chinese}")
    return size.replace(", ", "，")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def draw_figures(root: Path) -> list[Path]:
    """Draw the bars of every stage and the curve of cost against size; both languages show the same figures."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from mlmtutor.plots import STYLE, plot_bars, plot_curves

    stages, paths = read_speed(root), []
    (root / FIGURES).mkdir(parents=True, exist_ok=True)
    # no date and no random names, so that the same numbers give the same file
    with plt.style.context([STYLE, {"svg.hashsalt": "speed", "svg.fonttype": "path"}]):
        for name, members in FIGURE_STAGES.items():
            bars = {
                f"{STAGES[stage][0]}: {PEERS.get(peer, {}).get('en', peer)}": statistics.median(
                    ratios(stages[stage], peer)
                )
                for stage in members
                if stage in stages
                for peer in STAGES[stage][2]
                if ratios(stages[stage], peer)
            }
            if not bars:
                continue
            figure, ax = plt.subplots(figsize=(7.2, 0.6 + 0.36 * len(bars)))
            plot_bars({"times": bars}, xlabel="times as much as ours", ax=ax)
            for row, value in enumerate(bars.values()):
                ax.annotate(f" {_number(value)}", (value, row), va="center")
            ax.axvline(1, color="black")
            ax.margins(x=0.12)
            if name == "preprocessing":
                ax.set_xscale("log")
            paths.append(_save(figure, root / FIGURES / f"{name}.svg"))
        if "growth" in stages:
            figure, axes = plt.subplots(ncols=2, figsize=(7.2, 3))
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

    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path
