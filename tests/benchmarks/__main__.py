"""Time ours, the peers and the limit, and write what came out.

    python -m tests.benchmarks [STAGE ...] [--quick | --full] [--output FILE]

Equality of the results is asserted before anything is timed. The ways of a stage take turns. Read the ratios.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

from .measure import ROOT, record

STAGES = {
    "tokenise_and_chunk": "preprocessing",
    "chunk_alone": "preprocessing",
    "collate_words": "preprocessing",
    "collate_tokens": "preprocessing",
    "training_step": "training",
    "recipe_step": "training",
    "step_memory": "training",
    "process_memory": "training",
    "whole_job": "training",
    "evaluate_chunks": "scoring",
    "score_sentences": "scoring",
    "growth": "growth",
}
LARGER = ("tokenise_and_chunk", "chunk_alone", "evaluate_chunks", "whole_job")  # what --full makes larger


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument(
        "stages", nargs="*", metavar="STAGE", help=f"some of: {', '.join(STAGES)}; all if none"
    )
    extents = parser.add_mutually_exclusive_group()
    extents.add_argument("--quick", action="store_true", help="less of everything: does it run?")
    extents.add_argument(
        "--full",
        action="store_true",
        help=f"more of {', '.join(LARGER)}: all reviews, 1,000 and 2,000 chunks",
    )
    parser.add_argument(
        "--output", type=Path, help="file to add the run to; book/speed.json, with --quick none"
    )
    options = parser.parse_args(arguments)
    if unknown := [stage for stage in options.stages if stage not in STAGES]:
        parser.error(f"expected stages out of {', '.join(STAGES)}, found {', '.join(unknown)}")
    extent = "quick" if options.quick else "full" if options.full else "usual"
    stages = options.stages or (LARGER if options.full else STAGES)
    if options.full and (same := [stage for stage in stages if stage not in LARGER]):
        parser.error(f"--full makes {', '.join(LARGER)} larger, not {', '.join(same)}")
    if options.output is None and not options.quick:
        options.output = ROOT / "book" / "speed.json"
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    import importlib

    import transformers
    from datasets import disable_progress_bars

    disable_progress_bars()
    transformers.logging.set_verbosity_error()
    for stage in stages:
        started = time.perf_counter()
        measure_stage = getattr(importlib.import_module(f"tests.benchmarks.{STAGES[stage]}"), stage)
        result = measure_stage(extent=extent)
        print(f"{stage}: {result.size} ({time.perf_counter() - started:.0f} s to measure)")
        ours = statistics.median(result.ways["ours"]) if "ours" in result.ways else None
        for name, values in result.ways.items():
            median = statistics.median(values)
            ratio = f", {median / ours:.2f} x ours" if ours and name != "ours" else ""
            print(f"  {name:16} {median:10.4g} {result.unit} ({min(values):.4g} to {max(values):.4g}){ratio}")
        for name, reason in result.absent.items():
            print(f"  {name:16} not measured: {reason}")
        sys.stdout.flush()
        if options.output:
            record(options.output, f"{stage}_full" if options.full else stage, result)


if __name__ == "__main__":
    main()
