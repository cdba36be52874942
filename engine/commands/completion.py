"""The command: prefmap completion."""

from __future__ import annotations

import click

from engine.commands.console import say

VARIABLE = "_PREFMAP_COMPLETE"
"""Set by the shell when it asks what may come next; click answers."""


@click.command(epilog='Example: prefmap completion bash >> ~/.bashrc   (zsh: eval "$(prefmap completion zsh)")')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what your shell completes prefmap with.

    It completes commands, options and their choices; a shell started afterwards has it.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    say(kind(context.find_root().command, {}, "prefmap", VARIABLE).source())
