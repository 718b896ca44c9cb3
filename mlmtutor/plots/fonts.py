"""Labels in any script: with a font that has the characters, and never as empty boxes."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text


def legible(ax: Axes) -> Axes:
    """Let all texts of axes be read, in place: those with characters that the font lacks get a second font.

    A character that no installed font has is written by its code, such as ``U+5F71``.

    Warns:
        UserWarning: If there is such a character.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = Figure().subplots()
        >>> label = ax.set_xlabel("film")
        >>> legible(ax).get_xlabel()
        'film'
    """
    from matplotlib.text import Text

    unknown: set[str] = set()
    for axis in (ax.xaxis, ax.yaxis):
        if labels := [label.get_text() for label in axis.get_ticklabels()]:
            lacking = {character for label in labels for character in label if not _find_fonts(character)}
            if lacking:  # which the ticks would otherwise write again
                axis.set_ticks(axis.get_ticklocs(), [_write_codes(label, lacking) for label in labels])
                unknown |= lacking
    for text in ax.findobj(Text):
        unknown |= _mend(text)
    if unknown:
        warnings.warn(
            f"expected a font with {''.join(sorted(unknown))[:20]!r}, found none, so codes stand for these characters: install "
            "one (on Debian, Ubuntu and Colab: apt-get install fonts-noto-cjk)",
            UserWarning,
            stacklevel=3,
        )
    return ax


def _mend(text: Text) -> set[str]:
    """Give a text the fonts it needs, and return the characters that none has."""
    families, lacking = list(text.get_fontfamily()), set()
    for character in dict.fromkeys(text.get_text()):
        fonts = _find_fonts(character)
        families += [name for name in fonts if name not in families]
        if not fonts:
            lacking.add(character)
    if families != text.get_fontfamily():
        text.set_fontfamily(families)
    if lacking:
        text.set_text(_write_codes(text.get_text(), lacking))
    return lacking


def _write_codes(text: str, lacking: set[str]) -> str:
    return "".join(f"U+{ord(character):04X} " if character in lacking else character for character in text)


@functools.cache
def _find_fonts(character: str) -> tuple[str, ...]:
    """Return a font that has a character: first the usual one, then any other of this machine; nothing if none has it."""
    from matplotlib.font_manager import FontProperties, findfont

    usual = FontProperties().get_family()
    if not character.isprintable() or character.isascii() or _has(findfont(FontProperties()), character):
        return tuple(usual)
    return next(((name,) for path, name in _list_fonts() if _has(path, character)), ())


def _has(path: str, character: str) -> bool:
    from matplotlib.font_manager import get_font

    try:
        return get_font(path).get_char_index(ord(character)) != 0
    except (OSError, RuntimeError):  # a damaged file
        return False


@functools.cache
def _list_fonts() -> list[tuple[str, str]]:
    """Return path and name of the fonts of this machine, upright ones without serifs first."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known = {entry.fname for entry in fontManager.ttflist}
    for path in findSystemFonts():  # those that were installed after the list was made
        if path not in known:
            try:
                fontManager.addfont(path)
            except (OSError, RuntimeError):
                continue
    entries = sorted(
        fontManager.ttflist,
        key=lambda e: (e.style != "normal", "Sans" not in e.name, str(e.weight) not in ("400", "normal")),
    )
    # matplotlib's last resort has a box for each script, not its characters
    return [(entry.fname, entry.name) for entry in entries if "Last" not in entry.name]
