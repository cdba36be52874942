"""The batch API: leave many calls with a server, and collect the answers hours later, at a lower price."""

import json
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.endpoints.costs import Prices, Usage, read_usage
from engine.endpoints.outcomes import Reply, Request, read_answer
from engine.endpoints.settings import Endpoint
from engine.errors import EndpointError
from engine.records import content_hash

PATH = "/v1/chat/completions"
MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000
"""Of one batch."""

ENDED = {"completed", "expired", "cancelled", "failed"}
TRANSFER_SECONDS = 600.0
TRANSFER_TRIES = 3


@dataclass(slots=True)
class Part:
    """One batch, as the server knows it."""

    file: str
    """Id of the uploaded requests."""

    batch: str
    """Empty while it is not known whether the server has begun it."""

    requests: int


class Desk:
    """Where batches are left and fetched; what is under way stands in a file of the project."""

    def __init__(self, folder: Path | None, endpoint: Endpoint, tag: Sequence[str]) -> None:
        """`tag` tells the batches of one scorer from those of others."""
        self.endpoint = endpoint
        name = content_hash(endpoint.base_url, endpoint.model, *tag)
        self.path = folder / f"batch-{name}.json" if folder else None
        self.parts = self._read()

    @property
    def is_open(self) -> bool:
        """Whether batches are under way."""
        return bool(self.parts)

    def _read(self) -> list[Part]:
        if self.path is None or not self.path.exists():
            return []
        said = json.loads(self.path.read_text(encoding="utf-8"))
        return [Part(**part) for part in said["parts"]]

    def _save(self) -> None:
        assert self.path is not None
        if not self.parts:
            self.path.unlink(missing_ok=True)
            return
        parts = [{"file": one.file, "batch": one.batch, "requests": one.requests} for one in self.parts]
        said = {"base_url": self.endpoint.base_url, "model": self.endpoint.model, "parts": parts}
        aside = self.path.with_suffix(".new")
        aside.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
        aside.replace(self.path)

    async def submit(
        self, client: Any, requests: Iterable[Request], *, most: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES
    ) -> int:
        """Upload the requests and begin their batches; gives their number."""
        if self.path is None:
            raise EndpointError("A batch needs a project to keep its receipt in.")
        count = 0
        for lines in _split(requests, most, most_bytes):
            file = self.path.with_suffix(".requests.jsonl")
            file.write_bytes(b"".join(lines))
            try:
                uploaded = await self._ask(_patient(client).files.create(file=file, purpose="batch"))
            finally:
                file.unlink()
            self.parts.append(Part(uploaded.id, "", len(lines)))
            self._save()
            await self._begin(client, self.parts[-1])
            count += len(lines)
        return count

    async def _begin(self, client: Any, part: Part) -> None:
        begun = await self._ask(client.batches.create(input_file_id=part.file, endpoint=PATH, completion_window="24h"))
        part.batch = begun.id
        self._save()

    async def _find(self, client: Any, part: Part) -> None:
        """Find the batch of an upload after which the run was killed; begin it where there is none."""
        known = await self._ask(client.batches.list(limit=100))
        part.batch = next((one.id for one in known.data if one.input_file_id == part.file), "")
        if not part.batch:
            await self._begin(client, part)

    async def collect(self, client: Any, prices: Prices | None) -> AsyncGenerator[dict[str, Reply] | str, None]:
        """Ask once for each batch: gives the replies by name of each that ended, a sentence for each that has not.

        A batch is forgotten when the next one is asked for.
        """
        for part in list(self.parts):
            if not part.batch:
                await self._find(client, part)
            batch = await self._ask(client.batches.retrieve(part.batch))
            if batch.status not in ENDED:
                done = batch.request_counts.completed if batch.request_counts else 0
                yield f"Batch {part.batch} is {batch.status}: {done:,} of {part.requests:,} calls are done."
                continue
            replies: dict[str, Reply] = {}
            for file in filter(None, (batch.error_file_id, batch.output_file_id)):
                content = await self._ask(_patient(client).files.content(file))
                replies |= {one.name: one for line in content.text.splitlines() if (one := self._reply(line, prices))}
            yield replies
            if batch.status != "completed" or len(replies) < part.requests:
                yield f"Batch {part.batch} is {batch.status} with {len(replies):,} of {part.requests:,} answers."
            self.parts.remove(part)
            self._save()

    def _reply(self, line: str, prices: Prices | None) -> Reply | None:
        try:
            said = json.loads(line)
            name, response = str(said["custom_id"]), said.get("response") or {}
            status, body = response.get("status_code"), response.get("body")
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None
        outcome = read_answer(json.dumps(body), self.endpoint)
        if status != 200 or outcome.body is None:
            error = said.get("error") or body or status
            return Reply(name, None, self.endpoint.hide(f"failed in the batch: {error}")[:500], kind="trouble")
        usage = read_usage(outcome.body) or Usage()
        return Reply(name, outcome.body, usage=usage, cost=prices.cost(usage) if prices else None)

    async def _ask(self, call: Any) -> Any:
        import openai

        try:
            return await call
        except openai.APIError as error:
            said = self.endpoint.hide(str(error))
            raise EndpointError(f"{self.endpoint} does not take the batch ({said}). Try without --batch.") from error


def _patient(client: Any) -> Any:
    """Large files take their time."""
    return client.with_options(timeout=TRANSFER_SECONDS, max_retries=TRANSFER_TRIES)


def _split(requests: Iterable[Request], most: int, most_bytes: int) -> Iterator[list[bytes]]:
    """Write requests as lines, in lists that one batch takes."""
    lines: list[bytes] = []
    size = 0
    for one in requests:
        line = json.dumps({"custom_id": one.name, "method": "POST", "url": PATH, "body": one.body}).encode() + b"\n"
        if lines and (len(lines) >= most or size + len(line) > most_bytes):
            yield lines
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield lines
