"""Residual error: how many labels are still wrong after the corrections made so far, with a 95 % interval.

The queue reads the likeliest mislabels first, so what it finds says little of the rest. Controls do: each is a random
draw from what was unread. Alone they give a wide interval. Here suspicion foretells each label, and the controls only
say how far it is off: one number theta moves all suspicions, p -> sigmoid(logit p + theta), until the controls have as
many flips as foretold. So the estimate is right on average however wrong the suspicions are, and the better they are,
the narrower the interval (the logistic generalised regression estimator of survey statistics). The interval inverts
the score test of theta: with equal suspicions it is Wilson's. Only controls that the queue would not have reached by
now speak for what is unread.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.judging.intervals import Z, wilson

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]

UNREAD, RIGHT, WRONG, OUT = -1, 0, 1, 2
"""What a reviewer says of a label; OUT: tied or dropped, so that it is no label any more."""

ASSUMED_ERROR = 0.03
"""How often a reviewer is taken to be wrong where nothing else is known."""

ASSUMPTION_WEIGHT = 50
"""As many repeats that assumption counts for."""

FEWEST_CONTROLS = 10
"""With fewer there is no estimate to speak of."""

ASSUMED_SUSPICION = 0.1
"""Of a label that no scorer knows."""

WIDEST = 15.0
"""The largest theta that is looked at; beyond it all labels are right, or all are wrong."""

STEPS = 50

METHOD = "controls, foretold by suspicion (logistic regression estimator, score interval)"


class ReaderError(NamedTuple):
    """How often a reviewer's verdict is wrong, with its 95 % interval."""

    value: float
    low: float
    high: float
    repeats: int = 0
    """How many samples were read twice ..."""

    changed: int = 0
    """... and got another verdict the second time."""


PERFECT = ReaderError(0.0, 0.0, 0.0)


class Residual(NamedTuple):
    """Labels that are still wrong. Divide by `labels` for rates."""

    estimate: float
    low: float
    high: float
    labels: int
    """Those that are left, read or not."""

    controls: int
    """Random reads that it rests on."""

    read: int
    error: ReaderError

    def describe(self) -> dict[str, object]:
        """Give it as rates of the labels that are left."""
        rates = {name: round(getattr(self, name) / self.labels, 6) for name in ("estimate", "low", "high")}
        return {**rates, "method": METHOD, "controls": self.controls, "read": self.read, "labels": self.labels,
                "reviewer_error": round(self.error.value, 6)}  # fmt: skip

    def __str__(self) -> str:
        low, high = (f"{one / self.labels:.1%}" for one in (self.low, self.high))
        return (
            f"about {self.estimate:,.0f} of {self.labels:,} labels are still wrong: {self.estimate / self.labels:.1%} "
            f"(95 % interval {low} to {high}), by {self.controls:,} controls"
        )


def estimate_error(repeats: int, changed: int, assumed: float = ASSUMED_ERROR) -> ReaderError:
    """Estimate the reviewer's error from repeats: who errs with probability e changes a verdict with 2 e (1 - e).

    The same mistake made twice is not seen. The assumption counts like ASSUMPTION_WEIGHT repeats.
    """
    if not assumed and not changed:
        return PERFECT._replace(repeats=repeats)
    count = repeats + ASSUMPTION_WEIGHT
    share = (changed + ASSUMPTION_WEIGHT * 2 * assumed * (1 - assumed)) / count
    found = wilson(share, count, count)
    value, low, high = ((1 - sqrt(max(1 - 2 * one, 0.0))) / 2 for one in found[:3])
    return ReaderError(value, low, high, repeats, changed)


def estimate_residual(
    suspicion: Floats, verdict: Codes, is_control: Flags, error: ReaderError = PERFECT
) -> Residual | None:
    """Estimate the labels still wrong, of arrays of shape (labels,); None with fewer than FEWEST_CONTROLS.

    `suspicion`: NaN where there is none; it must not know the label's own verdict. `is_control`: it was read because
    a control was due.
    """
    is_unknown = np.isnan(suspicion)
    odds = _logit(np.where(is_unknown, ASSUMED_SUSPICION, suspicion))
    is_unread, is_read = verdict == UNREAD, (verdict == RIGHT) | (verdict == WRONG)
    controls = is_control & (verdict != UNREAD)
    if controls.sum() < FEWEST_CONTROLS:
        return None
    front = odds[is_unread & ~is_unknown].max(initial=-np.inf)
    speaking = controls & (is_unknown | (odds <= front))
    left, read = int(is_unread.sum()), int(is_read.sum())
    if not left + read:
        return None
    scene = _Scene(odds[speaking], int((verdict[speaking] == WRONG).sum()), odds[is_unread])
    value, low, high = (_count(scene, error.value, tail, read) for tail in (0, 1, -1))
    swings = [_count(scene, one, 0, read) - value for one in (error.low, error.high)]
    slips = Z * sqrt(read * error.value * (1 - error.value))
    down = sqrt((value - low) ** 2 + min(*swings, 0.0) ** 2 + slips**2)
    up = sqrt((high - value) ** 2 + max(*swings, 0.0) ** 2 + slips**2)
    return Residual(
        value, max(value - down, 0.0), min(value + up, left + read), left + read, int(controls.sum()), read, error
    )


class _Scene(NamedTuple):
    """What an estimate rests on."""

    controls: Floats
    """Logit of the suspicion of the controls that speak for the unread labels."""

    wrong: int
    """How many of them were found wrong."""

    unread: Floats
    """Logit of the suspicion of the unread labels."""


def _count(scene: _Scene, error: float, tail: int, read: int) -> float:
    """Count wrong labels: those unread, at an end of the interval (1: the lower, -1: the upper), and those misread."""
    if not len(scene.unread):
        return error * read
    if not len(scene.controls):
        return {0: float(_sigmoid(scene.unread).sum()), 1: 0.0, -1: float(len(scene.unread))}[tail] + error * read
    finite = sqrt(1 + len(scene.controls) / len(scene.unread))
    return float(_sigmoid(scene.unread + _solve(scene, error, tail * Z * finite)).sum()) + error * read


def _solve(scene: _Scene, error: float, z: float) -> float:
    """Find the theta under which the flips seen lie z standard deviations above what is foretold."""
    low, high = -WIDEST, WIDEST
    for _ in range(STEPS):
        middle = (low + high) / 2
        foretold = error + (1 - 2 * error) * _sigmoid(scene.controls + middle)
        if scene.wrong - foretold.sum() > z * sqrt((foretold * (1 - foretold)).sum()):
            low = middle
        else:
            high = middle
    return low


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def _logit(p: Floats) -> Floats:
    inside = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))
