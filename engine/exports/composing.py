"""Composing: what a policy selects beside what there is, lest a difference of sources be taken for one of quality.

Cramer's V is the strength of the link between being selected and a trait, from 0 (none) to 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.exports.surveying import Survey

Mask = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]

WARN_V, WARN_P = 0.1, 0.01
"""A trait is called confounded from this V on, where chance alone would rarely give it."""

GROUPS_SHOWN = 20
OTHERS = "(others)"


class Group(NamedTuple):
    """The samples of one source, say."""

    name: str
    selected: int
    samples: int


class Trait(NamedTuple):
    """How what is selected differs from the rest in one respect."""

    name: str
    groups: list[Group]
    cramers_v: float
    p: float
    """Of the chi-squared test: how often chance alone makes such a difference."""

    @property
    def is_confounded(self) -> bool:
        return self.cramers_v >= WARN_V and self.p < WARN_P

    def __str__(self) -> str:
        selected, samples = sum(group.selected for group in self.groups), sum(group.samples for group in self.groups)
        shares = [(group.selected / selected, group.samples / samples, group.name) for group in self.groups]
        of_it, of_all, name = max(shares, key=lambda one: abs(one[0] - one[1]))
        return f"{self.name} (Cramer's V {self.cramers_v:.2f}): {name} is {of_it:.0%} of it and {of_all:.0%} of all"

    def describe(self) -> dict[str, object]:
        """Say the same for a manifest."""
        groups = {group.name: {"selected": group.selected, "samples": group.samples} for group in self.groups}
        return {"cramers_v": self.cramers_v, "p": self.p, "groups": groups}


def compose(seen: Survey, selected: Mask) -> list[Trait]:
    """Compare what is selected with all, in each respect in which the samples differ."""
    thirds = np.array(["short", "middle", "long"], dtype=object)
    columns = {
        "source": np.where(seen.source == "", "(no source)", seen.source),
        "length": thirds[seen.third],
        "turns": np.array(["one turn", "two or three turns", "more turns"], dtype=object)[
            np.searchsorted([1, 3], seen.turns, side="left")
        ],
        "duplicates": np.where(seen.repeated, "repeated", "single"),
    }
    traits = (_compare(name, column, selected) for name, column in columns.items())
    return [trait for trait in traits if trait is not None]


def _compare(name: str, column: Objects, selected: Mask) -> Trait | None:
    """Make a trait; None where all samples, or none or all of those selected, are alike."""
    names, codes = np.unique(column.astype(str), return_inverse=True)
    counts = np.vstack([np.bincount(codes[mask], minlength=len(names)) for mask in (selected, ~selected)])
    if len(names) < 2 or not counts.sum(axis=1).all():
        return None
    from scipy.stats import chi2_contingency

    chi_squared, p, _, _ = chi2_contingency(counts, correction=False)
    groups = [Group(str(one), int(counts[0, at]), int(counts[:, at].sum())) for at, one in enumerate(names)]
    return Trait(name, _shorten(groups), float(np.sqrt(chi_squared / counts.sum())), float(p))


def _shorten(groups: Sequence[Group]) -> list[Group]:
    """Put the largest first, and small ones together where there are many."""
    by_size = sorted(groups, key=lambda group: (-group.samples, group.name))
    if len(by_size) <= GROUPS_SHOWN:
        return by_size
    rest = by_size[GROUPS_SHOWN - 1 :]
    others = Group(OTHERS, sum(group.selected for group in rest), sum(group.samples for group in rest))
    return [*by_size[: GROUPS_SHOWN - 1], others]
