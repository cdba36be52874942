"""What commands share: words to stderr, data to stdout, progress bars, and the options they have in common."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click
from click.core import ParameterSource

from engine.visible import visible

PROJECT = click.argument("project", type=click.Path(path_type=Path))
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")

TOKENIZER = click.option("--tokenizer", metavar="NAME|FOLDER", help="Tell what TRL drops or cuts with this tokenizer.")
MAX_LENGTH = click.option(
    "--max-length", type=click.IntRange(min=1), default=1024, show_default=True, help="In tokens, for --tokenizer."
)

PREFIX_SHOWN = 8
"""Digits of an id that are shown to people; any unique prefix is accepted."""


REDRAW, SECONDS_A_LINE = 0.1, 60.0
"""Seconds between two states of a progress bar on a terminal, and between two lines elsewhere."""


class Progress(Protocol):
    """Told how much of how much is done, and what else there is to say."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


def check_length(context: click.Context, tokenizer: str | None) -> None:
    """Refuse a length that would count for nothing."""
    if tokenizer is None and context.get_parameter_source("max_length") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--max-length needs --tokenizer.", context)


def narrate(text: str) -> None:
    """Tell the person something, on stderr."""
    click.echo(visible(text) if sys.stderr.isatty() else text, err=True)


def say(text: str) -> None:
    """Print data for people, on stdout; on a terminal nothing in it can act."""
    click.echo(visible(text) if sys.stdout.isatty() else text)


def say_json(value: dict[str, Any]) -> None:
    """Print one JSON object in ASCII, on stdout."""
    click.echo(json.dumps(value, allow_nan=False))


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """Show done of total with the time left, on stderr: a bar on a terminal, elsewhere a line a minute."""
    is_terminal = sys.stderr.isatty()
    shown = time.monotonic()
    with click.progressbar(length=1, label=label, file=sys.stderr, show_pos=True, update_min_steps=1) as bar:

        def tell(done: int, total: int, note: str = "") -> None:
            nonlocal shown
            if time.monotonic() - shown < (REDRAW if is_terminal else SECONDS_A_LINE) and done < total:
                return
            shown = time.monotonic()
            if not is_terminal:
                if note and done < total:
                    narrate(f"{label}: {done:,} of {total:,}, {note}")
                return
            bar.length = max(total, 1)
            bar.label = f"{label}: {note}" if note else label
            bar.show_eta = "left" not in note
            bar.update(done - bar.pos)
            bar.render_progress()

        yield tell


def narrate_over(text: str) -> None:
    """Tell the person something while a progress bar is up: on a line of its own."""
    if sys.stderr.isatty():
        click.echo("\r\x1b[2K", nl=False, err=True)
    narrate(text)


def agree(question: str, *, yes: bool) -> bool:
    """Say what will be spent, and on a terminal ask whether to; elsewhere, or with --yes, go on."""
    narrate_over(question)
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    return click.confirm("Go on?", default=True, err=True)


def short_id(sample_id: str) -> str:
    """Shorten an id; the number that tells duplicates apart stays."""
    content, dash, copy = sample_id.partition("-")
    return content[:PREFIX_SHOWN] + dash + copy


def number(value: float | None, digits: int = 3) -> str:
    """Write a number for people; `--` where there is none."""
    return "--" if value is None else f"{value:.{digits}f}"
