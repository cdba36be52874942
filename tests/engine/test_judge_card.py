"""The judge card, on made-up judges whose faults are known."""

import numpy as np
import pytest

from engine.judging.card import Answers, Calls, Card, make_card
from engine.judging.intervals import MOST_LOTS, Estimate, bootstrap, correlate, estimate_share, wilson
from engine.judging.trust import judge_the_judge

PROMPTS = 400
RANDOM = np.random.default_rng(7)
QUALITY = RANDOM.normal(size=2 * PROMPTS)
LENGTH = RANDOM.integers(20, 2000, size=2 * PROMPTS).astype(float)
ORDINAL = np.repeat(np.arange(PROMPTS), 2)
PAIRS = QUALITY.reshape(-1, 2)
LABELS = (PAIRS.max(axis=1, keepdims=True) == PAIRS).astype(float).ravel()
IDS = np.array([f"{n:04}" for n in range(2 * PROMPTS)], dtype=object)
ANSWERS = Answers(IDS, ORDINAL, ORDINAL, LENGTH, LABELS)

GOOD = QUALITY + RANDOM.normal(scale=0.5, size=2 * PROMPTS)
CHANCE = RANDOM.normal(size=2 * PROMPTS)
LONG = LENGTH / 500 + QUALITY


def games(first_wins: float, seed: int = 1) -> Calls:
    """Each pair in both orders; the response shown first wins so often, whatever it says, else the better one."""
    random, calls = np.random.default_rng(seed), Calls()
    for low, high in IDS.reshape(-1, 2):
        better = float(QUALITY[int(low)] > QUALITY[int(high)])
        biased = random.random(2) < first_wins
        calls.games[(low, high)] = {True: 1.0 if biased[0] else better, False: 0.0 if biased[1] else better}
    return calls


def card_of(scores: np.ndarray, calls: Calls | None = None, **others: np.ndarray) -> Card:
    return make_card("mine", ANSWERS, {"mine": scores, **others}, calls or Calls())


def test_a_good_judge_is_fit_for_use():
    card = card_of(GOOD, games(0.05), other=QUALITY, against=-QUALITY)
    agreement = np.sign(GOOD[::2] - GOOD[1::2]) == np.sign(PAIRS[:, 0] - PAIRS[:, 1])
    assert card.labels is not None
    assert card.labels.value == pytest.approx(agreement.mean())
    assert card.labels.low > 0.75
    assert judge_the_judge(card) == (
        f"Fit for use: it agrees with the labels on {agreement.mean():.0%} ({card.labels.low:.0%} to "
        f"{card.labels.high:.0%}) of the pairs, with no marked length bias; the order changes few winners."
    )
    assert (card.scored, card.responses, card.noise, card.failures) == (800, 800, None, None)
    assert card.others["other"].pairs == card.labels
    assert card.others["against"].pairs.value == pytest.approx(1 - agreement.mean())  # type: ignore[union-attr]
    assert card.others["other"].spearman.low > 0.8  # type: ignore[union-attr]


def test_a_judge_at_chance_is_not_to_be_trusted():
    said = judge_the_judge(card_of(CHANCE))
    assert said.startswith("Do not trust it: its agreement with the labels, ")
    assert said.endswith(" is that of chance.")


def test_a_judge_turned_round_is_told_from_chance():
    assert judge_the_judge(card_of(-GOOD)).endswith("of the pairs (is a lower score better?).")


def test_a_judge_that_prefers_the_longer_response_is_to_be_used_with_care():
    card = card_of(LONG)
    assert card.longer_wins is not None
    assert card.longer_labelled is not None
    assert (card.longer_wins.value > 0.7, abs(card.longer_labelled.value - 0.5) < 0.1) == (True, True)
    assert card.length is not None
    assert card.length.low > 0.5
    said = judge_the_judge(card)
    assert said.startswith("Use it with care: it agrees with the labels on ")
    assert "; it prefers the longer response in " in said


def test_labels_that_prefer_the_longer_response_make_no_length_bias():
    by_length = np.sign(LENGTH.reshape(-1, 2) - LENGTH.reshape(-1, 2)[:, ::-1]).ravel()
    card = make_card("mine", ANSWERS._replace(label=by_length), {"mine": LENGTH}, Calls())
    assert card.length_excess == Estimate(0.0, 0.0, 0.0, 400)
    assert judge_the_judge(card).startswith("Fit for use")


def test_a_judge_that_goes_by_position_is_not_to_be_trusted():
    card = card_of(np.full(2 * PROMPTS, 0.5), games(1.0))
    assert card.position_flips == wilson(1.0, PROMPTS, PROMPTS)
    assert card.first_wins == wilson(1.0, PROMPTS, PROMPTS)
    assert judge_the_judge(card) == (
        "Do not trust it: its agreement with the labels, 50% (45% to 55%), is that of chance; "
        "the order alone changes the winner of 100% (99% to 100%) of its comparisons; "
        "100% (99% to 100%) of the pairs tie."
    )


def test_half_a_position_bias_is_measured():
    card = card_of(GOOD, games(0.5))
    flips = [abs(np.sign(one[True] - 0.5) - np.sign(one[False] - 0.5)) / 2 for one in games(0.5).games.values()]
    assert card.position_flips == estimate_share(np.array(flips), ORDINAL[::2])
    assert 0.4 < card.position_flips.value < 0.6  # type: ignore[union-attr]


@pytest.mark.parametrize(("noise", "share"), [(0.0, 0.0), (1.0, 0.5), (3.0, 0.9)])
def test_noise_is_the_share_of_the_variance_that_a_second_answer_does_not_repeat(noise, share):
    random, calls = np.random.default_rng(3), Calls()
    for one, quality in zip(IDS, QUALITY, strict=True):
        calls.repeats[(one, "depth")] = {number: quality + noise * random.normal() for number in range(4)}
    card = card_of(QUALITY, calls)
    assert card.noise is not None
    assert card.noise.value == pytest.approx(share, abs=0.04)
    assert card.noise.low - 1e-12 <= share <= card.noise.high + 1e-12


def test_a_scorer_with_few_labels_or_scores_says_so():
    few = ANSWERS._replace(label=np.where(ORDINAL < 20, LABELS, np.nan))
    said = judge_the_judge(make_card("mine", few, {"mine": GOOD}, Calls()))
    assert said == "Cannot be judged here: only 20 of its pairs have a label."
    missing = np.where(ORDINAL < 200, GOOD, np.nan)
    assert judge_the_judge(card_of(missing)) == "Do not trust it: it scored 50.0% of the responses."


def test_ties_are_counted_among_the_responses_of_each_sample():
    ordinal = np.array([0, 0, 0, 1, 1])
    answers = Answers(IDS[:5], ordinal, ordinal, np.arange(5.0), np.full(5, np.nan))
    card = make_card("mine", answers, {"mine": np.array([1.0, 1.0, 2.0, 3.0, np.nan])}, Calls())
    assert card.ties == wilson(1 / 3, 1, 3)
    assert (card.labels, card.length) == (None, None)


def test_failures_are_shares_of_the_calls():
    calls = Calls(lines=40, unparsed=4, prompts=set(range(10)))
    calls.failed.update({"unparsable": 4, "HTTP 500": 4})
    card = card_of(GOOD, calls)
    assert (card.failures, card.unparsed) == (wilson(0.2, 10, 40), wilson(0.1, 10, 40))


# Intervals


def test_wilson_at_the_ends_and_in_the_middle():
    assert wilson(0.5, 100, 300) == Estimate(
        0.5, pytest.approx(0.40383, abs=1e-5), pytest.approx(0.59617, abs=1e-5), 300
    )
    assert wilson(0.0, 100, 100) == Estimate(0.0, 0.0, pytest.approx(0.0369935, abs=1e-6), 100)
    assert wilson(1.0, 100, 100) == Estimate(1.0, pytest.approx(0.9630065, abs=1e-6), 1.0, 100)


def test_a_correlation_is_spearmans_and_its_interval_covers_the_truth_about_as_often_as_it_says():
    from scipy.stats import spearmanr

    truth = 6 / np.pi * np.arcsin(0.5 / 2)  # of a bivariate normal with correlation .5
    covered = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        x = random.normal(size=200)
        y = 0.5 * x + np.sqrt(0.75) * random.normal(size=200)
        found = correlate(x, y, np.arange(200))
        assert found is not None
        assert found.value == pytest.approx(spearmanr(x, y).statistic)
        covered += found.low <= truth <= found.high
    assert covered >= 34


def test_copies_of_a_prompt_make_no_interval_narrower():
    x, y = RANDOM.normal(size=(2, 60))
    once = correlate(x, y, np.arange(60))
    often = correlate(np.tile(x, 9), np.tile(y, 9), np.tile(np.arange(60), 9))
    assert once is not None
    assert often is not None
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.02)


@pytest.mark.parametrize(("x", "prompts"), [([1.0] * 9, range(9)), (range(9), [0, 1] * 4 + [0])])
def test_there_is_no_correlation_where_nothing_varies_or_hardly_a_prompt_is(x, prompts):
    assert correlate(np.array(x, dtype=float), np.arange(9.0), np.array(prompts)) is None


def test_of_nothing_there_is_no_estimate():
    assert estimate_share(np.empty(0), np.empty(0, dtype=np.int64)) is None
    assert bootstrap(np.empty((0, 2)), np.empty(0, dtype=np.int64), lambda sums: float(sums[0])) is None


def test_more_prompts_than_are_drawn_one_by_one_give_an_interval_as_wide_as_theory_says():
    random = np.random.default_rng(0)
    y = random.normal(size=MOST_LOTS + 5_000)
    terms = np.column_stack([np.ones(len(y)), y])
    found = bootstrap(terms, np.arange(len(y)), lambda sums: float(sums[1] / sums[0]))
    assert found is not None
    assert (found.value, found.of) == (pytest.approx(y.mean()), len(y))
    assert found.high - found.low == pytest.approx(2 * 1.96 * y.std() / np.sqrt(len(y)), rel=0.1)
