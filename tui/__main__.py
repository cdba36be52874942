"""The console script `prefmap`: all commands, with the app."""

import sys

from engine.cli import leave, prefmap, run
from tui.commands import WithApp


def main() -> None:
    """Run prefmap, and leave with its exit code."""
    group = WithApp(name="prefmap", help=prefmap.help, params=prefmap.params, context_settings=prefmap.context_settings)
    leave(run(group, sys.argv[1:]))


if __name__ == "__main__":
    main()
