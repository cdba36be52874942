"""The command: prefmap list."""

from __future__ import annotations

import inspect
from importlib import import_module

import click

from engine.commands.console import say


@click.command("list", epilog="Example: prefmap list scorers")
@click.argument("what", type=click.Choice(["formats", "scorers", "policies"]))
def list_(what: str) -> None:
    """List the dataset formats, scorers or selection policies."""
    from engine.formats.catalog import FORMATS, VERBATIM, WRITERS
    from engine.scorers.catalog import kinds
    from engine.selecting import POLICIES

    if what == "policies":
        named = {policy.name: policy.summary for policy in POLICIES}
    elif what == "scorers":
        named = {name: _summary(path) for name, path in kinds().items()}
    else:
        named = {f"{name} (read)": _summary(path) for name, path in FORMATS.items()}
        named |= {f"{name} (written)": _summary(path) for name, path in WRITERS.items()}
        named |= {f"{name} (written)": summary for name, summary in VERBATIM.items()}
    width = max(map(len, named))
    for name, summary in named.items():
        say(f"{name:{width}}  {summary}")


def _summary(path: str) -> str:
    module, _, attribute = path.partition(":")
    return (inspect.getdoc(getattr(import_module(module), attribute)) or "").splitlines()[0]
