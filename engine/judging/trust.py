"""One plain sentence on whether to trust a scorer, by rules that are written down here."""

from engine.judging.card import Card
from engine.judging.intervals import Estimate

FEWEST_PAIRS = 50
"""Labelled pairs below which nothing is said of agreement."""

LEAST_COVERAGE = 0.9
MOST_FLIPS = 0.25
"""Share of comparisons that may change their winner with the order."""

MOST_EXCESS = 0.05
"""By how much of the pairs it may prefer the longer response more often than the labels do."""

MOST_TIES = 0.4
"""A map whose axis is variance needs scores that differ."""

MOST_NOISE = 0.5
"""Above this, asking the same question again moves the answer more than asking another one does."""


def judge_the_judge(card: Card) -> str:
    """Say in one sentence whether to trust a scorer; each rule uses the near end of the interval."""
    bad, weak = _find_grave(card), _find_weak(card)
    if bad:
        return f"Do not trust it: {'; '.join((*bad, *weak))}."
    if card.labels is None or card.labels.of < FEWEST_PAIRS:
        count = card.labels.of if card.labels else 0
        return f"Cannot be judged here: {'; '.join((f'only {count} of its pairs have a label', *weak))}."
    agrees = f"it agrees with the labels on {_write(card.labels)} of the pairs"
    if weak:
        return f"Use it with care: {'; '.join((agrees, *weak))}."
    unseen = "position was not measured" if card.position_flips is None else "the order changes few winners"
    return f"Fit for use: {agrees}, with no marked length bias; {unseen}."


def _find_grave(card: Card) -> list[str]:
    found = []
    if card.coverage < LEAST_COVERAGE:
        found.append(f"it scored {card.coverage:.1%} of the responses")
    if card.labels and card.labels.of >= FEWEST_PAIRS:
        if card.labels.high < 0.5:
            found.append(f"it agrees with the labels on {_write(card.labels)} of the pairs (is a lower score better?)")
        elif card.labels.low <= 0.5:
            found.append(f"its agreement with the labels, {_write(card.labels)}, is that of chance")
    if card.position_flips and card.position_flips.low > MOST_FLIPS:
        found.append(f"the order alone changes the winner of {_write(card.position_flips)} of its comparisons")
    return found


def _find_weak(card: Card) -> list[str]:
    found = []
    if card.longer_wins and card.longer_labelled and card.length_excess and card.length_excess.low > MOST_EXCESS:
        found.append(
            f"it prefers the longer response in {_write(card.longer_wins)} of the pairs, "
            f"the labels in {_write(card.longer_labelled)}"
        )
    if card.noise and card.noise.low > MOST_NOISE:
        found.append(f"{_write(card.noise)} of the variance of one answer is noise")
    if card.ties and card.ties.low > MOST_TIES:
        found.append(f"{_write(card.ties)} of the pairs tie")
    return found


def _write(one: Estimate) -> str:
    return f"{one.value:.0%} ({one.low:.0%} to {one.high:.0%})"
