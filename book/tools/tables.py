"""The tables of the instructor guide, the budget page and the page on speed.

``mlmtutor/data/parameters.yml`` lists every parameter of every chapter. Its ``type``, ``default`` and ``en`` are the source's;
``zh``, and which values a chapter takes, are written by hand and stay. ``book/budget.yml`` is written by ``python -m book.tools measure``,
``book/speed.json`` by ``make bench``.
"""

from pathlib import Path

import yaml

from mlmtutor.teach.chapters import LANGUAGES, Chapter
from mlmtutor.teach.parameters import read_parameters

from .speed import machine_lines, read_speed, speed_rows

PARAMETERS, BUDGET = Path("mlmtutor/data/parameters.yml"), Path("book/budget.yml")
PAGES = {"parameters": "a2_instructors.md", "budget": "a4_budget.md", "speed": "a6_speed.md"}
NUMBERS = {"parameters": (), "budget": (2, 3, 4), "speed": (1, 3, 4)}  # columns, which end at their right
HEADS = {
    "parameters": {
        "en": "| chapter | parameter | type | default | meaning |",
        "zh": "| 章 | 参数 | 类型 | 默认值 | 含义 |",
    },
    "budget": {
        "en": "| chapter | profile | minutes | peak memory (MB) | downloads (MB) |",
        "zh": "| 章 | 配置档 | 分钟 | 内存峰值（MB） | 下载（MB） |",
    },
    "speed": {
        "en": "| step | ours | compared with | times as much as ours | at most |",
        "zh": "| 步骤 | 本书 | 对比对象 | 是本书的几倍 | 上限 |",
    },
}
EVERY_CHAPTER = {"en": "every chapter", "zh": "所有章"}
NOT_MEASURED = {"en": "not measured yet", "zh": "尚未测量"}


def tabulate(chapters: list[Chapter], *, root: Path) -> dict[Path, str]:
    """Return the texts of ``mlmtutor/data/parameters.yml`` and of the pages with a table, by path relative to `root`."""
    parameters = list_parameters(chapters, known=read_yaml(root / PARAMETERS))
    links = {chapter.slug: link_chapter(chapter) for chapter in chapters}
    rows = {
        "parameters": parameter_rows(parameters, links),
        "budget": budget_rows(links, read_yaml(root / BUDGET)),
        "speed": speed_rows(read_speed(root)),
    }
    texts = {PARAMETERS: write_yaml(parameters)}
    for name, page in PAGES.items():
        for lang in LANGUAGES:
            path = Path("book", lang, page)
            head = HEADS[name][lang]
            columns = range(head.count("|") - 1)
            rule = "|".join(" ---: " if column in NUMBERS[name] else " --- " for column in columns)
            table = [head, f"|{rule}|", *(row[lang] for row in rows[name])]
            if name == "speed":
                table += ["", machine_lines(root)[lang]]
            texts[path] = put_between_marks((root / path).read_text(encoding="utf-8"), name, "\n".join(table))
    return texts


def list_parameters(chapters: list[Chapter], *, known: dict) -> dict:
    """Return every parameter by chapter and name, with the translations and limits of `known`."""
    return {
        chapter.slug: {
            p.name: {
                "type": p.type,
                "default": p.default,
                **p.limits,
                "en": p.meaning,
                "zh": known.get(chapter.slug, {}).get(p.name, {}).get("zh", ""),
            }
            for p in read_parameters(chapter, known.get(chapter.slug))
        }
        for chapter in chapters
    }


def parameter_rows(parameters: dict, links: dict[str, dict[str, str]]) -> list[dict[str, str]]:
    """Return one row per parameter, in each language; only the first of a chapter names it."""
    rows = []
    for slug, found in parameters.items():
        chapter = links[slug]
        for name, facts in found.items():
            default = f'"{facts["default"]}"' if facts["type"] == "str" else facts["default"]
            shared = [f"`{name}`", facts["type"], f"`{default}`"]
            rows.append({lang: _row(chapter.get(lang, ""), *shared, facts[lang]) for lang in LANGUAGES})
            chapter = {}
    return rows


def budget_rows(links: dict[str, dict[str, str]], budget: dict) -> list[dict[str, str]]:
    """Return one row per profile and chapter, in each language; just one for a profile not measured."""
    rows = []
    for profile in ("mini", "full"):
        costs = budget.get(profile, {})
        for slug, chapter in links.items() if costs else [("", EVERY_CHAPTER)]:
            if cost := costs.get(slug):
                numbers = (f"{cost['minutes']:.1f}", f"{cost['memory_mb']:,}", f"{cost['downloads_mb']:,}")
                rows.append({lang: _row(chapter[lang], profile, *numbers) for lang in LANGUAGES})
            else:
                rows.append(
                    {lang: _row(chapter[lang], profile, word, "", "") for lang, word in NOT_MEASURED.items()}
                )
    return rows


def link_chapter(chapter: Chapter) -> dict[str, str]:
    """Return a link to a chapter in each language."""
    return {lang: f"[{chapter.title(lang)}]({chapter.slug}.ipynb)" for lang in LANGUAGES}


def _row(*cells: str) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def put_between_marks(page: str, name: str, table: str) -> str:
    """Replace what stands between two marks of a page.

    Example:
        >>> put_between_marks("a <!-- t -->\\nold\\n<!-- t --> b", "t", "new")
        'a <!-- t -->\\nnew\\n<!-- t --> b'
    """
    mark = f"<!-- {name} -->"
    before, _, after = page.split(mark)
    return f"{before}{mark}\n{table}\n{mark}{after}"


def read_yaml(path: Path) -> dict:
    """Read a file; an empty mapping if there is none yet."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {} if path.exists() else {}


def write_yaml(content: dict) -> str:
    """Return content as text: in the order given, Chinese as Chinese."""
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)
