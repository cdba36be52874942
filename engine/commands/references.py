"""The command: prefmap references."""

from __future__ import annotations

from pathlib import Path

import click

from engine.commands.console import PROJECT, narrate, progress_bar

PARTLY_DONE = 3


@click.command(
    epilog="Example: prefmap references pairs.prefmap --model gpt-4o -o references.jsonl, "
    "then prefmap score pairs.prefmap --scorer 'reference?file=references.jsonl'"
)
@PROJECT
@click.option("--model", required=True, help="Who answers, behind any OpenAI-compatible server.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file of references, .jsonl")
@click.option("--base-url", default="", help="The server; else OPENAI_BASE_URL.")
@click.option("--api-key-env", default="OPENAI_API_KEY", show_default=True, help="The variable that holds the key.")
@click.option("--max-tokens", type=click.IntRange(min=1), default=1024, show_default=True, help="Of each answer.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask for no more than so many now.")
@click.option("--budget", type=click.FloatRange(min=0), help="Spend no more than so many USD now; needs the prices.")
@click.option("--input-price", type=click.FloatRange(min=0), default=0.0, help="USD per million tokens sent.")
@click.option("--output-price", type=click.FloatRange(min=0), default=0.0, help="USD per million tokens written.")
@click.pass_context
def references(
    context: click.Context,
    project: Path,
    model: str,
    output: Path,
    base_url: str,
    api_key_env: str,
    max_tokens: int,
    limit: int | None,
    budget: float | None,
    input_price: float,
    output_price: float,
) -> None:
    """Ask a model for a reference answer to each prompt.

    The reference scorer reads them. Every answer is written as it comes; the same command asks for what is missing or
    failed.
    """
    from engine.endpoints.costs import Prices
    from engine.endpoints.settings import find_endpoint
    from engine.project import Project
    from engine.referencing import Asking, write_references

    if output.suffix != ".jsonl":
        raise click.UsageError(f"{output} must end in .jsonl: rows are added to it as they come.")
    prices = Prices(input_price, output_price, input_price) if input_price or output_price else None
    asking = Asking(find_endpoint(model, base_url, api_key_env, 90.0), max_tokens, limit, prices, budget)
    with progress_bar(f"references of {model}") as tell:
        done = write_references(Project.open(project), output, asking, progress=tell, tell=narrate)
    cost = f", ${done.cost:,.2f} spent" if prices else ""
    narrate(
        f"{output}: {done.written:,} of {done.prompts:,} prompts have a reference, {done.failed:,} failed now{cost}."
    )
    if done.missing:
        context.exit(PARTLY_DONE)
