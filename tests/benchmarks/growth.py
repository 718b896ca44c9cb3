"""What chunking costs as the corpus grows: time and memory, read from Parquet shards and written to disk.

python -m tests.benchmarks.growth NUM_CHUNKS
"""

import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from mlmtutor.hub.load import load_tokenizer
from mlmtutor.masks.collator import ChunkRows
from mlmtutor.texts.chunking import chunk_texts
from mlmtutor.texts.own_texts import load_texts

from .measure import Result, memory_mb, run_apart

CHUNKS_PER_REVIEW = 61_291 / 25_000


def write_shards(folder, num_reviews):
    """Repeat the reviews in Parquet files of 25,000."""
    reviews = load_texts("mini").with_format("arrow")[:]
    for start in range(0, num_reviews, len(reviews)):
        import pyarrow.parquet

        part = reviews.slice(0, min(len(reviews), num_reviews - start))
        pyarrow.parquet.write_table(part, Path(folder, f"{start:08}.parquet"), row_group_size=1000)


def chunk_shards(folder, num_chunks):
    """Chunk the shards and read every chunk once in random order; give chunks, seconds and peak of own memory."""
    import datasets

    datasets.disable_progress_bars()
    tokenizer = load_tokenizer("mini")
    shards = datasets.load_dataset(
        "parquet", data_files=f"{folder}/*.parquet", split="train", cache_dir=folder
    )
    peak, done = [memory_mb("RssAnon")], threading.Event()

    def watch():
        while not done.wait(0.02):
            peak[0] = max(peak[0], memory_mb("RssAnon"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    before, started = peak[0], time.perf_counter()
    try:
        chunks = chunk_texts(shards["text"], tokenizer, directory=folder).dataset
        seconds = time.perf_counter() - started
        rows = ChunkRows(chunks)
        for index in np.array_split(np.random.default_rng(0).permutation(len(rows)), max(1, len(rows) // 64)):
            rows.__getitems__(index)
    finally:
        done.set()
        watcher.join()
    return {"chunks": len(chunks), "seconds": seconds, "memory_mb": peak[0] - before}


def growth(*, extent):
    sizes = [1000, 3000] if extent == "quick" else [1000, 10_000, 100_000, 1_000_000]
    found = [run_apart("growth", size) for size in sizes]
    for size, facts in zip(sizes, found, strict=True):
        if not 0.8 < facts["chunks"] / size < 1.2:
            raise AssertionError(f"expected about {size} chunks, found {facts['chunks']}")
    ways = {f"{name} at {size}": [facts[name]] for name in ("seconds", "memory_mb") for size, facts in zip(sizes, found, strict=True)}  # fmt: skip
    return Result("s or MB", "chunks from Parquet shards, written to disk", ways)


def main(num_chunks):
    with tempfile.TemporaryDirectory() as folder:
        write_shards(folder, round(num_chunks / CHUNKS_PER_REVIEW))
        print(json.dumps(chunk_shards(folder, num_chunks)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
