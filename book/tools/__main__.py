"""The commands behind `make notebooks` and `make book`."""

import argparse
import os
import sys
from pathlib import Path

from .chapter import LANGUAGES, Chapter, ChapterError, compose, find_chapters, read_chapter, write_notebook
from .checks import check_chapter, check_notebooks
from .execute import ChapterFailed, run_chapter
from .site import build, stage

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Run one command and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m book.tools", description=__doc__)
    parser.add_argument(
        "command",
        choices=["notebooks", "book", "check"],
        help="notebooks: run the chapters and write book/en and book/zh; book: run them and build the site "
        "under _build from what came out; check: run nothing, list what is wrong in sources and notebooks",
    )
    parser.add_argument("slugs", nargs="*", help="only these chapters (notebooks, check); default: all")
    options = parser.parse_args(arguments)
    os.environ.setdefault("MLMTUTOR_PROFILE", "mini")
    try:
        chapters = _read(root, options.slugs)
        if options.command == "check":
            return _check(chapters, root=root)
        made = {chapter.slug: _run(chapter, root=root) for chapter in chapters}
        if options.command == "notebooks":
            _write(made, root=root)
        else:
            _publish(made, root=root)
    except (ChapterError, ChapterFailed, RuntimeError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def _read(root: Path, slugs: list[str]) -> list[Chapter]:
    paths = find_chapters(root)
    known = [path.stem for path in paths]
    for slug in slugs:
        if slug not in known:
            raise ChapterError(
                f"no chapter {slug!r} in book/chapters; there are: {', '.join(known) or 'none'}"
            )
    return [read_chapter(path) for path in paths if not slugs or path.stem in slugs]


def _run(chapter: Chapter, *, root: Path) -> dict:
    outputs = run_chapter(chapter, root=root, say=lambda text: print(text, end="", flush=True))
    return {lang: compose(chapter, lang, outputs) for lang in LANGUAGES}


def _write(made: dict, *, root: Path) -> None:
    for slug, notebooks in made.items():
        for lang, notebook in notebooks.items():
            path = root / "book" / lang / f"{slug}.ipynb"
            changed = write_notebook(notebook, path)
            print(f"{path.relative_to(root)}: {'written' if changed else 'as it was'}")


def _publish(made: dict, *, root: Path) -> None:
    fresh = {
        Path("book", lang, f"{slug}.ipynb"): notebook
        for slug, notebooks in made.items()
        for lang, notebook in notebooks.items()
    }
    staged = root / "_build" / "stage"
    stage(root, staged, fresh=fresh)
    print("building the site ...", flush=True)
    site = build(staged, root)
    print(f"\nThe site: {site / 'index.html'}")
    for slug, notebooks in made.items():
        for line in result_lines(notebooks["en"]):
            print(f"{slug}: {line}")


def result_lines(notebook: dict) -> list[str]:
    """What the cells tagged ``result`` printed: the numbers `make book` ends with."""
    found = []
    for cell in notebook.cells:
        if "result" in cell.metadata.get("tags", []):
            for output in cell.outputs:
                found += output.get("text", output.get("data", {}).get("text/plain", "")).splitlines()
    return found


def _check(chapters: list[Chapter], *, root: Path) -> int:
    problems = [problem for chapter in chapters for problem in check_chapter(chapter)]
    problems += [problem for chapter in chapters for problem in check_notebooks(chapter, root=root)]
    print("\n".join(problems) or f"{len(chapters)} chapters: nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
