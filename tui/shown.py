"""What a sitting tells the screens: a sample as it is shown, how far it is, what a bulk verdict would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.records import Sample
from engine.store import QueueEntry
from engine.verdicts.auditing import Audit
from engine.verdicts.steps import Outcome
from tui.sides import Mode


@dataclass(frozen=True, slots=True)
class Shown:
    """A sample with all that the screen says of it."""

    sample: Sample
    entry: QueueEntry
    rank: int
    """Place by suspicion, from 1."""

    scores: Mapping[str, Sequence[tuple[float | None, str]]]
    """Per scorer the value and the reason of each response."""

    outcome: Outcome | None
    """The own standing verdict."""

    order: tuple[int, ...]
    """The responses, by index, as they stand on the screen."""

    mode: Mode = "sighted"
    is_revealed: bool = True
    """Whether the reviewer saw the label: always while sighted, else once a verdict was given."""

    note: str = ""
    """The own note."""

    is_flagged: bool = False

    def number(self, index: int) -> int:
        """Give the number that a response has on the screen; while sighted it is that of its row."""
        return index + 1 if self.mode == "sighted" else self.order.index(index) + 1

    def index(self, number: int) -> int:
        """Find the response of a number on the screen."""
        return number - 1 if self.mode == "sighted" else self.order[number - 1]


class BulkPreview(NamedTuple):
    """What a bulk verdict over the queue would do."""

    given: int
    """How many verdicts would be written, one per content."""

    decided: int
    """Samples that have an own verdict already; they keep it, unless it is to be overwritten."""

    tied: int
    """Samples that cannot be kept or flipped; they are left out."""

    copies: int
    """Exact duplicates, which share the verdict of another one."""

    examples: Sequence[int]
    """A few of the samples, by ordinal; the same ones for the same queue."""


class Progress(NamedTuple):
    """How far the sitting is."""

    read: int
    """Repeats included, as everything is that could tell what a turn was."""

    target: int
    flip_share: float | None
    """Of the last 100 verdicts; None before the first."""

    seconds: float | None
    """Median of the last 20 verdicts."""

    audit: Audit | None = None
    """What controls and repeats said, as of the last 25 verdicts; None before."""
