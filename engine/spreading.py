"""Work spread over the processors of this machine, with results in the order of the work.

Work on arrays goes to threads, since numpy lets others run meanwhile; other work goes to processes.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_PROCESSES = 8
"""More of them only wait for the one that reads the file."""

LARGE_BYTES = 1 << 25
"""From this size on, a file is worth the start of several processes."""

BLOCK = 32_768
"""Samples computed at a time: few enough for a cache, and so many that threads rarely wait for one another."""

AHEAD = 2
"""How many items a process has in hand and waiting."""


def count_processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count_workers(size: int) -> int:
    """Say how many processes a file of so many bytes is worth: starting one takes a good part of a second."""
    return min(count_processors(), MOST_PROCESSES) if size > LARGE_BYTES else 1


def spread(work: Callable[[Item], Result], items: Iterable[Item], *, processes: int) -> Iterator[Result]:
    """Do the same work on each item, in so many processes; in this one where they are fewer than two.

    Work, items and results must be picklable. No more than a few items per process are held at a time.
    """
    if processes < 2:
        yield from map(work, items)
        return
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing import get_context

    waiting: deque[Future[Result]] = deque()
    start = get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=start, initializer=_begin, initargs=(work,)) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(_do, item))
                if len(waiting) >= processes * AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def map_blocks(work: Callable[[slice], Result], length: int) -> list[Result]:
    """Do the work on each block of so many samples, in threads; the blocks are the same on every machine."""
    blocks = [slice(start, start + BLOCK) for start in range(0, max(length, 1), BLOCK)]
    threads = min(count_processors(), len(blocks))
    shares = [blocks[len(blocks) * n // threads : len(blocks) * (n + 1) // threads] for n in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        done = pool.map(lambda share: [work(block) for block in share], shares[1:])
        return list(chain([work(block) for block in shares[0]], *done))


_work: Callable[[Any], Any] | None = None
"""What this process does; sent once, since it may hold much."""


def _begin(work: Callable[[Any], Any]) -> None:
    """Ctrl-C is for the process that a person started; it ends the others."""
    global _work
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _do(item: Any) -> Any:
    if _work is None:
        raise RuntimeError("the process was not told what to do")
    return _work(item)
