"""Time ours, the peers and the limit, and write what came out.

    python -m tests.benchmarks [STAGE ...] [--quick] [--output FILE]

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
    "whole_job": "training",
    "evaluate_chunks": "scoring",
    "score_sentences": "scoring",
    "growth": "growth",
}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument(
        "stages", nargs="*", metavar="STAGE", help=f"some of: {', '.join(STAGES)}; all if none"
    )
    parser.add_argument("--quick", action="store_true", help="less of everything: does it run?")
    parser.add_argument(
        "--output", type=Path, help="file to add the run to; book/speed.json, with --quick none"
    )
    options = parser.parse_args(arguments)
    if unknown := [stage for stage in options.stages if stage not in STAGES]:
        parser.error(f"expected stages out of {', '.join(STAGES)}, found {', '.join(unknown)}")
    if options.output is None and not options.quick:
        options.output = ROOT / "book" / "speed.json"
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    import importlib

    import transformers
    from datasets import disable_progress_bars

    disable_progress_bars()
    transformers.logging.set_verbosity_error()
    for stage in options.stages or STAGES:
        started = time.perf_counter()
        result = getattr(importlib.import_module(f"tests.benchmarks.{STAGES[stage]}"), stage)(
            quick=options.quick
        )
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
            record(options.output, stage, result)


if __name__ == "__main__":
    main()
