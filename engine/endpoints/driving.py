"""The bridge from code that waits to code that does not."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def drive(batches: AsyncGenerator[list[Item], None]) -> Iterator[Item]:
    """Run an asynchronous generator of lists from code that is not; nothing runs between two of them."""
    at_work: asyncio.Task[object] | None = None

    async def step() -> list[Item] | None:
        nonlocal at_work
        at_work = asyncio.current_task()
        return await anext(batches, None)

    async def finish() -> None:
        """Cancel a step that a signal left half done, then close the generator."""
        if at_work and not at_work.done():
            at_work.cancel()
            await asyncio.wait([at_work])
        await batches.aclose()

    with asyncio.Runner() as runner:
        try:
            while (items := runner.run(step())) is not None:
                yield from items
        finally:
            runner.run(finish())
