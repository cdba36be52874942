"""The commands that need the app: `prefmap review`, and the bare `prefmap FILE`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import click

from engine.cli import Commands
from engine.commands.console import PROJECT, narrate
from engine.commands.queue import ORDERS
from engine.errors import PrefmapError, SourceUnreadableError

if TYPE_CHECKING:
    from engine.project import Project
    from engine.reviewing import Review
    from tui.session import Session


class TerminalPoorError(PrefmapError):
    """There is no terminal that the app could draw on."""


class WithApp(Commands):
    """All commands; and a file or a project by itself means: go and review it."""

    paths = {
        **Commands.paths,
        "review": "tui.commands:review",
        "open": "tui.commands:open_",
        "demo": "tui.demo:demo",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = [name for name in super().list_commands(ctx) if name not in ("open", "review")]
        after_map = names.index("map") + 1
        return [*names[:after_map], "review", *names[after_map:]]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.paths and (Path(args[0]).exists() or Path(args[0]).suffix):
            args = ["open", *args]
        return super().resolve_command(ctx, args)


SWITCH_SECONDS = 0.0005
"""After so long what is learnt beside the reading makes way for a key; Python's own 5 ms can be felt."""

REVIEW_OPTIONS = (
    click.option("--reviewer", help="Whose verdicts these are; default: your login."),
    click.option(
        "--queue", "by", type=click.Choice(ORDERS), metavar="ORDER", help=f"What goes first: {', '.join(ORDERS)}."
    ),
    click.option("--target", type=click.IntRange(min=1), help="How many you mean to read; default 1,500."),
    click.option("--blind", is_flag=True, help="Hide labels, scores and reasons until the verdict."),
    click.option("--read-only", is_flag=True, help="Look on, write nothing."),
    click.option("--low-bandwidth", is_flag=True, help="For a slow link: ASCII, no colours."),
)


@click.command(epilog="Example: prefmap review pairs.prefmap --reviewer kim --target 500")
@PROJECT
@click.pass_context
def review(
    context: click.Context,
    project: Path,
    reviewer: str | None,
    by: str | None,
    target: int | None,
    blind: bool,
    read_only: bool,
    low_bandwidth: bool,
) -> None:
    """Read the likeliest mislabels; keep or flip with one key.

    Every verdict is on the disk before the screen moves. Press ? for all keys.
    """
    from engine.project import Project

    done = review_project(
        Project.open(project),
        reviewer=reviewer,
        by=by,
        target=target,
        blind=blind,
        read_only=read_only,
        low_bandwidth=low_bandwidth,
    )
    context.exit(done)


for _option in REVIEW_OPTIONS:
    review = _option(review)


@click.command("open", hidden=True)
@click.argument("files", nargs=-1, required=True)
@click.pass_context
def open_(context: click.Context, files: tuple[str, ...]) -> None:
    """Import, score and map FILE with the embedded default, then review it."""
    from engine.commands.build import build_project
    from engine.commands.reading import name_project_of
    from engine.project import Project

    if (Path(files[0]) / "source.json").exists():
        context.exit(review_project(Project.open(Path(files[0]))))
    project = name_project_of(files[0])
    if not Path(files[0]).exists():
        raise SourceUnreadableError(f"There is no file {files[0]}, and no command of that name. See: prefmap --help")
    check_terminal(project)
    build_project(files)
    context.exit(review_project(Project.open(project)))


def check_terminal(project: Path) -> None:
    """Refuse where nothing can be drawn, and name the commands that need no terminal."""
    if os.environ.get("TERM", "") in ("", "dumb") or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise TerminalPoorError(
            f"The review needs a terminal with a screen. Without one: prefmap queue {project}, "
            f"prefmap show {project} ID and prefmap verdict {project} ID keep|flip."
        )


def review_project(
    project: Project,
    *,
    reviewer: str | None = None,
    by: str | None = None,
    target: int | None = None,
    blind: bool = False,
    read_only: bool = False,
    low_bandwidth: bool = False,
) -> int:
    """Run the app on a project; gives the exit code."""
    if low_bandwidth:
        os.environ["TEXTUAL_COLOR_SYSTEM"] = "standard"  # read by Textual when it is imported
    from engine.config import load_config
    from engine.reviewing import Review, name_reviewer
    from engine.store import Store
    from engine.verdicts.assigning import Assignment
    from engine.verdicts.outcomes import Outcomes
    from tui.browsing import BY_SUSPICION
    from tui.memory import give_back_freed
    from tui.session import Session
    from tui.turns import Serving

    check_terminal(project.path)
    give_back_freed()
    Thread(target=import_module, args=("tui.app",)).start()  # while the map is opened
    assignment = Assignment.read(project)
    config = load_config(project.path)
    configured = config.review
    with ExitStack() as stack:
        order = str(by or configured.get("queue") or "suspicion")
        store = stack.enter_context(closing(Store.open(project.map, is_lean=True, sorts=order not in BY_SUSPICION)))
        own = None if read_only else stack.enter_context(closing(Review(project, name_reviewer(reviewer, configured))))
        wanted = target or configured.get("target")
        session = Session(
            store,
            own,
            by=order,
            target=wanted if isinstance(wanted, int) else None,
            mode="blind" if blind or configured.get("mode") == "blind" else "sighted",
            serving=Serving.of(configured)._replace(assignment=assignment),
            outcomes=None if own else Outcomes.read(project.review_logs()),
        )
        sys.setswitchinterval(SWITCH_SECONDS)
        stack.enter_context(loading(session))
        from tui.app import ReviewApp
        from tui.settings import Settings
        from tui.terminal import Charset
        from tui.theme import MONOCHROME

        settings, charset = Settings.of(project, config), Charset.of_terminal()
        if low_bandwidth:
            settings, charset = replace(settings, theme=MONOCHROME.name), replace(charset, has_frames=False)
        app = ReviewApp(session, charset, settings)
        app.run(mouse=False)
        if own and own.set_aside:
            narrate(f"A line that was cut short lies in {own.set_aside} and counts for nothing.")
        if own and own.cut_short:
            narrate(
                f"{own.cut_short:,} lines of a bulk verdict that was cut short stand in the log and count for nothing."
            )
        _summarise(project, own, session)
        return app.return_code or 0


@contextmanager
def loading(session: Session) -> Iterator[None]:
    """Read the queue and its first sample while the app is imported; a failure is the screen's, which tries again."""

    def load() -> None:
        with suppress(Exception):
            session.load_once()
            session.show()

    thread = Thread(target=load)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _summarise(project: Project, own: Review | None, session: Session) -> None:
    from engine.verdicts.stopping import say_stop

    if own is None or not own.steps:
        return
    progress = session.progress()
    share = "" if progress.flip_share is None else f", {progress.flip_share:.0%} of the last ones flipped"
    narrate(f"{progress.read:,} read by {own.reviewer}{share}.")
    if session.has_share:
        narrate("The queue was a share of the samples: prefmap assign tells which is whose.")
    audit = session.audit()
    if audit and audit.residual:
        narrate(f"{str(audit.residual).capitalize()}; {say_stop(audit.found)}.")
    narrate("To write the corrected data:")
    narrate(f"  prefmap export {project.path} -o {project.path.stem}.corrected.jsonl")
