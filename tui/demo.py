"""The command: prefmap demo."""

from __future__ import annotations

import os
from pathlib import Path

import click

from engine.errors import SourceUnreadableError

DATA = Path("sample_data") / "helpful_pairs.jsonl"


@click.command(epilog="Example: prefmap demo")
def demo() -> None:
    """Review the sample data, in a project in your cache.

    400 pairs that come with prefmap, some of them with the label exchanged. The project is made the first time and kept
    with your verdicts; delete the folder to start afresh.
    """
    from engine.commands.build import build_project
    from engine.commands.console import narrate
    from engine.project import Project
    from tui.commands import check_terminal, review_project

    folder = demo_folder()
    check_terminal(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not (folder / "map.duckdb").exists():
        build_project([str(find_sample_data())], folder)
    narrate(f"The sample project lies in {folder}.")
    click.get_current_context().exit(review_project(Project.open(folder)))


def demo_folder() -> Path:
    """Say where the sample project lies."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "prefmap" / "demo.prefmap"


def find_sample_data() -> Path:
    """Find the sample pairs: inside the installed package, or at the top of a clone."""
    import engine

    package = Path(engine.__file__).parent
    for path in (package / DATA, package.parent / DATA):
        if path.exists():
            return path
    raise SourceUnreadableError(f"This install has no sample data: {package / DATA} is missing. Install prefmap again.")
