"""What a typed name means: a small model of the course, a folder on this machine, or a repository on the Hub."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mlmtutor.model.messages import show

MINI = "mini"
MINI_ZH = "mini-zh"
PART = r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?"


def is_hub_id(name: str) -> bool:
    """Return whether a name can only mean a repository on the Hub: ``owner/name``, and no path on this machine.

    What looks like a path is never sent to the Hub, since the names of private folders are nobody's business.

    Example:
        >>> [is_hub_id(name) for name in ("owner/name", "my_texts/", "./a/b", "a/b/c", "a\\\\b", "mini")]
        [True, False, False, False, False, False]
    """
    looks_right = re.fullmatch(f"{PART}/{PART}", name) and "--" not in name and ".." not in name
    # beside a folder called like the owner it is a path with a typing error
    return bool(looks_right) and not name.endswith(".git") and not os.path.isdir(name.split("/")[0])


def find_folder(source: str | os.PathLike[str], *, what: str) -> Path | None:
    """Return the local folder that a name means, or None if it is a Hub id.

    Args:
        source: A Hub id or a path; ``~`` is the home folder.
        what: What is asked for, in the singular, as in "a model".

    Raises:
        FileNotFoundError: If the name is neither.
        NotADirectoryError: If it is a file.
    """
    name = os.fspath(source)
    path = os.path.expanduser(name)
    if os.path.isdir(path):
        return Path(path)
    if is_hub_id(name):
        return None
    wanted = f"expected 'mini', 'mini-zh', a Hub id or a folder with {what}"
    if os.path.isfile(path):
        raise NotADirectoryError(f"{wanted}, found the file {show(name)}")
    if "://" in name:
        raise FileNotFoundError(f"{wanted}, found the address {show(name)}: write owner/name of it")
    owner, slash, _ = name.partition("/")
    hint = "" if slash else " (a Hub id has the form owner/name)"
    if owner and name.count("/") == 1 and os.path.isdir(owner):
        hint = f" in the folder {show(owner)}"
    raise FileNotFoundError(f"{wanted}, found no {show(name)}{hint}")
