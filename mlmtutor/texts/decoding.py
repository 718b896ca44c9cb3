"""From bytes to text: which encoding a file is in, and what is no text at all."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib

from mlmtutor.model.messages import show

# the longer marks first: that of UTF-32 begins with that of UTF-16
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
GZIP = b"\x1f\x8b"
FOREIGN = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a zip archive, as .docx and .xlsx are",
    b"\xd0\xcf\x11\xe0": "an old Word or Excel file",
    b"{\\rtf": "rich text (RTF)",
    b"PAR1": "a Parquet table",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"7z\xbc\xaf": "an archive",
    b"Rar!\x1a": "an archive",
    b"BZh91AY&SY": "a compressed file",
    b"\xfd7zXZ": "a compressed file",
    b"\x28\xb5\x2f\xfd": "a compressed file",
    GZIP: "a compressed file",
    b"version https://git-lfs": "a pointer of Git LFS (get the file with `git lfs pull`)",
}
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
# what UTF-8 looks like when it was read as Latin-1, and what stands for bytes that could not be read
LEADS = ("\ufffd", "Ã", "Â", "â€")
WRONGLY_DECODED = re.compile(r"\ufffd|[ÃÂ][\x80-\xbf]|â€")
# the encodings that are still met, to choose from among look-alikes that nobody uses
COMMON = frozenset(
    "gb18030 big5 cp932 euc_jp iso2022_jp cp949 cp874 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1258 koi8_r"
    " cp866 utf-16-le utf-16-be".split()
)


def check_encoding(encoding: str) -> None:
    """Refuse a name that is not the name of a text encoding.

    Raises:
        ValueError: If Python knows no such encoding.
    """
    try:
        "a".encode(encoding)
    except (LookupError, ValueError) as error:
        raise ValueError(
            f"expected the name of a text encoding, such as gb18030 or cp1252, found {show(encoding)}"
        ) from error


def unpack(data: bytes, *, place: str) -> bytes:
    """Unpack what gzip packed, whatever the file is called.

    Raises:
        ValueError: If it is damaged.
    """
    if not data.startswith(GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"expected gzip data in {place}, found it damaged or cut off: pack it again"
        ) from error


def decode_text(data: bytes, *, place: str, encoding: str | None = None) -> tuple[str, str]:
    """Decode a file. Nothing is guessed: what is not Unicode needs the name of its encoding.

    Args:
        data: The file.
        place: What it is called in messages.
        encoding: Its encoding. If None: what a byte-order mark says, UTF-16 if every other byte is zero, or UTF-8.

    Returns:
        The text without byte-order mark, and the name of the encoding.

    Raises:
        ValueError: If the bytes are in another encoding, or are no text.

    Example:
        >>> decode_text("café".encode("utf-16"), place="'a.txt'")
        ('café', 'utf-16')
        >>> decode_text("naïve cafés".encode("cp1252"), place="'a.txt'", encoding="cp1252")
        ('naïve cafés', 'cp1252')

    Source: chapter 11_your_domain.
    """
    if foreign := next((kind for magic, kind in FOREIGN.items() if data.startswith(magic)), None):
        raise ValueError(f"expected text in {place}, found {foreign}: save it as text, such as .txt or .csv")
    name = encoding or _find_unicode(data)
    try:
        text = data.decode(name)
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        raise ValueError(
            f"expected {name.upper()} text in {place}, found other bytes at {start}{_suggest(data, start)}"
        ) from error
    sample = text[:100_000]
    if "\0" in text or len(CONTROLS.findall(sample)) > len(sample) / 20:
        raise ValueError(
            f"expected {name.upper()} text in {place}, found binary data or another encoding: save it as UTF-8 text"
        )
    if "\x1b$" in sample and encoding is None:  # ASCII bytes, with marks that switch to Japanese
        raise ValueError(
            f"expected {name.upper()} text in {place}, found escapes of another encoding{_suggest(data, 0)}"
        )
    return text.removeprefix("\ufeff"), name


def find_wrong_characters(text: str) -> int:
    """Count the characters that come of decoding with the wrong encoding, once they are one in 1,000 or more.

    Example:
        >>> find_wrong_characters("the cafÃ© was trÃ¨s bon"), find_wrong_characters("the café was très bon")
        (2, 0)

    Source: chapter 11_your_domain.
    """
    enough = len(text) / 1000
    if sum(text.count(lead) for lead in LEADS) < max(enough, 1):  # many times as fast as the search below
        return 0
    count = len(WRONGLY_DECODED.findall(text))
    return count if count >= enough else 0


def _find_unicode(data: bytes) -> str:
    for mark, name in BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return name
    even, odd = data[:4096:2], data[1:4096:2]
    if odd.count(0) > 0.4 * len(odd) and even.count(0) <= 0.02 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.4 * len(even) and odd.count(0) <= 0.02 * len(odd):
        return "utf-16-be"
    return "utf-8"


def _suggest(data: bytes, start: int) -> str:
    """What the bytes near a place may be, to choose from: the encodings of China, Taiwan and Japan look alike."""
    from charset_normalizer import from_bytes

    first = data.rfind(b"\n", 0, start) + 1
    sample = data[max(first, start - 2000) : start + 2000]
    if b"\n" in sample:
        sample = sample[: sample.rindex(b"\n")]  # a character that is cut in two would rule its encoding out
    names = [name for match in from_bytes(sample) for name in (match.encoding, *match.could_be_from_charset)]
    if b"\0" in data:  # the zeros of line feeds, in a script that has no other ones
        name = "utf-16-le" if data.index(b"\0") % 2 else "utf-16-be"
        text = data.decode(name, "replace")[:10_000]
        names = [] if "\0" in text else [name]
        if names and sum(letter.isprintable() or letter.isspace() for letter in text) < 0.95 * len(text):
            return ": it looks like binary data, save it as UTF-8 text"
    likely = list(dict.fromkeys(name for name in names if name in COMMON))[:3]
    if not likely:
        return ": save it as UTF-8, or name its encoding with --encoding (encoding=)"
    perhaps = " or ".join(likely)
    return f", perhaps {perhaps}: save it as UTF-8, or name what it is, such as --encoding {likely[0]} (encoding=)"
