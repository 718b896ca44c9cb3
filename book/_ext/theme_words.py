"""The theme's own words ("Search", "Next") in Chinese: three catalogues, and what none of them has."""

import gettext
from pathlib import Path

import pydata_sphinx_theme
import sphinx
import sphinx_book_theme

# better than in the catalogues, or missing from them
OWN_WORDS = {
    "Back to top": "回到顶部",
    "Breadcrumb": "当前位置",
    "Collapse Sidebar": "收起侧栏",
    "Color mode": "颜色模式",
    "Copyright": "版权所有",
    "Download notebook file": "下载笔记本",
    "Expand Sidebar": "展开侧栏",
    "Home": "首页",
    "Link to this definition": "链接到这个条目",
    "Link to this heading": "链接到这一节",
    "Link to this term": "链接到这个词条",
    "Launch on": "打开平台：",
    "Launch interactive content": "打开可交互的版本",
    "Main": "主导航",
    "On this page": "本页内容",
    "Print to PDF": "打印为 PDF",
    "Repository": "代码仓库",
    "Show source": "查看源文件",
    "Site navigation": "网站导航",
    "Skip to main content": "跳到正文",
    "Source repositories": "代码仓库",
    "Source repository": "代码仓库",
    "System Settings": "跟随系统",
    "next": "下一页",
    "previous": "上一页",
    "© Copyright %(copyright)s.": "© %(copyright)s 版权所有。",
}

# mends the theme's templates, which have these words only in English
HARD_CODED = {
    'aria-label="Main"': 'aria-label="主导航"',
    'aria-label="Page"': 'aria-label="本页内容"',
    'aria-label="Toggle hidden content"': 'aria-label="展开或收起"',
    'title="Toggle primary sidebar"': 'title="显示或隐藏目录"',
    'title="Toggle secondary sidebar"': 'title="显示或隐藏本页内容"',
    "let toggleHintShow = 'Click to show'": "let toggleHintShow = '点击展开'",
    "let toggleHintHide = 'Click to hide'": "let toggleHintHide = '点击收起'",
}


CATALOGUES = (("general", "sphinx"), ("general", "booktheme"))  # keys of sphinx.locale.translators


class OwnWords(gettext.NullTranslations):
    """Our own words, before those of the catalogues added as fallbacks."""

    def gettext(self, message: str) -> str:
        """Return the Chinese for a message, or the message itself where no catalogue has it."""
        return OWN_WORDS.get(message) or super().gettext(message)


def chinese() -> dict[tuple[str, str], OwnWords]:
    """Return our words and those of three catalogues, the nearest to the page first, under each key."""
    book_theme = Path(sphinx_book_theme.__file__).parent / "theme" / "sphinx_book_theme" / "static"
    catalogues = (
        ("booktheme", book_theme / "locales", "zh_CN"),
        ("sphinx", Path(pydata_sphinx_theme.__file__).parent / "locale", "zh"),
        ("sphinx", Path(sphinx.__file__).parent / "locale", "zh_CN"),
    )
    words = OwnWords()
    for name, folder, language in catalogues:
        words.add_fallback(gettext.translation(name, folder, [language]))
    return dict.fromkeys(CATALOGUES, words)
