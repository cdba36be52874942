"""The judge card: how far a scorer can be trusted, from its answers and the map. Nothing is asked again."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.judging.intervals import Estimate, Floats, Ints, bootstrap, correlate, estimate_share, wilson
from engine.records import label_pair

Objects = npt.NDArray[np.object_]


class Answers(NamedTuple):
    """All responses of a dataset as columns of the same length, in source order."""

    response_id: Objects
    ordinal: Ints
    """Of the sample."""

    prompt: Ints
    """The same number for all responses to one prompt."""

    length: Floats
    """In characters."""

    label: Floats
    """NaN where the dataset says nothing."""


@dataclass
class Calls:
    """What the log of a scorer says beside the values, counted line by line."""

    lines: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """Calls that gave no score, by reason."""

    methods: Counter[str] = field(default_factory=Counter)
    """How values were read, where the log says so: logprobs, samples, integer."""

    unparsed: int = 0
    """Calls that were answered with something else than a score."""

    prompts: set[int] = field(default_factory=set)
    games: dict[tuple[str, str], dict[bool, float]] = field(default_factory=dict)
    """Of two responses, ids sorted: what the first id won when it was shown first (True), and second (False)."""

    repeats: dict[tuple[str, str], dict[int, float]] = field(default_factory=dict)
    """Of response and part: the answers to the same question, by number."""


class Other(NamedTuple):
    """How a scorer agrees with another one."""

    spearman: Estimate | None
    pairs: Estimate | None
    """Pairs that both order the same way, ties counted half."""


@dataclass(frozen=True, slots=True)
class Card:
    """All that is measured of one scorer; None: there is nothing to measure it on."""

    scorer: str
    responses: int
    scored: int
    calls: int
    failures: Estimate | None
    """Share of the calls that gave no score, and of those that were answered with no score in it."""

    unparsed: Estimate | None
    reasons: dict[str, int]
    methods: dict[str, int]
    labels: Estimate | None
    """Share of the labelled pairs that it orders as the label does, ties counted half."""

    position_flips: Estimate | None
    """Share of the comparisons whose winner changes when the two change places; a tie on one side counts half."""

    first_wins: Estimate | None
    """What the response shown first wins."""

    length: Estimate | None
    """Spearman's correlation of score and length."""

    longer_wins: Estimate | None
    """Share of the labelled pairs in which it prefers the longer response, ties counted half ..."""

    longer_labelled: Estimate | None
    """... and in which the label does."""

    length_excess: Estimate | None
    """The first less the second, pair by pair."""

    ties: Estimate | None
    """Share of the pairs of responses to one prompt that get the same score."""

    noise: Estimate | None
    """Share of the variance of a single answer that is not there when the same question is asked again."""

    others: dict[str, Other]

    @property
    def coverage(self) -> float:
        return self.scored / self.responses if self.responses else 0.0


def make_card(name: str, answers: Answers, scores: Mapping[str, Floats], calls: Calls) -> Card:
    """Measure one scorer of several; `scores` are those of all, aligned with the answers, NaN where missing."""
    own = scores[name]
    first, second = _all_pairs(answers.ordinal, np.flatnonzero(~np.isnan(own)))
    chosen, rejected = _labelled_pairs(answers, own)
    longer = np.sign(answers.length[chosen] - answers.length[rejected])
    differ = longer != 0
    wins = np.sign(own[chosen] - own[rejected])
    excess = np.column_stack([np.ones(len(longer)), (wins * longer - longer) / 2])[differ]
    prompts = answers.prompt[chosen]
    known = ~np.isnan(own)
    flips, first_wins = _measure_games(calls, answers)
    return Card(
        scorer=name,
        responses=len(set(answers.response_id)),
        scored=len(set(answers.response_id[known])),
        calls=calls.lines,
        failures=_share_of_calls(sum(calls.failed.values()), calls),
        unparsed=_share_of_calls(calls.unparsed, calls),
        reasons=dict(calls.failed.most_common()),
        methods=dict(calls.methods.most_common()),
        labels=estimate_share((wins + 1) / 2, prompts),
        position_flips=flips,
        first_wins=first_wins,
        length=correlate(own[known], answers.length[known], answers.prompt[known]),
        longer_wins=estimate_share(((wins * longer)[differ] + 1) / 2, prompts[differ]),
        longer_labelled=estimate_share((longer[differ] + 1) / 2, prompts[differ]),
        length_excess=bootstrap(excess, prompts[differ], lambda sums: float(sums[1] / sums[0])),
        ties=estimate_share((own[first] == own[second]).astype(float), answers.prompt[first]),
        noise=_measure_noise(calls, answers),
        others={other: _compare(answers, own, scores[other]) for other in scores if other != name},
    )


def _all_pairs(ordinal: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """List each two of the rows that belong to the same sample; rows of a sample stand together."""
    first, second = [], []
    step = 1
    while step < len(rows):
        same = ordinal[rows[:-step]] == ordinal[rows[step:]]
        if not same.any():
            break
        first.append(rows[:-step][same])
        second.append(rows[step:][same])
        step += 1
    return _join(first), _join(second)


def _join(parts: list[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _labelled_pairs(answers: Answers, own: Floats) -> tuple[Ints, Ints]:
    """List the rows of the chosen and the rejected response of each sample that has both, with scores."""
    starts = np.flatnonzero(np.diff(answers.ordinal, prepend=-1))
    labels = [None if np.isnan(one) else float(one) for one in answers.label]
    pairs = [
        (start + pair.chosen, start + pair.rejected)
        for start, end in zip(starts, [*starts[1:], len(labels)], strict=True)
        if (pair := label_pair(labels[start:end])) is not None
    ]
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    rows = rows[~np.isnan(own[rows]).any(axis=1)]
    return rows[:, 0], rows[:, 1]


def _share_of_calls(count: int, calls: Calls) -> Estimate | None:
    return wilson(count / calls.lines, len(calls.prompts), calls.lines) if calls.lines else None


def _measure_games(calls: Calls, answers: Answers) -> tuple[Estimate | None, Estimate | None]:
    prompt_of = dict(zip(answers.response_id, answers.prompt, strict=True))
    both = [(one, games[True] - 0.5, games[False] - 0.5) for (one, _), games in calls.games.items() if len(games) == 2]
    prompts = np.array([prompt_of[one] for one, _, _ in both], dtype=np.int64)
    first, second = (np.array([game[at] for game in both]) for at in (1, 2))
    flips = np.abs(np.sign(first) - np.sign(second)) / 2
    return estimate_share(flips, prompts), estimate_share((first - second) / 2 + 0.5, prompts)


def _measure_noise(calls: Calls, answers: Answers) -> Estimate | None:
    """Compare the variance of answers to the same question with that of all answers; both unbiased."""
    prompt_of = dict(zip(answers.response_id, answers.prompt, strict=True))
    rows, prompts = [], []
    for (one, _), said in calls.repeats.items():
        if len(said) < 2:
            continue
        values = np.array(list(said.values()))
        rows.append((len(values), values.sum(), (values**2).sum(), values.var(ddof=1) * len(values)))
        prompts.append(prompt_of[one])
    return bootstrap(np.array(rows), np.array(prompts), _share_of_noise) if rows else None


def _share_of_noise(sums: Floats) -> float:
    n, total, squares, within = sums
    variance = (squares - total * total / n) / (n - 1)
    return float(min(within / n / variance, 1.0)) if variance > 0 else np.nan


def _compare(answers: Answers, own: Floats, other: Floats) -> Other:
    both = np.flatnonzero(~(np.isnan(own) | np.isnan(other)))
    first, second = _all_pairs(answers.ordinal, both)
    same = np.sign(own[first] - own[second]) * np.sign(other[first] - other[second])
    return Other(
        correlate(own[both], other[both], answers.prompt[both]), estimate_share((same + 1) / 2, answers.prompt[first])
    )
