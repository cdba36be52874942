"""Simulated reviews: a reader who knows the truth, but for slips, goes through queue, controls and repeats."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.judging.intervals import wilson
from engine.verdicts.residual import (
    PERFECT,
    RIGHT,
    UNREAD,
    WRONG,
    ReaderError,
    Residual,
    estimate_error,
    estimate_residual,
)
from engine.verdicts.serving import READ, Reading, Server, reached
from engine.verdicts.stopping import REFRESH, measure_yield

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]

Refit = Callable[[Floats], Floats]
"""Gives the suspicion of each label from the verdicts so far: NaN, 0 (right) or 1 (wrong). A label's own verdict has
no part in its suspicion."""


READER = 2
"""Keeps a reader's chances apart from those that planted the flips with the same seed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a review is simulated."""

    reads: int
    error: float = 0.03
    """How often the reader is wrong."""

    controls: float = 0.08
    repeats: float = 0.02
    is_live: bool = True
    """Whether the queue is ranked anew every 25 verdicts; else it stays as it was at the start."""

    is_error_known: bool = False
    """Whether the residual error is told how often the reader is wrong; else repeats and an assumption must do."""

    seed: int = 0


class Simulated(NamedTuple):
    """What became of a simulated review. Flips are true ones: wrong labels that the reader exchanged."""

    found: Ints
    """Wrong labels found after each verdict."""

    dry_at: int | None
    """Verdicts after which the queue was first called dry."""

    residual: Residual | None
    alone: tuple[float, float] | None
    """The interval that the controls give without suspicion, the wrong labels found taken away."""

    left: int
    """Labels that are wrong in the end; the truth that the intervals are to cover."""

    def found_in(self, reads: int) -> int:
        """Count the wrong labels found in the first verdicts."""
        return int(self.found[min(reads, len(self.found)) - 1]) if reads and len(self.found) else 0

    @property
    def is_covered(self) -> bool | None:
        """Whether the interval covers the truth; None without one."""
        return self.residual and self.residual.low <= self.left <= self.residual.high


class _Review:
    """The state of a simulated review."""

    def __init__(self, flipped: Flags, refit: Refit, plan: Plan) -> None:
        self.flipped, self.refit, self.plan = flipped, refit, plan
        self.random = np.random.default_rng([plan.seed, READER])
        permutation = self.random.permutation(len(flipped)).astype(np.int64)
        self.server = Server(permutation, str(plan.seed), plan.controls, plan.repeats)
        self.verdict: Codes = np.full(len(flipped), UNREAD, dtype=np.int8)
        self.state = np.zeros(len(flipped), dtype=np.int8)
        self.is_control = np.zeros(len(flipped), dtype=bool)
        self.readings: list[Reading] = []
        self.changed = 0
        self.rank()

    def rank(self) -> None:
        self.suspicion = self.refit(np.where(self.verdict == UNREAD, np.nan, self.verdict == WRONG))
        self.order = np.argsort(-np.nan_to_num(self.suspicion, nan=-1.0), kind="stable")
        self.place = 0

    def read(self) -> bool:
        """Read the next sample; False at the end of the queue."""
        while self.place < len(self.order) and self.state[self.order[self.place]] == READ:
            self.place += 1
        following = int(self.order[self.place]) if self.place < len(self.order) else None
        turn = self.server.next(following, self.state, self.readings)
        if turn is None:
            return False
        is_wrong = bool(self.flipped[turn.ordinal]) != (self.random.random() < self.plan.error)
        self.changed += turn.served == "repeat" and is_wrong != (self.verdict[turn.ordinal] == WRONG)
        self.verdict[turn.ordinal] = WRONG if is_wrong else RIGHT
        self.state[turn.ordinal] = READ
        self.is_control[turn.ordinal] |= turn.served == "control"
        self.readings.append(Reading(turn.ordinal, turn.served))
        return True

    def is_dry(self) -> bool:
        queue = np.array([one.ordinal for one in self.readings if one.served == "queue"], dtype=np.int64)
        controls = reached(self.server.permutation, self.state)
        wrong = self.verdict == WRONG
        return measure_yield(wrong[queue], self.suspicion[queue], wrong[controls], self.suspicion[:0]).is_dry is True

    def error(self) -> ReaderError:
        """Say what is known of the reader."""
        if self.plan.is_error_known:
            return PERFECT._replace(value=self.plan.error, low=self.plan.error, high=self.plan.error)
        return estimate_error(sum(one.served == "repeat" for one in self.readings), self.changed)

    def estimate_alone(self) -> tuple[float, float] | None:
        """Give what Wilson's interval of the controls says of all labels, less the wrong ones found."""
        controls = reached(self.server.permutation, self.state)
        if not len(controls):
            return None
        wrong = self.verdict == WRONG
        share = wilson(float(wrong[controls].mean()), len(controls), len(controls))
        return tuple(max(one * len(wrong) - int(wrong.sum()), 0.0) for one in (share.low, share.high))  # type: ignore[return-value]


def simulate_review(flipped: Flags, refit: Refit, plan: Plan) -> Simulated:
    """Let a reader go through a review of labels of which `flipped` are wrong."""
    review = _Review(flipped, refit, plan)
    found, dry_at = [], None
    for number in range(1, plan.reads + 1):
        if not review.read():
            break
        found.append(int((flipped & (review.verdict == WRONG)).sum()))
        if number % REFRESH == 0:
            dry_at = number if dry_at is None and review.is_dry() else dry_at
            if plan.is_live:
                review.rank()
    still = flipped & (review.verdict != WRONG) | ~flipped & (review.verdict == WRONG)
    residual = estimate_residual(review.suspicion, review.verdict, review.is_control, review.error())
    return Simulated(np.array(found), dry_at, residual, review.estimate_alone(), int(still.sum()))
