"""How reviewers agree: with each other, corrected for chance, on what they read one by one."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from engine.records import content_of
from engine.verdicts.outcomes import Outcomes
from engine.verdicts.steps import Outcome

Unit = Mapping[str, str]
"""What reviewers say of one content: a category by reviewer. Who skipped it, or did not see it, is not in it."""

OTHER_PAIR = "another pair"
"""The category of a choice of two (K > 2) that is not the one most reviewers made."""


class Coefficient(NamedTuple):
    """Agreement beyond chance."""

    value: float | None
    """1 full agreement, 0 that of chance. None: not defined, since everybody only ever said one thing, or too few."""

    of: int
    """Contents on which two reviewers at least said something."""


class Agreement(NamedTuple):
    """How the reviewers of a project agree."""

    alpha: Coefficient
    """Krippendorff's, over all reviewers; gaps are allowed."""

    kappa: dict[tuple[str, str], Coefficient]
    """Cohen's, for each two reviewers who read something in common."""


def measure_agreement(outcomes: Outcomes) -> Agreement | None:
    """Compare the reviewers; None where no two read the same."""
    said: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.is_read:
            said.setdefault(content_of(outcome.sample_id), []).append(outcome)
    units = [categorise(those) for those in said.values() if len(those) > 1]
    if not units:
        return None
    names = sorted({name for unit in units for name in unit})
    kappa = {(one, other): cohen(units, one, other) for one, other in combinations(names, 2)}
    return Agreement(krippendorff(units), {pair: found for pair, found in kappa.items() if found.of})


def categorise(said: Sequence[Outcome]) -> dict[str, str]:
    """Name what each reviewer said of one content; two who prefer different pairs get different names."""
    pairs = Counter(outcome.meaning for outcome in said if outcome.verdict == "flip")
    usual = min(pairs, key=lambda meaning: (-pairs[meaning], meaning), default=())
    return {one.reviewer: OTHER_PAIR if one.verdict == "flip" and one.meaning != usual else one.verdict for one in said}


def cohen(units: Iterable[Unit], one: str, other: str) -> Coefficient:
    """Give Cohen's kappa (1960) of two reviewers, over what both said something of."""
    both = [(unit[one], unit[other]) for unit in units if one in unit and other in unit]
    left, right = Counter(pair[0] for pair in both), Counter(pair[1] for pair in both)
    count = len(both)
    expected = sum(left[category] * right[category] for category in left) / count**2 if count else 1.0
    if expected == 1.0:
        return Coefficient(None, count)
    observed = sum(a == b for a, b in both) / count
    return Coefficient((observed - expected) / (1 - expected), count)


def krippendorff(units: Iterable[Unit]) -> Coefficient:
    """Give Krippendorff's alpha for nominal data (2011); units that fewer than two judged say nothing."""
    rated = [list(unit.values()) for unit in units if len(unit) > 1]
    totals = Counter(category for values in rated for category in values)
    count = totals.total()
    expected = count**2 - sum(number**2 for number in totals.values())
    if not expected:
        return Coefficient(None, len(rated))
    differing = sum(
        (len(values) ** 2 - sum(number**2 for number in Counter(values).values())) / (len(values) - 1)
        for values in rated
    )
    return Coefficient(1 - (count - 1) * differing / expected, len(rated))
