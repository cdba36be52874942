"""The commands without the app; expected errors become one line and an exit code."""

import signal
import sys
import threading
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

import click

from engine.errors import PrefmapError
from engine.visible import visible

COMMANDS = {
    "import": "engine.commands.import_:import_",
    "score": "engine.commands.score:score",
    "references": "engine.commands.references:references",
    "import-scores": "engine.commands.import_scores:import_scores",
    "map": "engine.commands.map_:map_",
    "build": "engine.commands.build:build",
    "assign": "engine.commands.assign:assign",
    "queue": "engine.commands.queue:queue",
    "show": "engine.commands.show:show",
    "verdict": "engine.commands.verdict:verdict",
    "report": "engine.commands.report:report",
    "export": "engine.commands.export:export",
    "verify": "engine.commands.verify:verify",
    "replay": "engine.commands.replay:replay",
    "log": "engine.commands.log:log",
    "doctor": "engine.commands.doctor:doctor",
    "gain": "engine.commands.gain:gain",
    "bench": "engine.commands.bench:bench",
    "list": "engine.commands.list_:list_",
    "completion": "engine.commands.completion:completion",
}
"""Import paths by name, in the order of the work."""

FAILED, INTERRUPTED = 1, 130


class Commands(click.Group):
    """A group whose commands are imported when they are needed, and listed in the order of the work."""

    paths: dict[str, str] = COMMANDS

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.paths, *(name for name in super().list_commands(ctx) if name not in self.paths)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.paths:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.paths[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]}?", ctx) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="prefmap", message="prefmap %(version)s")
def prefmap() -> None:
    """Find the wrong labels in a preference dataset, fix them, and export the subset worth training on.

    \b
    The one-line start:   prefmap train.jsonl
    Step by step:         prefmap import, score, map, review, export
    """  # noqa: D301 - click reads the control character


def run(group: click.Group, arguments: Sequence[str]) -> int:
    """Run the commands and give the exit code: 0 done, 1 expected failure, 2 usage, 3 in part, 130 interrupted."""
    _end_in_order()
    try:
        return int(group.main(list(arguments), prog_name="prefmap", standalone_mode=False) or 0)
    except PrefmapError as error:
        click.echo(f"prefmap: {visible(str(error))}", err=True)
        return FAILED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("prefmap: interrupted. What was done is kept; run the same command again to go on.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED
    except OSError as error:
        click.echo(f"prefmap: {visible(str(error.filename or 'a file'))}: {error.strerror or error}.", err=True)
        return FAILED


def _end_in_order() -> None:
    """Let SIGTERM and SIGHUP end a command as ctrl+c does: what was done is written, what was begun is removed."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)


def leave(code: int) -> NoReturn:
    """Exit; what ends the process while libraries put their things away ends it without a word of theirs.

    A signal that was ignored, as under nohup, is so to the end.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    sys.exit(code)


def main() -> None:
    """Run without the app: `python -m engine`."""
    leave(run(prefmap, sys.argv[1:]))
