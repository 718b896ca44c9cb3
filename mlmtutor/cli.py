"""The command ``mlmtutor``: adapt a model to texts, see what this machine can do, and run chapters of the course."""

from __future__ import annotations

import logging
import signal
import sys
import traceback as tracebacks
import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field, fields
from functools import partial, wraps
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Annotated

from mlmtutor.hub.problems import REMEDIES, show_endpoint
from mlmtutor.model.messages import printable
from mlmtutor.model.packages import (
    INSTALL_MINI,
    INSTALL_ZH,
    MINI_MODEL,
    MINI_REVIEWS,
    ZH_SEGMENTER,
    ZH_TEXTS,
    check_packages,
    explain_import_error,
    find_module,
    find_package_problem,
    find_version,
    list_declared,
    reinstall,
)

NOT_STARTED: Exception | None = None  # what keeps `adapt` from starting
try:
    import tyro
    from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes

    from mlmtutor.adapt import AdaptSettings, adapt_model
    from mlmtutor.masks.masking import MaskingSettings
    from mlmtutor.teach import commands as teaching
    from mlmtutor.teach.assignments import commands as assigning
    from mlmtutor.training.checkpoints import is_main_process
except Exception as error:  # packages are missing or damaged; `doctor` says which, and does without them
    NOT_STARTED = error
    AdaptSettings = MaskingSettings = object

PACKAGE = Path(__file__).parent
DESCRIPTION = "Adapt a masked language model to a new domain."
LONGEST_MESSAGE = 300  # characters
TEACHING = ("params", "run", "sweep", "slides", "assignment", "grade")  # commands of the wing `teach`
STOPPED, TERMINATED = 130, 143  # exit status, as shells have it: 128 and the number of the signal


@dataclass(frozen=True)
class MaskingOptions(MaskingSettings):
    """The settings as they were typed."""

    def __post_init__(self) -> None:
        """Leave the check to :class:`MaskingSettings`, whose message is one line."""


@dataclass(frozen=True)
class AdaptOptions(AdaptSettings):
    """What to adapt to, how much of it, and how."""

    masking: MaskingOptions = field(default_factory=MaskingOptions)  # what is masked, and how
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("adapted")  # folder for model and report
    restart: bool = False  # start over, whatever an earlier run left in the folder
    traceback: bool = False  # show where an error came from

    def __post_init__(self) -> None:
        """Leave the check to :class:`AdaptSettings`, whose message is one line."""

    def checked(self) -> AdaptSettings:
        """Return the settings, checked."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(AdaptSettings)}
        return AdaptSettings(**values | {"masking": MaskingSettings(**vars(self.masking))})


def adapt(settings: FlagCreatePairsOff[OmitArgPrefixes[AdaptOptions]]) -> None:
    """Adapt a checkpoint to texts; print its perplexity before and after on held-out texts.

    The same command again, without --restart, goes on with a run that broke off.
    """
    again = "the same command without --restart" if settings.restart else "the same command"
    with _one_line_errors(traceback=settings.traceback, again=again):
        check_packages()
        _quiet_libraries()
        _show_what_happens()
        report = adapt_model(settings.checked(), output_dir=settings.output, restart=settings.restart)
        if is_main_process():
            print(report)
            print(f"model, card, report and loss curve: {settings.output}")


def _guard(command: Callable[..., None]) -> Callable[..., None]:
    """Let the errors of a command for those who teach be one line each."""

    @wraps(command)
    def guarded(settings: object) -> None:
        with _one_line_errors(traceback=settings.traceback, again="the same command"):
            command(settings)

    return guarded


def doctor() -> None:
    """Say what is installed, where models and texts can come from, and what is missing."""
    from mlmtutor.hub.profile import choose_profile
    from mlmtutor.hub.route import find_hub_problem
    from mlmtutor.model.device import choose_precision

    def row(name: str, value: str) -> None:
        print(f"{name:<17}{value}")

    for package in ("mlmtutor", "torch", "transformers", "datasets", "accelerate", "huggingface_hub"):
        row(package, find_version(package) or "not installed")
    warnings.simplefilter("ignore")  # of libraries that miss others
    package_problem = _find_package_problem()
    row("packages", "incomplete, see below" if package_problem else "all there")
    hub_problem = "not asked"
    try:
        profile, precision, hub_problem = choose_profile(), choose_precision(), find_hub_problem()
    except Exception:
        if not package_problem:
            raise
    else:
        row("device", f"{profile.device}, trains in {precision}")
        row("profile", f"{profile.name} ({profile.reason})")
        row("the Hub", hub_problem or f"{show_endpoint()} answers")
    offline = {"mini model": MINI_MODEL, "mini reviews": MINI_REVIEWS}
    chinese = {"Chinese texts": ZH_TEXTS, "Chinese words": ZH_SEGMENTER}
    found = {
        wanted: find_version(wanted.partition("==")[0]) for wanted in [*offline.values(), *chinese.values()]
    }
    for what, wanted in (offline | chinese).items():
        package = wanted.partition("==")[0]
        row(what, f"{package} {found[wanted]}" if found[wanted] else f"missing: {package}")
    missing = [wanted for wanted in offline.values() if not found[wanted]]
    if missing:
        print(f"\nto work offline: {INSTALL_MINI}")
    if not all(found[wanted] for wanted in chinese.values()):
        print(f"\nfor Chinese: {INSTALL_ZH}")
    if hub_problem and not package_problem:
        print(f"\nwithout the Hub: {REMEDIES}")
    if package_problem:
        _say(package_problem)
    elif missing and hub_problem:
        _say("no route to a model or to reviews: neither offline nor from the Hub")
    else:
        return
    sys.exit(1)


def _find_package_problem() -> str | None:
    """Say what is missing, too old or damaged; each declared package is imported."""
    if problem := find_package_problem() or find_package_problem(deep=True):
        return problem
    for package in list_declared():
        try:
            import_module(find_module(package))
        except Exception as error:
            return explain_import_error(error) or f"cannot import {package}: {error} ({reinstall(package)})"
    return None


class _Terminated(KeyboardInterrupt):
    """The system asks the process to end."""


def _terminate(number: int, frame: object) -> None:
    raise _Terminated


@contextmanager
def _one_line_errors(*, traceback: bool, again: str) -> Iterator[None]:
    """Turn whatever goes wrong into one line on standard error and an exit status."""
    try:
        before = signal.signal(signal.SIGTERM, _terminate)
    except ValueError:  # not the main thread, which alone hears signals
        before = None
    try:
        yield
    except KeyboardInterrupt as stop:
        _say(str(stop) or f"stopped; {again} goes on where it broke off")
        sys.exit(TERMINATED if isinstance(stop, _Terminated) else STOPPED)
    except Exception as error:
        if traceback:
            raise
        for problem in getattr(error, "problems", None) or [_describe(error)]:
            _say(problem)
        sys.exit(1)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _say(message: str) -> None:
    """Print one line on standard error: no line ends or control characters, and the middle of a long one left out."""
    line = printable(" ".join(message.split()))
    if len(line) > LONGEST_MESSAGE:
        line = f"{line[: LONGEST_MESSAGE - 100]} ... {line[-95:]}"
    print(f"mlmtutor: {line}", file=sys.stderr)


def _describe(error: Exception) -> str:
    """Return what an error says; if the package did not raise it on purpose, with the place that it comes from."""
    frames = tracebacks.extract_tb(error.__traceback__)
    on_purpose = PACKAGE in Path(frames[-1].filename).parents and (frames[-1].line or "").startswith("raise ")
    if on_purpose and isinstance(error, ImportError):
        return str(error)
    if problem := explain_import_error(error):
        return problem
    if on_purpose or isinstance(error, OSError):
        return str(error)
    if problem := find_package_problem(deep=True):  # a library that misses another one may fail in any way
        return problem
    here = [frame for frame in frames if PACKAGE in Path(frame.filename).parents][-1]
    place = f"{Path(here.filename).relative_to(PACKAGE.parent)}, line {here.lineno}"
    return f"unexpected {type(error).__name__} in {place}: {error!s:.150} (--traceback shows the rest)"


def _show_what_happens() -> None:
    """Print what the package logs: what was read and done on standard output, doubts on standard error."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING:
                _say(f"doubtful: {record.getMessage()}")
            elif is_main_process():
                print(record.getMessage(), flush=True)

    logger = logging.getLogger("mlmtutor")
    logger.handlers, logger.propagate = [Handler()], False
    logger.setLevel(logging.INFO)


def _quiet_libraries() -> None:
    """Keep the libraries' own bars and warnings out of the output."""
    import datasets
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show must not end a run
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if NOT_STARTED is None:
        _parse(arguments)()
    elif _parse_alone(arguments) == doctor.__name__:
        doctor()
    else:
        _say(_describe(NOT_STARTED))
        sys.exit(1)


def _parse(arguments: list[str] | None) -> Callable[[], None]:
    """Return the call that was asked for; what cannot be understood is one line and exit status 2."""
    calls = []

    def deferred(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def note(*values: object, **named: object) -> None:
            calls.append(partial(command, *values, **named))

        return note

    box = StringIO()
    try:
        with redirect_stderr(box):
            tyro.extras.subcommand_cli_from_dict(
                {command.__name__: deferred(command) for command in _list_commands()},
                prog="mlmtutor",
                description=DESCRIPTION,
                args=arguments,
            )
    except SystemExit as end:
        if end.code:
            # without the frame, whose upper edge only repeats the first words
            lines = [line.strip("│─ ") for line in box.getvalue().splitlines() if line[:1] not in "╭╰"]
            _say(" ".join(lines))
        raise
    return calls[0]


def _list_commands() -> list[Callable[..., None]]:
    rooms = vars(assigning) | vars(teaching)
    return [adapt, doctor, *(_guard(rooms[name]) for name in TEACHING)]


def _parse_alone(arguments: list[str] | None) -> str:
    """Return the name of the command that was asked for, with nothing but Python's own library."""
    parser = ArgumentParser(prog="mlmtutor", description=DESCRIPTION, epilog=_describe(NOT_STARTED))
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (adapt, doctor):
        what = command.__doc__.partition("\n")[0]
        commands.add_parser(command.__name__, help=what, description=what, epilog=parser.epilog)
    for name in TEACHING:
        commands.add_parser(name, help="for those who teach", epilog=parser.epilog)
    return parser.parse_known_args(arguments)[0].command


if __name__ == "__main__":
    main()
