"""The command: prefmap verify."""

from __future__ import annotations

from pathlib import Path

import click

from engine.commands.console import MAX_LENGTH, TOKENIZER, check_length, narrate


@click.command(epilog="Example: prefmap verify train.jsonl")
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--project", type=click.Path(path_type=Path), help="Its project, if it is not beside it or here.")
@TOKENIZER
@MAX_LENGTH
@click.pass_context
def verify(context: click.Context, output: Path, project: Path | None, tokenizer: str | None, max_length: int) -> None:
    """Check an export against its manifest.

    Its bytes and counts, and each row as its trainer would read it. Where its project is found, its review logs must
    still begin with the lines that the export was made from.

    With --tokenizer, TRL itself prepares the rows as it would to train on them (formats trl, trl-standard and kto).
    """
    from engine.verifying import try_trl, verify_logs
    from engine.verifying import verify as run

    check_length(context, tokenizer)
    done = run(output)
    narrate(f"{done.output}: {done.rows:,} rows, as its manifest says.")
    found = verify_logs(output, project)
    where = f"in {found.path} are those it was made from" if found else "were not checked; name the --project"
    narrate(f"  its review logs {where}.")
    if tokenizer:
        tried = try_trl(output, tokenizer, max_length)
        narrate(
            f"  TRL kept {tried.kept:,} of {done.rows:,} rows at {max_length:,} tokens, and would cut {tried.cut:,}."
        )
