"""Files, options and checkpoints that people bring, and what the command must say to each: one line that names the cause."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np

from mlmtutor.cli import LONGEST_MESSAGE, main
from tests.torture.faults import save_tiny_checkpoint

LINES = [
    f"the {a} was {b} . this {a} is {c} bad ."
    for a in ("film", "actor")
    for b in ("good", "bad")
    for c in ("a", "the")
]
TEXTS = [f"{' '.join(LINES[i % 8 :] + LINES[: i % 8])} the film {'was ' * (i % 7)}good ." for i in range(60)]
PROSE = "\n\n".join(TEXTS)
SMALL = {"chunk-size": 16, "train-size": 40, "eval-size": 20, "num-epochs": 1, "batch-size": 8}

Make = Callable[[Path], object]


def text(content: str, encoding: str = "utf-8") -> Make:
    """A maker of a file with a text."""
    return lambda path: path.write_bytes(content.encode(encoding))


def data(content: bytes) -> Make:
    """A maker of a file with bytes."""
    return lambda path: path.write_bytes(content)


def folder(files: dict[str, Make]) -> Make:
    """A maker of a folder with files by name."""

    def make(path: Path) -> None:
        path.mkdir()
        for name, make_file in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            make_file(path / name)

    return make


def rows(values: list, column: str = "text", other: object = None) -> list[dict]:
    """Rows of a table with a column of texts and another column."""
    return [{column: value, "other": i if other is None else other} for i, value in enumerate(values)]


def jsonl(values: list[dict]) -> Make:
    """A maker of a file with one object in each line."""
    return text("\n".join(json.dumps(value, ensure_ascii=False) for value in values))


def csv(header: str, *lines: str, encoding: str = "utf-8") -> Make:
    """A maker of a table."""
    return text("\n".join([header, *lines]) + "\n", encoding)


MAC = data(b"\0\5\x16\7\0\2\0\0Mac OS X")
ROWS = [f'{i},"{t}"' for i, t in enumerate(TEXTS)]
CHINESE = ["这部电影很好看，演员也很好。"] * 3 + [f"第{i}部电影不好看。" for i in range(60)]

# name of the file or folder, how it is made, and what the command says; "" where it is read and the run goes through
SOURCES: list[tuple[str, Make, str]] = [
    # kinds
    ("prose.txt", text(PROSE), ""),
    ("UPPER.TXT", text(PROSE), ""),
    ("prose.md", text(PROSE), ""),
    ("prose.txt.gz", lambda p: p.write_bytes(gzip.compress(PROSE.encode())), ""),
    ("gzip_named.txt", lambda p: p.write_bytes(gzip.compress(PROSE.encode())), ""),
    ("table.csv", csv("id,text", *ROWS), ""),
    ("table.csv.gz", lambda p: p.write_bytes(gzip.compress(("id,text\n" + "\n".join(ROWS)).encode())), ""),
    ("table.tsv", csv("id\ttext", *(f"{i}\t{t}" for i, t in enumerate(TEXTS))), ""),
    ("semicolon.csv", csv("id;text", *(f'{i};"{t}"' for i, t in enumerate(TEXTS))), "|separator|column"),
    ("rows.jsonl", jsonl(rows(TEXTS)), ""),
    ("rows.json", text(json.dumps(rows(TEXTS))), ""),
    ("strings.json", text(json.dumps(TEXTS)), ""),
    ("x.pdf", data(b"%PDF-1.4 binary"), "kind"),
    ("x.docx", data(b"PK\3\4"), "kind"),
    ("noext", text(PROSE), "kind"),
    ("png_named.txt", data(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4), "an image"),
    ("zip_named.csv", data(b"PK\3\4" + bytes(range(256)) * 4), "a zip archive"),
    # encodings
    ("bom.txt", text(PROSE, "utf-8-sig"), ""),
    ("utf16.txt", text(PROSE, "utf-16"), ""),
    ("utf16.csv", csv("id,text", *ROWS, encoding="utf-16"), ""),
    ("utf32.txt", text(PROSE, "utf-32"), ""),
    ("gbk.txt", text("\n".join(CHINESE), "gbk"), "--encoding"),
    ("gbk.csv", csv("text,id", *(f"{t},1" for t in CHINESE), encoding="gbk"), "--encoding"),
    ("big5.txt", text("\n".join(["這部電影很好看"] * 30), "big5"), "--encoding"),
    ("sjis.txt", text("\n".join(["この映画はとても良かった"] * 30), "shift_jis"), "--encoding"),
    ("latin1.txt", text("\n".join(["Le café était très bon, à côté."] * 30), "latin-1"), "--encoding"),
    ("latin1.csv", csv("text,id", *["Le café était très bon,1"] * 30, encoding="latin-1"), "--encoding"),
    ("latin1.jsonl", text("\n".join(['{"text": "Le café était très bon"}'] * 30), "latin-1"), "--encoding"),
    # ends of lines
    ("crlf.txt", text(PROSE.replace("\n", "\r\n")), ""),
    ("cr_only.txt", text(PROSE.replace("\n", "\r")), ""),
    # tables
    ("crlf.csv", text("id,text\r\n" + "\r\n".join(ROWS)), ""),
    ("bom.csv", csv("id,text", *ROWS, encoding="utf-8-sig"), ""),
    ("spaces.csv", csv("id, text", *ROWS), "|column"),
    ("upper.csv", csv("id,Text", *ROWS), "'Text'"),
    ("other.csv", csv("id,body", *ROWS), "found 'id', 'body'"),
    ("no_header.csv", csv(*[f'"{TEXTS[0] * 20}",1'] * 30), "names of the columns"),
    ("header_only.csv", csv("id,text"), "empty"),
    ("numbers.csv", csv("text", *map(str, range(60))), "texts in column 'text'|column 'text'|unknown"),
    ("twice.csv", csv("text,text", *["first,second"] * 60), "twice|2 times|two columns|several|more than one"),
    ("mixed_other.csv", csv("id,text", *ROWS[:30], *(f'x{r}' for r in ROWS[30:])), ""),
    ("null_bytes.csv", data(b"id,text\n1,a\0b\n" * 30), "binary|NUL"),
    ("ragged.csv", csv("id,text", *ROWS[:30], "a,b,c,d", *ROWS[30:]), "row|line"),
    ("unclosed.csv", csv("id,text", *ROWS[:30], '99,"never closed', *ROWS[30:]), "quot"),
    ("long_cell.csv", csv("id,text", *ROWS, f'99,"{"the film was good . " * 100_000}"'), ""),
    ("long_row.jsonl", jsonl(rows([*TEXTS, "the film was good . " * 100_000])), ""),
    ("mixed_label.jsonl", jsonl([*rows(TEXTS[:30]), *rows(TEXTS[30:], other="pos")]), ""),
    ("mixed_meta.jsonl", jsonl([*rows(TEXTS[:30], other={"a": 1}), *rows(TEXTS[30:], other=[1])]), ""),
    ("nulls.jsonl", jsonl(rows([*TEXTS, None, None])), ""),
    ("all_null.jsonl", jsonl(rows([None] * 30)), "empty"),
    ("missing_key.jsonl", jsonl([*rows(TEXTS), {"id": 3}]), ""),
    ("list.jsonl", jsonl(rows([["a"]] * 30)), "list|texts in column"),
    ("object.jsonl", jsonl(rows([{"body": "a"}] * 30)), "object|dict|texts in column"),
    ("number.jsonl", jsonl(rows([*TEXTS[:-1], 5])), "texts in column|number"),
    ("deep.jsonl", text('{"text": ' + "[" * 5000 + "]" * 5000 + "}"), "nest|deep|list|text"),
    ("truncated.jsonl", text("\n".join(json.dumps(r) for r in rows(TEXTS))[:-20]), "row|line"),
    ("single_quotes.jsonl", text("{'text': 'a'}\n" * 30), "row|line"),
    ("utf16.jsonl", text("\n".join(json.dumps(r) for r in rows(TEXTS)), "utf-16"), ""),
    ("damaged.parquet", data(b"PAR1" + bytes(200) + b"PAR1"), "damaged|parquet"),
    ("text_named.parquet", text(PROSE), "damaged|parquet"),
    # amounts
    ("empty.txt", text(""), "empty"),
    ("space.txt", text(" \n\t\n "), "empty"),
    ("one_word.txt", text("film"), "at least 2 texts"),
    ("one_paragraph.txt", text("the film was good ."), "at least 2 texts"),
    ("copies.txt", text("\n\n".join(["the film was good ."] * 60)), "at least 2 texts, .* found 1 and 59 copies"),
    ("two_short.txt", text("the film\n\na film"), "at least 16 tokens"),
    # what the tokenizer makes of it
    ("other_language.txt", text("\n\n".join([f"Это было хорошо, {i} раз. " * 20 for i in range(60)])), "unknown"),
    ("chinese.txt", text("\n\n".join(f"{t}{i}" * 20 for i, t in enumerate(CHINESE))), "special or unknown"),
    # folders
    ("texts", folder({"a.txt": text(PROSE), "b.txt": text(TEXTS[0] + TEXTS[1])}), ""),
    ("one_file", folder({"corpus.txt": text(PROSE)}), ""),
    ("mac", folder({"a.txt": text(PROSE), "b.txt": text(TEXTS[3]), "._a.txt": MAC, "__MACOSX/c/._b.txt": MAC}), ""),
    ("others", folder({"a.txt": text(PROSE), "b.txt": text(TEXTS[3]), "c.docx": data(b"PK"), ".git/d.txt": MAC}), ""),
    ("empty_folder", folder({}), "found none"),
    ("pictures", folder({"a.png": data(b"\x89PNG"), "b.pdf": data(b"%PDF")}), "found only others"),
    ("one_bad", folder({"a.txt": text(PROSE), "b.csv": csv("id,body", "1,x")}), "b.csv"),
    ("pipe.txt", lambda p: os.mkfifo(p), "pipe|not a file|ordinary file"),
    ("folder.txt", lambda p: p.mkdir(), "found none"),
    ("名字.txt", text(PROSE), ""),
    ("name with 'quotes' \"x\" $(id).txt", text(PROSE), ""),
]  # fmt: skip

# the arguments after `adapt`, and what the command says
OPTIONS: list[tuple[list[str], str]] = [
    ([""], "empty|expected"),
    (["nowhere.txt"], "found no 'nowhere.txt'"),
    (["nowhere/"], "found no 'nowhere/'"),
    (["https://example.org/a.txt"], "download"),
    (["*.txt"], "pattern"),
    (["-"], "expected"),
    *((["prose.txt", f"--{name}", value], name.replace("-", "[-_]")) for name, values in {
        "test-share": ["nan", "0", "1", "1.5", "-0.1", "inf"],
        "mask-prob": ["nan", "0", "1.5", "-1", "inf"],
        "chunk-size": ["0", "-5"],
        "num-epochs": ["0", "-1"],
        "batch-size": ["0", "-1", "99999999999999999999"],
        "learning-rate": ["nan", "inf", "-inf", "0", "-1"],
        "seed": ["-1", "4294967296", "1099511627776"],
        "train-size": ["0", "-1"],
        "eval-size": ["0", "-1"],
    }.items() for value in values),
    (["prose.txt", "--chunk-size", "65"], "at most 64"),
    (["prose.txt", "--chunk-size", "99999999999999999999"], "at most 64|chunk_size"),
    (["prose.txt", "--chunk-size", "1.5"], "chunk-size"),
    (["prose.txt", "--precision", "bf17"], "precision"),
    (["prose.txt", "--unit", "Word"], "unit"),
    (["prose.txt", "--cut", "pages"], "cut"),
    (["prose.txt", "--mask-prob", "0.00001"], "masked tokens"),
    (["prose.txt", "--test-share", "0.999"], ""),
    (["prose.txt", "--learning-rate", "1e9"], "learning[ _]rate"),
    (["prose.txt", "--learning-rate", "100"], "learning[ _]rate"),
    (["prose.txt", "--encoding", "klingon"], "encoding"),
    (["prose.txt", "--encoding", "utf-16"], "at least 2 texts|utf-16|unknown"),
    (["prose.txt", "--segmenter", "no_such_package"], "no_such_package"),
    (["prose.txt", "--segmenter", "json:loads"], "segmenter"),
    (["prose.txt", "--text-column", ""], ""),
    (["prose.txt", "--foo"], "foo"),
    (["prose.txt", "other.txt"], "other.txt"),
    (["prose.txt", "--model", ""], "found no ''"),
    (["prose.txt", "--model", "https://example.org/owner/tiny"], "found no|expected"),
    (["prose.txt", "--model", "bert-base-uncased"], "found no 'bert-base-uncased'"),
    (["prose.txt", "--model", "./missing"], "found no './missing'"),
    (["prose.txt", "--model", "tiny/model.safetensors"], "folder|found no"),
    (["prose.txt", "--output", "prose.txt"], "cannot write to 'prose.txt'"),
    (["prose.txt", "--output", "prose.txt/x"], "cannot write to 'prose.txt/x'"),
    (["prose.txt", "--output", "/proc/x"], "cannot write to '/proc/x'"),
    (["prose.txt", "--output", "."], "new or empty"),
    (["prose.txt", "--output", "tiny"], "new or empty"),
    (["prose.txt", "--output", "x" * 300], "cannot write|too long"),
    (["prose.txt", "--output", "tiny", "--restart"], "new or empty"),
]  # fmt: skip


def in_config(**values: object) -> Make:
    """A maker that changes the configuration of a checkpoint."""

    def spoil(path: Path) -> None:
        config = json.loads((path / "config.json").read_text())
        (path / "config.json").write_text(json.dumps(config | values))

    return spoil


def in_weights(spoil_weights: Callable[[dict], object]) -> Make:
    """A maker that changes the weights of a checkpoint."""

    def spoil(path: Path) -> None:
        from safetensors.numpy import load_file, save_file

        weights = load_file(path / "model.safetensors")
        spoil_weights(weights)
        save_file(weights, path / "model.safetensors", metadata={"format": "pt"})

    return spoil


def without(*names: str) -> Make:
    """A maker that removes files of a checkpoint."""
    return lambda path: [(path / name).unlink() for name in names]


def instead(name: str, content: bytes) -> Make:
    """A maker that replaces a file of a checkpoint."""
    return lambda path: (path / name).write_bytes(content)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 440449768\n"

# what is wrong with the checkpoint, how it is made so, and what the command says
MODELS: list[tuple[str, Make, str]] = [
    ("nothing", lambda path: None, ""),
    ("a pointer of Git LFS", instead("model.safetensors", POINTER), "Git LFS"),
    ("weights emptied", instead("model.safetensors", b""), "model.safetensors"),
    ("weights of garbage", instead("model.safetensors", bytes(range(256)) * 9), "model.safetensors"),
    ("weights cut", lambda path: os.truncate(path / "model.safetensors", 9000), "model.safetensors"),
    ("no weights", without("model.safetensors"), "model.safetensors|weights"),
    ("a layer missing", in_weights(lambda w: [w.pop(n) for n in list(w) if ".layer.1." in n]), "without|missing"),
    ("the head missing", in_weights(lambda w: [w.pop(n) for n in list(w) if n.startswith("cls.")]), "masked-LM head"),
    ("more layers asked for", in_config(num_hidden_layers=4), "without|missing|layer"),
    ("fewer layers asked for", in_config(num_hidden_layers=1), "layer"),
    ("another size of vocabulary", in_config(vocab_size=300), "300"),
    ("fewer positions", in_config(max_position_embeddings=8), "8"),
    ("weights that are no numbers", in_weights(lambda w: w["bert.embeddings.word_embeddings.weight"].fill(np.nan)), "finite"),
    ("no configuration", without("config.json"), "config|model_type"),
    ("an empty configuration", instead("config.json", b""), "config.json"),
    ("a list for a configuration", instead("config.json", b"[1]"), "config"),
    ("a size in words", in_config(hidden_size="thirty"), "hidden_size|config"),
    ("another architecture", in_config(model_type="gpt2", architectures=["GPT2LMHeadModel"]), "masked"),
    ("an unknown architecture", in_config(model_type="zorgbert"), "zorgbert"),
    ("code of its own", in_config(model_type="zorgbert", auto_map={"AutoConfig": "evil.Config"}), "zorgbert|code"),
    ("no tokenizer", without("tokenizer.json", "tokenizer_config.json"), "tokenizer"),
    ("a damaged tokenizer", instead("tokenizer.json", b"{{"), "tokenizer"),
    ("weights as a pickle", lambda path: [(path / "model.safetensors").rename(path / "pytorch_model.bin")], "safetensors"),
    ("an empty folder", without("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"), "config|tokenizer|empty"),
]  # fmt: skip


def run(arguments: list[str]) -> tuple[int, str, str]:
    """Run the command; return exit status, standard output and standard error."""
    status = 0
    with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as errors:
        try:
            main(["adapt", *arguments])
        except SystemExit as end:
            status = end.code or 0
    return status, printed.getvalue(), errors.getvalue()


def complain(arguments: list[str], expected: str, work: Path) -> str:
    """Run the command in a folder, and return what is wrong with what it did; nothing if all is right.

    ``expected`` is a pattern for the message of a refusal; "" asks for a run that goes through, and a pattern that
    also matches "" leaves both open.
    """
    before = sorted(work.rglob("*"))
    options = [
        text
        for name, value in SMALL.items()
        if f"--{name}" not in arguments
        for text in (f"--{name}", str(value))
    ]
    if "--model" not in arguments:
        options += ["--model", "tiny"]
    if "--output" not in arguments:
        options += ["--output", "out"]
    with chdir(work):
        status, printed, errors = run([*arguments, *options])
    if status == 0:
        report = work / "out" / "report.json"
        goes_through = re.fullmatch(expected, "") and report.is_file()
        shutil.rmtree(work / "out", ignore_errors=True)
        return "" if goes_through else f"expected {expected!r}, but it went through: {printed}"
    lines = [line for line in errors.splitlines() if not line.startswith("mlmtutor: doubtful: ")]
    if len(lines) != 1 or len(lines[0]) > LONGEST_MESSAGE + len("mlmtutor: "):
        return f"expected one line of {LONGEST_MESSAGE} characters at most, found {len(lines)}: {errors:.600}"
    if not expected or not re.search(expected, lines[0]):
        return f"expected {expected!r}, found {lines[0]}"
    if "unexpected" in lines[0] or not lines[0].startswith("mlmtutor: "):
        return f"expected a message of our own, found {lines[0]}"
    if left := [str(path) for path in work.rglob("*") if path not in before]:
        return f"expected nothing to be left, found {left}"
    return ""


def input_cases(work: Path) -> list[tuple[str, Callable[[], str]]]:
    """Return the names of all inputs, each with a call that tries it and says what is wrong, if anything is."""
    work.mkdir(exist_ok=True)
    save_tiny_checkpoint(work / "tiny")

    def try_source(number: int) -> str:
        name, make, expected = SOURCES[number]
        make(_new_folder(work, f"source{number}") / name)
        return complain([name], expected, work / f"source{number}")

    def try_options(number: int) -> str:
        arguments, expected = OPTIONS[number]
        place = _new_folder(work, f"options{number}")
        (place / "prose.txt").write_text(PROSE)
        return complain(arguments, expected, place)

    def try_model(number: int) -> str:
        _, spoil, expected = MODELS[number]
        place = _new_folder(work, f"model{number}")
        (place / "prose.txt").write_text(PROSE)
        shutil.copytree(work / "tiny", place / "spoilt")
        spoil(place / "spoilt")
        return complain(["prose.txt", "--model", "spoilt"], expected, place)

    return [
        *((f"source {case[0]}", partial(try_source, i)) for i, case in enumerate(SOURCES)),
        *((f"options {' '.join(case[0])}", partial(try_options, i)) for i, case in enumerate(OPTIONS)),
        *((f"model: {case[0]}", partial(try_model, i)) for i, case in enumerate(MODELS)),
    ]


def _new_folder(work: Path, name: str) -> Path:
    (work / name).mkdir()
    (work / name / "tiny").symlink_to(work / "tiny")
    return work / name
