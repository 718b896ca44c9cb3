"""The table of messages: what it quotes is what the package says, and both languages quote the same."""

import ast
import re
from pathlib import Path

import pytest

from book.tools.prose import read_content

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "book" / lang / "a8_messages.md" for lang in ("en", "zh")]
QUOTED = re.findall(r"^\| `(.+?)` \|", PAGES[0].read_text(encoding="utf-8"), flags=re.MULTILINE)
OPTIONS = re.findall(r"`(--[a-z-]+)", PAGES[0].read_text(encoding="utf-8"))


def read_strings() -> str:
    """All texts in the code of the package, a line each, with three dots where a value is put in."""
    texts = []
    for path in (ROOT / "mlmtutor").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append("".join(p.value if isinstance(p, ast.Constant) else "…" for p in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value.replace("%s", "…"))
    return "\n".join(text.replace("\n", " ") for text in texts)


STRINGS = read_strings()


def test_the_table_is_read():
    assert len(QUOTED) > 40


@pytest.mark.parametrize("message", QUOTED)
def test_messages_are_those_of_the_package(message):
    pattern = ".{0,60}".join(re.escape(part) for part in message.split("…"))
    assert re.search(pattern, STRINGS), message


def test_options_are_those_of_the_command():
    from dataclasses import fields

    from mlmtutor import MaskingSettings
    from mlmtutor.cli import AdaptOptions

    known = {
        f"--{field.name.replace('_', '-')}"
        for settings in (AdaptOptions, MaskingSettings)
        for field in fields(settings)
    }
    assert set(OPTIONS) <= known


def test_both_languages_quote_the_same():
    assert read_content(PAGES[0].read_text(encoding="utf-8")) == read_content(
        PAGES[1].read_text(encoding="utf-8")
    )
