"""The cell of a notebook that installs the package where it is not there yet, as in Colab."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution
from urllib.parse import urlsplit

INSTALL_CELL = "install"  # id of the cell
# a folder of that name, such as a clone, is no package
MISSING = 'if getattr(importlib.util.find_spec("mlmtutor"), "origin", None) is None:'


def write_install_cell(requirement: str | None, *, code: str) -> str:
    """Return the code of the cell.

    Args:
        requirement: What pip is asked for, e.g. ``mlmtutor[mini] @ git+https://github.com/someone/course@main``; None if it
            is not known where the package comes from.
        code: What the notebook runs; where it names ``mini-zh``, the extra ``zh`` is installed, too.
    """
    extras = f"[{','.join(find_extras(code))}]"
    requirement = requirement and requirement.replace("[mini]", extras, 1)
    lines = [
        "# Colab has everything but the package of this course; where that is there",
        "# too, this cell does nothing",
        "import importlib.util",
        "",
        MISSING,
    ]
    if requirement is None:
        return "\n".join(
            [
                *lines,
                "    raise ImportError(",
                '        "install the package from the repository that this notebook comes from, "',
                f"""        "then run this cell again: %pip install 'mlmtutor{extras} @ git+ADDRESS'\"""",
                "    )",
            ]
        )
    _, is_git, address = requirement.partition("git+")
    host = urlsplit(address).netloc if is_git else "a package index"
    return "\n".join(
        [
            *lines,
            f'    %pip install -q "{requirement}"',
            "    importlib.invalidate_caches()",
            f"    {MISSING}",
            "        raise ImportError(",
            '            "mlmtutor was not installed, and pip says why above. It needs "',
            f'            "Python 3.11 or newer{", git" if is_git else ""} and a way to {host}; "',
            '            "then run this cell again"',
            "        )",
        ]
    )


def find_extras(code: str) -> tuple[str, ...]:
    """Return the extras of the package that a notebook's code needs.

    Example:
        >>> find_extras('model = mt.load_model("mini-zh")')
        ('mini', 'zh')
    """
    return ("mini", "zh") if '"mini-zh"' in code else ("mini",)


def find_requirement() -> str | None:
    """Return what pip was asked for when this package was installed from a repository (PEP 610); None otherwise."""
    try:
        facts = json.loads(distribution("mlmtutor").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    source = facts.get("vcs_info")
    return f"mlmtutor[mini] @ {source['vcs']}+{facts['url']}@{source['commit_id']}" if source else None
