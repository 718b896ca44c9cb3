"""What a page shows where somebody shares it, and what machines read about it.

Networks show title, description and a card (``pictures.py``); search engines read what kind of page it is, as JSON-LD.
Both need full addresses: where the address of the site is not known, cards and addresses are left out.
"""

import hashlib
import json
import sys
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from . import pictures
from .languages import DEFAULT, LANGUAGES, counterparts, language_of
from .metadata import describe_page, find_address, site_address
from .try_it import ANSWERS

TITLES = ("How a masked language model learns your domain", "让掩码语言模型学会你所在领域的语言")
LICENCE = "https://www.apache.org/licenses/LICENSE-2.0"
LOCALES = {"en": "en_GB", "zh": "zh_CN"}
KICKERS = {"en": ("Chapter {}", "Appendix"), "zh": ("第 {} 章", "附录")}
COLUMNS = {"before": "适应之前", "after": "适应之后"}
NO_HAN_FONT = "found no Chinese font that is known: Chinese pages are shared with the English picture (`apt-get install fonts-noto-cjk`)"
FOLDER, TOUCH_ICON = "_cards", "_static/apple-touch-icon.png"


def tell(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Write all of that into the head of a page."""
    if pagename == "index":  # redirects to the landing page, and is shared in its stead
        doctree = app.env.get_doctree(app.config.root_doc)
        pagename = app.config.root_doc
        context["metatags"] = f'<meta name="description" content="{escape(describe_page(doctree))}"/>'
    if doctree is None:
        return
    context["course_titles"] = TITLES
    facts = gather(app, pagename, describe_page(doctree))
    properties = {
        "og:site_name": app.config.html_title,
        "og:type": "website" if pagename == app.config.root_doc else "article",
        "og:title": facts["name"],
        "og:description": facts["description"],
        "og:url": facts.get("url"),
        "og:locale": LOCALES[language_of(pagename)],
        "og:image": facts.get("image"),
        "og:image:width": "image" in facts and pictures.WIDTH,
        "og:image:height": "image" in facts and pictures.HEIGHT,
        "og:image:alt": "image" in facts and facts["name"],
    }
    others = [locale for language, locale in LOCALES.items() if language != language_of(pagename)]
    tags = [*properties.items(), *(("og:locale:alternate", locale) for locale in others)]
    head = [f'<meta property="{key}" content="{escape(str(value))}"/>' for key, value in tags if value]
    # the names of their own that Twitter's tags have are needed for this alone
    head.append(f'<meta name="twitter:card" content="summary{"_large_image" if "image" in facts else ""}"/>')
    data = json.dumps(facts, ensure_ascii=False).replace("<", "\\u003c")
    head.append(f'<script type="application/ld+json">{data}</script>')
    context["metatags"] = "\n".join([context.get("metatags", ""), *head])


def gather(app: Sphinx, page: str, description: str) -> dict:
    """Return what is known about a page, in the words of schema.org."""
    address = site_address(app)
    course = {"@type": "Course", "name": f"{app.config.html_title}: {TITLES[0]}"}
    if address:
        course["url"] = find_address(app, app.config.root_doc)
    facts = {"@context": "https://schema.org", "description": description, "license": LICENCE}
    facts["isAccessibleForFree"] = True
    if address:
        facts["image"] = address + draw_card(app, page)
    if page == app.config.root_doc:
        languages = [code for code, *_ in LANGUAGES.values()]
        provider = {"@type": "Organization", "name": app.config.author}
        return facts | course | {"alternateName": TITLES[1], "inLanguage": languages, "provider": provider}
    facts |= {"@type": "LearningResource", "name": app.env.titles[page].astext(), "isPartOf": course}
    facts["inLanguage"] = LANGUAGES[language_of(page)][0]
    if number := find_number(app, page):
        facts |= {"@type": ["Chapter", "LearningResource"], "position": number}
    if address:
        facts["url"] = find_address(app, page)
    return facts


def find_number(app: Sphinx, page: str) -> int | None:
    """Return the number of a chapter; None for an appendix."""
    numbers = app.env.toc_secnumbers.get(page, {}).get("")
    return numbers and numbers[0]


def draw_card(app: Sphinx, page: str) -> str:
    """Draw the card of a page, unless the very same is there, and return its path in the site."""
    has_han = pictures.find_han_font() is not None
    if language_of(page) == "zh" and not has_han:
        return draw_card(app, counterparts(page, app.env.found_docs)[DEFAULT])
    if page == app.config.root_doc:
        draw, words = pictures.draw_guesses, _landing_words(has_han=has_han)
    else:
        draw, words = pictures.draw_card, _page_words(app, page)
    key = repr([words, pictures.find_han_font(), Path(pictures.__file__).read_bytes()])
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    name = page.removeprefix("book/").replace("/", "-")
    path = Path(app.outdir, FOLDER, f"{name}.{digest}.png")
    if not path.exists():
        for old in path.parent.glob(f"{name}.*.png"):
            old.unlink()
        pictures.save(draw(**words), path)
    return f"{FOLDER}/{path.name}"


def _page_words(app: Sphinx, page: str) -> dict:
    language, number = language_of(page), find_number(app, page)
    own = [other for other in app.env.found_docs if language_of(other) == language]
    return {
        "title": app.env.titles[page].astext(),
        "kicker": KICKERS[language][number is None].format(number),
        "number": number,
        "num_chapters": sum(find_number(app, other) is not None for other in own),
    }


def _landing_words(*, has_han: bool) -> dict:
    sentence, (answers, *_) = next(iter(json.loads(ANSWERS.read_text(encoding="utf-8")).items()))
    return {
        "titles": TITLES if has_han else TITLES[:1],
        "sentence": sentence,
        "guesses": {
            f"{name} · {chinese}" if has_han else name: answers[name][:3] for name, chinese in COLUMNS.items()
        },
    }


def draw_icon(app: Sphinx, exception: Exception | None) -> None:
    """Draw the icon for the home screen of a phone, and say so if Chinese cards could not be drawn."""
    if exception or app.builder.name != "html":
        return
    pictures.save(pictures.draw_icon(180), Path(app.outdir, TOUCH_ICON))
    if site_address(app) and pictures.find_han_font() is None:
        print(NO_HAN_FONT, file=sys.stderr)


def setup(app: Sphinx) -> None:
    """Register the handlers."""
    app.connect("html-page-context", tell, priority=650)  # after the description (metadata.py)
    app.connect("build-finished", draw_icon)
