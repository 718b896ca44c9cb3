"""The commands behind `make notebooks` and `make book`, and those for instructors."""

import argparse
import functools
import os
import sys
from collections import ChainMap
from dataclasses import asdict
from pathlib import Path

from nbformat import NotebookNode

from book._ext.repository import UNKNOWN, find_repository, set_install_cell
from mlmtutor.teach.chapters import LANGUAGES, Chapter, ChapterError, list_sources, read_chapter
from mlmtutor.teach.install_cell import find_extras
from mlmtutor.teach.metrics import list_printed
from mlmtutor.teach.notebooks import write_notebook

from .budget import download_packages, measure
from .chapter import compose, find_chapters
from .checks import check_assignment, check_chapter, check_notebooks
from .colab import write_for_colab
from .execute import ChapterFailed
from .handout import make_handout
from .pdf import open_browser, print_book
from .printed import name_book, offer_books
from .site import build, stage
from .speed import SPEED, draw_figures
from .style import check_page, find_pages, tabulate_cadences
from .tables import BUDGET, read_yaml, tabulate, write_yaml
from .together import run_together
from .write_answers import ANSWERS, write_answers
from .write_passages import PASSAGES, write_passages

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Run one command and return the exit status."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("MLMTUTOR_PROFILE", "mini")
    try:
        return options.run(_read(root, options.slugs), options, root=root) or 0
    except (ChapterError, ChapterFailed, RuntimeError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nstopped; the same command goes on with the chapters that have not run to their ends",
            file=sys.stderr,
        )
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m book.tools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(run, text: str, *, slugs: str | int = "*") -> argparse.ArgumentParser:
        command = commands.add_parser(run.__name__.strip("_"), help=text, description=text)
        command.set_defaults(run=run, slugs=[])
        if slugs:
            command.add_argument("slugs", nargs=slugs, metavar="SLUG", help="only this chapter; default: all")
        return command

    add(_notebooks, "run the chapters and write book/en and book/zh")
    add(_book, "run the chapters and build the site under _build from what came out")
    add(_site, "build the site from the committed notebooks", slugs=0)
    add(_colab, "write notebooks that install from this repository, where the committed ones do not", slugs=0)
    check_command = add(_check, "run nothing, list what is wrong in sources, pages and notebooks")
    check_command.add_argument(
        "--han", action="store_true", help="only say how long the Chinese sentences are"
    )
    add(_tables, "bring mlmtutor/data/parameters.yml and the tables of the pages into step", slugs=0)
    add(_passages, "tokenise the passages of the mask playground", slugs=0)
    add(_answers, "ask the model for the examples of the field where visitors ask it", slugs=0)
    add(
        _pdf,
        "build the site from the committed notebooks, print the book of each language and link it",
        slugs=0,
    )
    add(_handout, "write the notebooks without worked answers into _build/handout")
    measure_command = add(_measure, "run the chapters and write what they cost into book/budget.yml")
    measure_command.add_argument("--profile", choices=["mini", "full"], default="mini")
    return parser


def _read(root: Path, slugs: list[str]) -> list[Chapter]:
    paths = find_chapters(root)
    known = [path.stem for path in paths]
    for slug in slugs:
        if slug not in known:
            raise ChapterError(
                f"no chapter {slug!r} in book/chapters; there are: {', '.join(known) or 'none'}"
            )
    return [read_chapter(path) for path in paths if not slugs or path.stem in slugs]


def _say(text: str) -> None:
    print(text, end="", flush=True)


def _notebooks(chapters: list[Chapter], options: argparse.Namespace, *, root: Path) -> None:
    outputs = run_together(chapters, root=root)
    for chapter in chapters:
        for path, notebook in _compose(chapter, outputs[chapter.slug]).items():
            _write(notebook, path, root=root)


def _compose(chapter: Chapter, outputs: list[list[NotebookNode]]) -> dict[Path, NotebookNode]:
    return {
        Path("book", lang, f"{chapter.slug}.ipynb"): compose(chapter, lang, outputs) for lang in LANGUAGES
    }


def _write(notebook: dict, path: Path, *, root: Path) -> None:
    changed = write_notebook(notebook, root / path)
    print(f"{path}: {'written' if changed else 'as it was'}")


def _book(chapters: list[Chapter], options: argparse.Namespace, *, root: Path) -> None:
    staged = root / "_build" / "stage"
    by_slug = {chapter.slug: chapter for chapter in chapters}

    def build_from(outputs: dict[str, list[list[NotebookNode]]]) -> Path:
        composed = [_compose(by_slug[slug], found) for slug, found in outputs.items()]
        stage(root, staged, fresh=dict(ChainMap(*composed)))
        return build(staged, root)

    def show_first_page(slug: str, outputs: list[list[NotebookNode]]) -> None:
        page = build_from({slug: outputs}) / "book" / "en" / f"{slug}.html"
        print(f"The first page is there: {page}", flush=True)

    outputs = run_together(chapters, root=root, after_first=show_first_page)
    print("building the site ...", flush=True)
    _announce(build_from(outputs), root=root)
    for chapter in chapters:
        for lines in list_printed(compose(chapter, "en", outputs[chapter.slug])):
            print(*(f"{chapter.slug}: {line}" for line in lines), sep="\n")


def _site(chapters: list[Chapter], options: argparse.Namespace, *, root: Path) -> None:
    _announce(build(root, root), root=root)


def _announce(site: Path, *, root: Path) -> None:
    if find_repository(root) is None:
        print(UNKNOWN)
    print(f"The site: {site / 'index.html'}")


def _colab(chapters: list[Chapter], options: argparse.Namespace, *, root: Path) -> None:
    folder = root / "_build" / "colab"
    print(write_for_colab(root, folder))


def _pdf(chapters: list[Chapter], options: argparse.Namespace, *, root: Path) -> None:
    site = build(root, root)
    books = {lang: root / "_build" / "pdf" / name_book(lang) for lang in LANGUAGES}
    with open_browser() as browser:
        for lang, target in books.items():
            num_pages = print_book(browser, site, root / "_toc.yml", lang, target)
            print(f"{target}: {num_pages} chapters and appendices, {target.stat().st_size / 1e6:.1f} MB")
    offer_books(site, books)
    print(f"The site links them: {site / 'index.html'}")


def _tables(chapters: list[Chapter], options: argparse.Namespace, *, root: Path) -> None:
    for path, text in tabulate(chapters, root=root).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    if (root / SPEED).exists():
        draw_figures(root)


def _passages(chapters: list[Chapter], options: argparse.Namespace, *, root: Path) -> None:
    write_passages(root / PASSAGES)


def _answers(chapters: list[Chapter], options: argparse.Namespace, *, root: Path) -> None:
    write_answers(root / ANSWERS)


def _handout(chapters: list[Chapter], options: argparse.Namespace, *, root: Path) -> None:
    for chapter in chapters:
        for lang in LANGUAGES:
            path = Path("_build", "handout", lang, f"{chapter.slug}.ipynb")
            # what a class works on installs from the instructor's copy
            _write(set_install_cell(make_handout(chapter, lang), find_repository(root)), path, root=root)


def _measure(chapters: list[Chapter], options: argparse.Namespace, *, root: Path) -> None:
    download = functools.cache(functools.partial(download_packages, root))
    for chapter in chapters:
        packages_mb = download(find_extras("\n".join(cell.source for cell in chapter.code)))
        cost = measure(chapter, profile=options.profile, packages_mb=packages_mb, say=_say)
        print(f"{chapter.slug}: {cost}")
        budget = read_yaml(root / BUDGET)
        budget.setdefault(options.profile, {})[chapter.slug] = asdict(cost)
        budget[options.profile] = dict(sorted(budget[options.profile].items()))
        (root / BUDGET).write_text(write_yaml(budget), encoding="utf-8")
    _tables(_read(root, []), options, root=root)


def _check(chapters: list[Chapter], options: argparse.Namespace, *, root: Path) -> int:
    pages = [] if options.slugs else find_pages(root)
    if options.han:
        print(tabulate_cadences(chapters, [path for path, lang in pages if lang == "zh"]))
        return 0
    problems = [problem for chapter in chapters for problem in check_chapter(chapter)]
    problems += [problem for path, lang in pages for problem in check_page(path, lang)]
    problems += [problem for chapter in chapters for problem in check_notebooks(chapter, root=root)]
    sources = [] if options.slugs else list_sources(root / "book" / "assignments")
    problems += [problem for path in sources for problem in check_assignment(path)]
    print("\n".join(problems) or f"{len(chapters)} chapters: nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
