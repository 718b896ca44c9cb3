"""The commands for those who teach: list the parameters of a chapter, run it with others, sweep, make slides."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes, Positional, UseAppendAction

from mlmtutor.model.messages import show
from mlmtutor.model.packages import PackagesMissing
from mlmtutor.teach.sources import Refused, choose_chapter, find_source, read_table

if TYPE_CHECKING:
    from mlmtutor.teach.chapters import Chapter
    from mlmtutor.teach.parameters import Parameter

PACKAGES = (
    "papermill",
    "jupytext",
    "nbformat",
    "nbclient",
    "ipykernel",
)  # the extra `teach` of pyproject.toml
SLIDES_PACKAGES = {"nbconvert": "nbconvert", "sphinx_revealjs": "sphinx-revealjs"}  # of the extra `slides`
MOST_JOBS = 64
Assignments = UseAppendAction[Annotated[tuple[str, ...], tyro.conf.arg(aliases=["-p"], metavar="NAME=VALUE")]]
Profile = Annotated[str, tyro.conf.arg(metavar="{mini,full,auto}")]
Chosen = Positional[Annotated[str, tyro.conf.arg(metavar="CHAPTER")]]
Output = Annotated[str, tyro.conf.arg(aliases=["-o"], metavar="PATH")]
Lang = Literal["en", "zh"]


@dataclass(frozen=True)
class ParamsOptions:
    """What to list."""

    chapter: Chosen = ""  # 03_chunking, chunking or 3; all chapters if it is left out
    lang: Lang = "en"  # language of the meanings
    json: bool = False  # print JSON, with both languages
    traceback: bool = False  # show where an error came from


@dataclass(frozen=True)
class RunOptions:
    """What to run, and with which values."""

    chapter: Chosen  # 03_chunking, chunking or 3
    set: Assignments = ()  # value of a parameter; -p again for the next
    lang: Lang = "en"  # language of the prose
    profile: Profile = ""  # the same as -p PROFILE=...
    output: Output = ""  # the executed notebook; CHAPTER-run.ipynb if it is left out
    traceback: bool = False  # show where an error came from


@dataclass(frozen=True)
class SweepOptions:
    """What to run, and with which combinations of values."""

    chapter: Chosen  # 03_chunking, chunking or 3
    set: Assignments = ()  # values: 0.15,0.3 or 1..3; a text is never cut, -p again adds one
    lang: Lang = "en"  # language of the prose
    profile: Profile = ""  # the same as -p PROFILE=...
    jobs: Annotated[int, tyro.conf.arg(aliases=["-j"])] = 1  # runs at the same time
    output: Output = ""  # folder for notebooks, table and figure; CHAPTER-sweep if it is left out
    traceback: bool = False  # show where an error came from


@dataclass(frozen=True)
class SlidesOptions:
    """Which chapter, in which language, with the outputs of which notebook."""

    chapter: Chosen  # 03_chunking, chunking or 3
    lang: Lang = "en"  # language of the slides
    notebook: Annotated[str, tyro.conf.arg(metavar="PATH")] = ""  # run by `mlmtutor run`, for its outputs
    output: Annotated[str, tyro.conf.arg(aliases=["-o"], metavar="DIR")] = ""  # CHAPTER-slides if left out
    traceback: bool = False  # show where an error came from


def params(settings: FlagCreatePairsOff[OmitArgPrefixes[ParamsOptions]]) -> None:
    """List the parameters of a chapter: type, default, range and meaning."""
    from mlmtutor.teach.listing import list_parameters

    table = read_table()
    if settings.chapter:
        slug = choose_chapter(settings.chapter, table)
        table = {slug: table[slug]}
    listed = (
        json.dumps(table, ensure_ascii=False, indent=2)
        if settings.json
        else list_parameters(table, settings.lang)
    )
    try:
        print(listed, flush=True)
    except BrokenPipeError:  # such as of `mlmtutor params | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(settings: FlagCreatePairsOff[OmitArgPrefixes[RunOptions]]) -> None:
    """Run a chapter with other parameters; keep its notebook, and its results as JSON beside it."""
    require_packages()
    from mlmtutor.teach.guards import find_problem
    from mlmtutor.teach.parameters import read_values
    from mlmtutor.teach.progress import CellProgress, Progress
    from mlmtutor.teach.run import CellFailed, complete, run_chapter

    chapter, parameters, given = _open(settings)
    twice = [f"{name} is given {len(texts)} times" for name, texts in given.items() if len(texts) > 1]
    if twice:
        raise Refused([f"{problem}: for several values there is `mlmtutor sweep`" for problem in twice])
    values = {name: found[0] for name, found in read_values(chapter, parameters, given).items()}
    if problem := find_problem(chapter, complete(chapter, values)):
        raise Refused([problem])
    output = Path(settings.output or f"{chapter.slug}-run.ipynb")
    result = output.parent / "result.json"
    progress = Progress()
    watch = CellProgress(progress)
    try:
        found = run_chapter(chapter, values, lang=settings.lang, output=output, result=result, watch=watch)
    except CellFailed as error:
        progress.close()
        print(f"\n{watch.last}\n\n{error.screen}\n", file=sys.stderr)
        raise
    finally:
        progress.close()
    print(*found["printed"], sep="\n") if found["printed"] else print("this chapter prints no result")
    print(f"{found['seconds']:.0f} s; notebook and results: {show(output)}, {show(result)}")


def sweep(settings: FlagCreatePairsOff[OmitArgPrefixes[SweepOptions]]) -> None:
    """Run a chapter for each combination of some values; keep notebooks, a table and a figure.

    The same command again goes on with what is left. Finished runs are not repeated.
    """
    require_packages()
    from filelock import FileLock, Timeout

    from mlmtutor.teach.grid import expand_ranges, plan_runs
    from mlmtutor.teach.guards import find_problem
    from mlmtutor.teach.parameters import read_values
    from mlmtutor.teach.progress import Progress
    from mlmtutor.teach.run import complete
    from mlmtutor.teach.sweep import Sweep

    chapter, parameters, given = _open(settings)
    if not 1 <= settings.jobs <= MOST_JOBS:
        raise Refused([f"jobs must be in [1, {MOST_JOBS}], got {settings.jobs}"])
    values = read_values(chapter, parameters, expand_ranges(parameters, given))
    runs = plan_runs(chapter, values, lang=settings.lang)
    if problems := [
        f"{one.name}: {found}"
        for one in runs
        if (found := find_problem(chapter, complete(chapter, one.values)))
    ]:
        raise Refused(problems)
    folder = Path(settings.output or f"{chapter.slug}-sweep")
    _make_folder(folder)
    the_sweep = Sweep(chapter, runs, lang=settings.lang, folder=folder)
    progress = Progress()
    try:
        with FileLock(folder / ".lock", timeout=0):
            num_done = the_sweep.load()
            if num_done:
                progress.keep(f"{num_done} of {len(runs)} runs are done already")
            the_sweep.write()
            the_sweep.run(num_jobs=settings.jobs, progress=progress)
    except Timeout:
        raise Refused([f"another sweep writes to {show(folder)}"]) from None
    except KeyboardInterrupt as stop:
        num_done = sum(one.is_done for one in runs)
        raise type(stop)(
            f"stopped; {num_done} of {len(runs)} runs are done; the same command goes on where it broke off"
        ) from None
    finally:
        progress.close()
    if any(one.found["has_result"] for one in runs):
        print(f"table, figure and notebooks: {show(folder)}")
    else:
        print(f"this chapter prints no result; the notebooks are in {show(folder)}")


def slides(settings: FlagCreatePairsOff[OmitArgPrefixes[SlidesOptions]]) -> None:
    """Make slides of a chapter that open from the disk: its questions, lists, code and outputs; prose is in the notes.

    Where the class is asked to guess, the output appears when a key is pressed. No answer to an exercise is in it.
    """
    _require_slides_packages()
    from mlmtutor.teach.chapters import read_chapter
    from mlmtutor.teach.slides.deck import find_committed, read_outputs, write_deck
    from mlmtutor.teach.slides.layout import make_slides

    chapter = read_chapter(find_source(settings.chapter))
    path = Path(settings.notebook) if settings.notebook else find_committed(chapter, settings.lang)
    outputs = read_outputs(path, chapter) if path else {}
    found = make_slides(chapter, settings.lang, outputs)
    page = write_deck(found, chapter, settings.lang, Path(settings.output or f"{chapter.slug}-slides"))
    print(f"{len(found)} slides: {show(page)}; S opens the speaker's notes")
    if not path:
        print(
            f"without outputs: mlmtutor run {chapter.slug} -o x.ipynb, then mlmtutor slides {chapter.slug} --notebook x.ipynb"
        )
    elif changed := sum(cell.id not in outputs for cell in chapter.code):
        print(
            f"{changed} of {len(chapter.code)} cells are not in {show(path)} as they are now: without outputs"
        )


def require_packages() -> None:
    """Check that the packages which run a notebook are there.

    Raises:
        PackagesMissing: If one is not; the line names the command that helps.
    """
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        names = " ".join(missing)
        raise PackagesMissing(
            f"to run chapters, expected {', '.join(missing)}, found none: pip install {names}"
        )


def _require_slides_packages() -> None:
    require_packages()
    missing = [package for module, package in SLIDES_PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise PackagesMissing(
            f"to make slides, expected {', '.join(missing)}, found none: pip install {' '.join(missing)}"
        )


def _open(settings: RunOptions | SweepOptions) -> tuple[Chapter, list[Parameter], dict[str, list[str]]]:
    """Return the chapter, its parameters, and the values as they were typed."""
    from mlmtutor.hub.profile import choose_profile
    from mlmtutor.teach.chapters import read_chapter
    from mlmtutor.teach.parameters import read_parameters, split_assignments

    chapter = read_chapter(find_source(settings.chapter))
    given = split_assignments(settings.set)
    if settings.profile:
        if "PROFILE" in given:
            raise Refused(["PROFILE is given twice, by -p and by --profile"])
        given["PROFILE"] = [settings.profile]
    parameters = read_parameters(chapter, read_table().get(chapter.slug))
    if any(parameter.name == "PROFILE" for parameter in parameters):
        # decided once, since runs with different models cannot be compared
        texts = given.get("PROFILE", ["auto"])
        given["PROFILE"] = [choose_profile().name if text == "auto" else text for text in texts]
    return chapter, parameters, given


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".lock").touch()
    except OSError as error:
        raise Refused([f"cannot write to {show(folder)}: {error.strerror or error}"]) from None
