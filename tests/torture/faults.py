"""Break a run at chosen moments and start the same command again: it must end as if nothing had happened.

Each attempt is a fork of this process, which has the libraries loaded and has computed nothing yet.
"""

from __future__ import annotations

import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np

MARK = Path(tempfile.gettempdir(), "unpickled-by-mlmtutor")  # what code in a pickle would leave
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.move", "shutil.rmtree"}


@dataclass(frozen=True)
class Attempt:
    """How an attempt ended: its exit status (minus the signal, if one ended it), and all that it printed."""

    status: int
    printed: str
    errors: str


def attempt(arguments: list[str], log: Path, *, prepare: Callable[[], None] = lambda: None) -> Attempt:
    """Run the command in a fork; ``prepare`` is called there first."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for number, name in ((1, "out"), (2, "err")):
                os.dup2(os.open(f"{log}.{name}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            import torch

            torch.set_num_threads(1)
            prepare()
            from mlmtutor.cli import main

            main(["adapt", *arguments])
            status = 0
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    printed, errors = (Path(f"{log}.{name}").read_text(errors="replace") for name in ("out", "err"))
    return Attempt(os.waitstatus_to_exitcode(status), printed, errors)


def watch_changes(folder: Path, on_change: Callable[[int], None]) -> Callable[[], None]:
    """Call ``on_change(n)`` before the n-th time that this process changes something below a folder."""
    seen = 0

    def watch(event: str, values: tuple) -> None:
        nonlocal seen
        is_write = event == "open" and isinstance(values[1], str) and values[1][:1] in "wxa"
        if (is_write or event in CHANGES) and f"{values[0]}/".startswith(f"{folder}/"):
            seen += 1
            on_change(seen)

    return lambda: sys.addaudithook(watch)


def count_changes(arguments: list[str], folder: Path, log: Path) -> int:
    """Run undisturbed and count how often something below the folder is changed."""
    counted = log.with_suffix(".count")
    done = attempt(
        arguments, log, prepare=watch_changes(folder, lambda number: counted.write_text(str(number)))
    )
    if done.status != 0:
        raise RuntimeError(f"expected an undisturbed run, found {done}")
    return int(counted.read_text())


def kill_at(number: int, sent: signal.Signals) -> Callable[[int], None]:
    """Return what sends this process a signal at the ``number``-th change."""
    return lambda seen: os.kill(os.getpid(), sent) if seen == number else None


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of what a run leaves behind, without what tells its times."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "run.json")
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


class Bench:
    """A small training of 300 steps with dropout, its undisturbed result, and folders to break it in."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.texts, self.model = work / "texts.txt", work / "model"
        write_prose(self.texts)
        save_tiny_checkpoint(self.model)
        self.whole = work / "whole"
        self.num_changes = count_changes(self.command(self.whole), self.whole, work / "whole.log")
        self.expected = digests(self.whole)

    def command(self, folder: Path) -> list[str]:
        """The arguments of the run."""
        options = {"model": self.model, "output": folder, "chunk-size": 16, "train-size": 400, "batch-size": 4,
                   "num-epochs": 3, "learning-rate": 0.002, "precision": "fp32"}  # fmt: skip
        return [
            str(self.texts),
            *(text for name, value in options.items() for text in (f"--{name}", str(value))),
        ]

    def survives(self, name: str, *, prepare: Callable[[Path], Callable[[], None]]) -> str:
        """Break a run, start it again, and return what is wrong with the result; nothing if it is as it should be."""
        folder = self.work / name
        broken = attempt(self.command(folder), self.work / f"{name}.log", prepare=prepare(folder))
        return self.ends_well(folder, after=broken)

    def ends_well(self, folder: Path, *, after: Attempt) -> str:
        """Start the same command again in a folder, and return what is wrong with the result; nothing if it is identical."""
        again = attempt(self.command(folder), self.work / f"{folder.name}.again")
        if again.status != 0:
            return f"status {after.status}, then {again.status}: {again.errors}"
        found = digests(folder)
        different = sorted(
            name for name in self.expected.keys() | found.keys() if self.expected.get(name) != found.get(name)
        )
        shutil.rmtree(folder)
        return f"other {', '.join(different)}" if different else ""

    def cases(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Name the ways in which a run is broken, each with a call that tries it and says what is wrong."""
        moments = {signal.SIGKILL: 24, signal.SIGINT: 8, signal.SIGTERM: 8}
        for sent, number in moments.items():
            for moment in np.linspace(1, self.num_changes, number).astype(int).tolist():
                name = f"{sent.name} at change {moment}"
                yield (
                    name,
                    partial(
                        self.survives,
                        name,
                        prepare=lambda folder, n=moment, s=sent: watch_changes(folder, kill_at(n, s)),
                    ),
                )
        for kilobytes in (1, 4, 10, 16, 24, 40, 100):
            yield f"files of {kilobytes} kB at most", partial(self.survives_full_disk, kilobytes)
        for name in DAMAGES:
            yield f"damage: {name}", partial(self.survives_damage, name)

    def survives_full_disk(self, kilobytes: int) -> str:
        """Let every write fail that makes a file too large, as a full disk does; then start again with room."""
        folder = self.work / f"full{kilobytes}"

        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1000, resource.RLIM_INFINITY))

        broken = attempt(self.command(folder), self.work / f"{folder.name}.log", prepare=limit)
        lines = [line for line in broken.errors.splitlines() if not line.startswith("mlmtutor: doubtful: ")]
        if broken.status != 0 and (len(lines) != 1 or "cannot write" not in lines[0]):
            return f"expected one line that names the disk, found {broken.errors}"
        return self.ends_well(folder, after=broken)

    def survives_damage(self, name: str) -> str:
        """Kill a run after its second checkpoint, damage what it left, and start again."""
        folder = self.work / f"damaged {name}"
        killed = attempt(
            self.command(folder),
            self.work / "damaged.log",
            prepare=lambda: kill_when_sealed(folder, "checkpoint-200"),
        )
        DAMAGES[name](folder / "checkpoints")
        return self.ends_well(folder, after=killed)


def kill_when_sealed(folder: Path, checkpoint: str) -> None:
    """Kill this process once it has sealed a checkpoint."""
    sealed = folder / "checkpoints" / checkpoint / "checksums.json"
    sys.addaudithook(
        lambda event, values: (
            os.kill(os.getpid(), signal.SIGKILL) if event == "open" and sealed.exists() else None
        )
    )


def change(name: str, how: Callable[[bytes], bytes | None]) -> Callable[[Path], None]:
    """Return what changes a file's content, or removes the file."""

    def damage(checkpoints: Path) -> None:
        path = checkpoints / name
        content = how(path.read_bytes())
        path.unlink() if content is None else path.write_bytes(content)

    return damage


class Evil:
    """What runs code when it is unpickled: it leaves a file in the folder that all trials share."""

    def __reduce__(self) -> tuple:
        return exec, (f"open({str(MARK)!r}, 'w')",)


LAST = "checkpoint-200"
WAYS: dict[str, Callable[[bytes], bytes | None]] = {
    "cut in half": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "removed": lambda content: None,
    "one bit flipped": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "a pickle that runs code": lambda content: pickle.dumps(Evil()),
}
DAMAGES: dict[str, Callable[[Path], object]] = {
    f"{file}, {way}": change(f"{LAST}/{file}", how)
    for file in (
        "model.safetensors",
        "optimizer.pt",
        "scheduler.pt",
        "rng_state.pth",
        "trainer_state.json",
        "checksums.json",
    )
    for way, how in WAYS.items()
}
DAMAGES |= {
    "global_step 250": change(
        f"{LAST}/trainer_state.json", lambda c: c.replace(b'"global_step": 200', b'"global_step": 250')
    ),
    "the prepared chunks, cut": change("prepared/arrays.safetensors", WAYS["cut in half"]),
    "the prepared facts, removed": change("prepared/facts.json", WAYS["removed"]),
    "the evaluation before, emptied": change("before/arrays.safetensors", WAYS["emptied"]),
    "a folder checkpoint-abc": lambda checkpoints: (checkpoints / "checkpoint-abc").mkdir(),
    "an empty checkpoint-999": lambda checkpoints: (checkpoints / "checkpoint-999").mkdir(),
    "a checkpoint-999 with a state only": lambda checkpoints: shutil.copytree(
        checkpoints / LAST, checkpoints / "checkpoint-999", ignore=shutil.ignore_patterns("[!t]*")
    ),
    "both checkpoints damaged": lambda checkpoints: [
        change(f"{name}/model.safetensors", WAYS["emptied"])(checkpoints) for name in ("checkpoint-100", LAST)
    ],
}


def fault_cases(work: Path) -> list[tuple[str, Callable[[], str]]]:
    """Return the names of all faults, each with a call that tries it and says what is wrong, if anything is."""
    work.mkdir()
    MARK.unlink(missing_ok=True)
    return [*Bench(work).cases(), ("code was run", lambda: "by a pickle" if MARK.exists() else "")]


def write_prose(path: Path) -> None:
    """Write sentences with a grammar that can be learned, one text a paragraph."""
    generator = np.random.default_rng(0)
    texts = [
        " ".join(
            f"the {generator.choice(['film', 'actor'])} was {generator.choice(['good', 'bad'])} ."
            for _ in range(30)
        )
        for _ in range(60)
    ]
    path.write_text("\n\n".join(texts))


def save_tiny_checkpoint(folder: Path) -> None:
    """Save a random BERT with dropout for the tiny tokenizer, up to 64 tokens."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    from mlmtutor.testing import tiny_tokenizer

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=18, max_position_embeddings=64, hidden_dropout_prob=0.1, **sizes)
    BertForMaskedLM(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
