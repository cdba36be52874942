"""How many calls at once a server is sent: fewer at once when it refuses, one more after a clean window."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

FIRST_WAIT, LONGEST_BACKOFF = 0.5, 30.0
"""Seconds before the second try of a call, doubled with each further one, and their ceiling."""


class Clock:
    """Time, and waiting for it."""

    def now(self) -> float:
        """Seconds since some moment; never turned back."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Wait for an event, and no longer than so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return


@dataclass
class Pace:
    """The number of calls that may be under way."""

    limit: int = 4
    ceiling: int = 64
    paused_until: float = 0.0
    """On the clock; the server asked all to wait."""

    clean: int = 0
    """Calls that went well since the limit last changed."""

    halved_at: float = float("-inf")

    def went_well(self) -> None:
        """Count an answer; a whole window of them allows one call more."""
        self.clean += 1
        if self.clean >= self.limit:
            self.clean = 0
            self.limit = min(self.limit + 1, max(self.ceiling, self.limit))

    def was_refused(self, started: float, now: float, wait: float = 0.0) -> None:
        """Halve, once for all calls that were under way together, and wait as long as the server asks."""
        self.clean = 0
        if started > self.halved_at:
            self.limit = max(1, self.limit // 2)
            self.halved_at = now
        self.paused_until = max(self.paused_until, now + wait)


def back_off(tries: int) -> float:
    """Seconds to wait after so many tries: doubled each time, and spread so that calls do not come back together."""
    longest: float = min(LONGEST_BACKOFF, FIRST_WAIT * 2 ** (tries - 1))
    return longest * random.uniform(0.5, 1.0)


def read_retry_after(headers: Mapping[str, str], wall: float) -> float:
    """Read the seconds that a server asks to wait: in milliseconds, in seconds, or as a date; 0 where it does not."""
    milliseconds, said = headers.get("retry-after-ms", ""), headers.get("retry-after", "")
    for text, unit in ((milliseconds, 0.001), (said, 1.0)):
        try:
            return max(0.0, float(text) * unit)
        except ValueError:
            continue
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - wall)
    except ValueError:
        return 0.0
