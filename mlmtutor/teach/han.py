"""Chinese text: its characters, and its line breaks."""

import re

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
TEXT = r"[\u2014\u2018-\u201d\u2026\u3000-\u9fff\uff00-\uffef]"  # Han characters and the punctuation between them
STOPS = tuple("。，、：；！？）》”…")
STARTS_WITH_TEXT = re.compile(rf"[*_\[]*{TEXT}")
STARTS_A_BLOCK = re.compile(r"$|\s|[-+*] |[-=]{2,}|#|>|\||<|```|~~~|:::|\$\$|\d+[.)] ")


def join_han_lines(text: str) -> str:
    """Join the lines of a Chinese paragraph, where a browser would show each line break as a space.

    Example:
        >>> join_han_lines("## 分块\\n\\n先连接。\\n再切开。")
        '## 分块\\n\\n先连接。再切开。'
    """
    joined: list[str] = []
    in_code = False
    for line in text.split("\n"):
        if joined and not in_code and _continues(joined[-1], line):
            joined[-1] += line
        else:
            joined.append(line)
        in_code ^= line.startswith(("```", "~~~"))
    return "\n".join(joined)


def _continues(above: str, line: str) -> bool:
    """Whether a line continues the Chinese paragraph of the line above."""
    if above.startswith(("#", "|", "```", "~~~")) or STARTS_A_BLOCK.match(line):
        return False
    return above.endswith(STOPS) or bool(re.match(TEXT, above[-1:]) and STARTS_WITH_TEXT.match(line))
