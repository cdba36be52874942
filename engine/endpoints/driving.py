"""The bridge from code that waits to code that does not."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def drive(batches: AsyncGenerator[list[Item], None]) -> Iterator[Item]:
    """Run an asynchronous generator of lists from code that is not; nothing runs between two of them."""

    async def step() -> list[Item] | None:
        return await anext(batches, None)

    with asyncio.Runner() as runner:
        try:
            while (items := runner.run(step())) is not None:
                yield from items
        finally:
            runner.run(batches.aclose())
