"""The dots of the map on a page: each sample one, or where there are many, each small square of the map."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.pages.axes import Span, enclose
from engine.records import content_of
from engine.statistics import HIGH_AVERAGE, HIGH_VARIANCE, LOW_AVERAGE
from engine.store import QueueEntry, Store

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REGIONS = (HIGH_AVERAGE, HIGH_VARIANCE, LOW_AVERAGE)
MOST_POINTS = 3_000
"""Samples that are drawn one by one."""

COLUMNS, ROWS = 84, 50
"""Squares of the map of more samples."""

PROMPT_SHOWN = 90
"""Characters of a prompt that a page has."""


class Dot(NamedTuple):
    """One sample, or the samples of one square."""

    x: float
    """As a share of the axis, from its low end; of a square its middle."""

    y: float
    samples: int
    suspicion: float
    """The mean; NaN where there is none."""

    region: str
    """The commonest; empty where there is none."""

    verdict: str
    likeliest: QueueEntry
    """The sample whose label is likeliest wrong."""

    prompt: str
    """How its prompt begins."""


class Field(NamedTuple):
    """All that the map shows."""

    dots: list[Dot]
    """The likeliest wrong last, so that they lie on top."""

    x_span: Span
    """Of the roots of variability: by itself two thirds of all samples would share a few columns."""

    y_span: Span
    is_squared: bool
    """Whether dots are squares of several samples."""

    total: int
    shown: int
    unplaced: int


def lay_out(store: Store, verdicts: Mapping[str, str]) -> Field:
    """Place the samples of the map scorer's map; `verdicts` by content."""
    points = store.points()
    root = np.sqrt(np.maximum(points.variability, 0.0))
    placed = ~(np.isnan(root) | np.isnan(points.quality))
    spans = enclose(root[placed], floor=0.0), enclose(points.quality[placed])
    inside = np.flatnonzero(spans[0].holds(root) & spans[1].holds(points.quality))
    x, y = spans[0].share(root[inside]), spans[1].share(points.quality[inside])
    is_squared = len(inside) > MOST_POINTS
    key = np.arange(len(inside))
    if is_squared:
        column, row = (np.minimum((s * n).astype(np.int64), n - 1) for s, n in ((x, COLUMNS), (y, ROWS)))
        key, x, y = row * COLUMNS + column, (column + 0.5) / COLUMNS, (row + 0.5) / ROWS
    said = _number(store, verdicts)[inside]
    region = np.array(
        [REGIONS.index(name) if name in REGIONS else -1 for name in points.region[inside]], dtype=np.int64
    )
    groups = _group(key, points.suspicion[inside], region, said)
    likeliest = inside[groups.likeliest]
    entries, prompts = store.entries(likeliest), store.prompts(likeliest)
    dots = [
        Dot(
            float(x[at]), float(y[at]), int(groups.samples[n]), float(groups.suspicion[n]),
            _name(REGIONS, groups.region[n]), _name(VERDICTS, groups.verdict[n]), entries[n], _shorten(prompts[n]),
        )
        for n, at in enumerate(groups.likeliest.tolist())
    ]  # fmt: skip
    dots.sort(key=lambda dot: (np.nan_to_num(dot.suspicion, nan=-1.0), dot.likeliest.sample_id))
    return Field(dots, *spans, is_squared, len(root), len(inside), int((~placed).sum()))


VERDICTS = ("keep", "flip", "tie", "drop", "skip", "disagree")


def _number(store: Store, verdicts: Mapping[str, str]) -> Ints:
    numbers = {name: number for number, name in enumerate(VERDICTS)}
    said = (numbers.get(verdicts.get(content_of(one), ""), -1) for one in store.sample_ids().tolist())
    return np.fromiter(said, dtype=np.int64)


class _Groups(NamedTuple):
    """Of samples that share a dot: arrays of shape (dots,)."""

    samples: Ints
    suspicion: Floats
    region: Ints
    verdict: Ints
    likeliest: Ints


def _group(key: Ints, suspicion: Floats, region: Ints, verdict: Ints) -> _Groups:
    order = np.lexsort((np.nan_to_num(-suspicion, nan=1.0), key))
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    _, group = np.unique(key, return_inverse=True)
    known = ~np.isnan(suspicion)
    counts = np.bincount(group[known], minlength=len(starts))
    sums = np.bincount(group[known], weights=suspicion[known], minlength=len(starts))
    mean: Floats = np.divide(sums, counts, out=np.full(len(starts), np.nan), where=counts > 0)
    return _Groups(
        np.bincount(group, minlength=len(starts)),
        mean,
        _commonest(group, region, len(starts)),
        _commonest(group, verdict, len(starts)),
        order[starts],
    )


def _commonest(group: Ints, code: Ints, groups: int) -> Ints:
    """Find the commonest code of each group; codes below 0 are skipped, -1 where there is none."""
    kinds = int(code.max(initial=0)) + 1
    known = code >= 0
    counts = np.bincount(group[known] * kinds + code[known], minlength=groups * kinds).reshape(groups, kinds)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), -1)


def _name(names: tuple[str, ...], code: int) -> str:
    return names[code] if code >= 0 else ""


def _shorten(prompt: str) -> str:
    return shorten(prompt, PROMPT_SHOWN)


def shorten(text: str, width: int) -> str:
    """Put a text on one line, cut where it is too long."""
    line = " ".join(text[: 4 * width].split())
    return line if len(line) <= width else f"{line[: width - 3]}..."
