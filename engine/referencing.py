"""References: ask a model for an answer to each prompt, into a file that the reference scorer reads."""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from engine.endpoints.calling import Caller
from engine.endpoints.completions import finish_of, message_of, text_of
from engine.endpoints.costs import Prices, Purse
from engine.endpoints.driving import drive
from engine.endpoints.outcomes import Reply, Request
from engine.endpoints.pace import Pace
from engine.endpoints.settings import Endpoint
from engine.errors import ScorerRefusedError
from engine.logs import Line, Log, read_log
from engine.project import Project
from engine.records import Message, Sample
from engine.sources import SourceReader
from engine.turns import write_message

Progress = Callable[[int, int, str], None]
Tell = Callable[[str], None]


class Asking(NamedTuple):
    """How a model is asked."""

    endpoint: Endpoint
    max_tokens: int = 1024
    """As the paper's authors had it."""

    limit: int | None = None
    """Ask for no more than so many references now."""

    prices: Prices | None = None
    budget: float | None = None
    """In USD."""

    pace: Pace | None = None


class Referenced(NamedTuple):
    """What the file holds now."""

    prompts: int
    """Different ones that can be asked."""

    written: int
    failed: int
    """In this run."""

    cost: float

    @property
    def missing(self) -> int:
        return self.prompts - self.written


def write_references(
    project: Project, output: Path, asking: Asking, *, progress: Progress = lambda *_: None, tell: Tell = lambda _: None
) -> Referenced:
    """Ask for the references that the file lacks; each is written as it comes, and the same call goes on later."""
    if asking.budget is not None and asking.prices is None:
        raise ScorerRefusedError("--budget needs the prices of the model: --input-price and --output-price.")
    prompts = dict(_list_prompts(SourceReader(project)))
    had = _read_done(output) & prompts.keys()
    lacking = [prompt_id for prompt_id in prompts if prompt_id not in had][: asking.limit]
    purse = Purse(asking.prices, asking.budget)
    written, failed = len(had), 0
    progress(written, len(prompts), "")
    with Log(output) as log:
        for reply in drive(_ask(asking, purse, ((one, prompts[one]) for one in lacking), tell)):
            line = _write(reply, asking.endpoint.model)
            written += line["reference"] is not None
            failed += line["reference"] is None
            log.append(line)
            spent = f"${purse.spent:,.2f}" if asking.prices else ""
            progress(written, len(prompts), ", ".join(filter(None, (f"{failed:,} failed" if failed else "", spent))))
    return Referenced(len(prompts), written, failed, purse.spent)


def _list_prompts(samples: Iterable[Sample]) -> Iterator[tuple[str, tuple[Message, ...]]]:
    """Yield each prompt that ends with a question, by its id."""
    for sample in samples:
        if sample.prompt and sample.prompt[-1].role in ("user", "tool"):
            yield sample.prompt_id, sample.prompt


def _read_done(output: Path) -> set[str]:
    if not output.exists():
        return set()
    return {str(line.get("prompt_id")) for line in read_log(output).lines if line.get("reference") is not None}


async def _ask(
    asking: Asking, purse: Purse, prompts: Iterable[tuple[str, tuple[Message, ...]]], tell: Tell
) -> AsyncGenerator[list[Reply], None]:
    requests = (
        Request(
            prompt_id,
            {
                "model": asking.endpoint.model,
                "messages": [write_message(turn) for turn in prompt],
                "max_tokens": asking.max_tokens,
            },
        )
        for prompt_id, prompt in prompts
    )
    async with Caller(asking.endpoint, asking.pace or Pace(), purse, tell=tell) as caller:
        async for replies in caller.complete(requests):
            yield replies


def _write(reply: Reply, model: str) -> Line:
    """Make a row of the file; an answer that was cut short is one, and says so."""
    finish = finish_of(reply.body) if reply.body else ""
    text = text_of(message_of(reply.body)).strip() if reply.body and finish != "content_filter" else ""
    line: dict[str, object] = {"prompt_id": reply.name, "reference": text or None, "model": model}
    if not text:
        line["reason"] = reply.reason or finish or "the model said nothing"
    elif finish == "length":
        line["truncated"] = True
    return line
