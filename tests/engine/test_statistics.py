import math
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from engine.statistics import (
    HIGH_AVERAGE,
    HIGH_VARIANCE,
    LOW_AVERAGE,
    divide_by_cuts,
    divide_regions,
    measure,
    rank_ids,
)

NONE = math.nan

GOLDEN = {
    "A": (
        [1.000000238418579, 0.2182709276676178, 0.20844677090644836, 0.007058180868625641],
        [4, 4.25, 4.5, 1.6666667],
    ),
    "B": ([0.6, 0.7, 0.8, 0.9], [4.5, 4, 3.5, 3]),
    "C": ([0.6, 0.7, 0.8, 0.9], [3, 3.5, 4, 4.5]),
    "D": ([0.8, 0.85], [1, 0]),
    "E": ([0.85, 0.8], [1, 0]),
    "F": ([0.6, 0.7, 0.8, 0.9], [4, 4, 3, 5]),
    "G": ([0.5, 0.5, 0.8, 0.9], [4, 4, 3, 5]),
    "H": ([0.5, 0.5, 0.5, 0.5], [4, 4, 4, 4]),
}

EXPECTED = {  # quality, variability, cosine, pearson, tau_b, exp_kl, covariance, margin
    "A": (0.358444029465318, 0.144303514970816, 0.744672614136033, 0.412511231816392, 0, 0.581317923074312,
          0.17746459923764, 0.201388590037823),
    "B": (0.75, 0.0125, 0.956521739130435, -1, -1, 0.955999817116359, -0.0625, -0.3),
    "C": (0.75, 0.0125, 1, 1, 1, 1, 0.0625, 0.3),
    "D": (0.825, 0.000625, 0.685364699004991, -1, -1, 0.484848484848485, -0.0125, -0.05),
    "E": (0.825, 0.000625, 0.728199992692803, 1, 1, 0.515151515151515, 0.0125, 0.05),
    "F": (0.75, 0.0125, 0.982085919674643, 0.316227766016838, 0.182574185835055, 0.980444128442497, 0.025, 0.1),
    "G": (0.675, 0.031875, 0.9608093583821, 0.198029508595335, 0.2, 0.956870179452299, 0.025, 0.1),
    "H": (0.5, 0, 1, NONE, NONE, 1, 0, NONE),
}  # fmt: skip

SIZES = {
    0: (0, 0, 0), 1: (1, 0, 0), 2: (1, 0, 1), 3: (1, 1, 1), 4: (2, 1, 1), 5: (2, 1, 2), 7: (3, 2, 2), 8: (3, 2, 3),
    10: (4, 3, 3), 100: (34, 33, 33), 5240: (1747, 1746, 1747), 19579: (6527, 6526, 6526),
    60000: (20000, 20000, 20000), 63966: (21322, 21322, 21322), 80258: (26753, 26752, 26753),
}  # fmt: skip


def measure_one(scores, labels):
    """Measure one sample; its statistics as plain numbers."""
    found = measure(np.array([scores], dtype=float), np.array([labels], dtype=float))
    return tuple(float(column[0]) for column in found)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_vectors_come_out_to_twelve_digits(name):
    assert measure_one(*GOLDEN[name]) == pytest.approx(EXPECTED[name], abs=1e-12, nan_ok=True)


def test_variability_is_the_population_variance_not_the_sample_variance():
    assert abs(measure_one(*GOLDEN["A"])[1] - 0.192404686627754) > 0.04


def test_many_samples_at_once_are_measured_like_each_alone():
    names = [name for name in GOLDEN if len(GOLDEN[name][0]) == 4]
    scores, labels = (np.array([GOLDEN[name][side] for name in names], dtype=float) for side in (0, 1))
    whole = np.column_stack(measure(scores, labels))
    assert whole == pytest.approx(np.array([EXPECTED[name] for name in names]), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize(("score", "label"), [(NONE, 5.0), (0.3, NONE), (NONE, NONE)])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_response_without_score_or_label_is_taken_out(name, score, label, place):
    scores, labels = GOLDEN[name]
    padded = measure_one([*scores[:place], score, *scores[place:]], [*labels[:place], label, *labels[place:]])
    expected = list(EXPECTED[name])
    if not math.isnan(score):
        known = [*scores, score]
        expected[:2] = np.mean(known), np.var(known)
    assert padded == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_mixed_numbers_of_responses_may_be_padded():
    scores = np.array([[*GOLDEN["E"][0], NONE, NONE], GOLDEN["F"][0]])
    labels = np.array([[*GOLDEN["E"][1], NONE, NONE], GOLDEN["F"][1]])
    expected = np.array([EXPECTED["E"], EXPECTED["F"]])
    assert np.column_stack(measure(scores, labels)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "labels", "quality", "variability"),
    [
        ([NONE, NONE], [1, 0], NONE, NONE),
        ([0.4, NONE], [1, 0], 0.4, NONE),
        ([0.4, 0.6], [1, NONE], 0.5, 0.01),
        ([0.4, 0.6], [NONE, NONE], 0.5, 0.01),
    ],
)
def test_with_fewer_than_two_scored_labels_nothing_correlates(scores, labels, quality, variability):
    expected = (quality, variability, *[NONE] * 6)
    assert measure_one(scores, labels) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_a_zero_vector_has_no_cosine():
    assert measure_one([0, 0], [1, 0]) == pytest.approx((0, 0, NONE, NONE, NONE, NONE, 0, 0), nan_ok=True)
    assert math.isnan(measure_one([1, 2], [0, 0])[2])


def test_negative_scores_have_all_statistics_but_exp_kl():
    expected = (-1.0, 4.0, 1 / math.sqrt(10), 1, 1, NONE, 1.0, 4)
    assert measure_one([1, -3], [1, 0]) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("scores", [[0.0, 0.5], [0.5, 0.0], [-0.5, 0.5]])
def test_a_score_that_is_not_positive_has_no_exp_kl(scores):
    assert math.isnan(measure_one(scores, [1, 0])[5])


def test_margin_averages_tied_responses():
    assert measure_one([0.9, 0.5, 0.1, 0.2], [5, 5, 1, 1])[7] == pytest.approx(0.55)


GRID = st.one_of(st.just(NONE), st.integers(-8, 8).map(lambda whole: whole / 4))


@st.composite
def tables(draw, values=GRID):
    shape = draw(st.tuples(st.integers(1, 4), st.integers(2, 6)))
    return draw(arrays(float, shape, elements=values)), draw(arrays(float, shape, elements=values))


@given(tables(values=st.one_of(st.just(NONE), st.floats(-1e3, 1e3))))
def test_quality_and_variability_are_those_of_numpy(table):
    scores, labels = table
    found = measure(scores, labels)
    for row, quality, variability in zip(scores, found.quality, found.variability, strict=True):
        known = row[~np.isnan(row)]
        assert quality == pytest.approx(known.mean() if len(known) else NONE, abs=1e-9, nan_ok=True)
        assert variability == pytest.approx(known.var() if len(known) > 1 else NONE, abs=1e-8, nan_ok=True)


@given(tables())
def test_pearson_tau_b_and_covariance_are_those_of_scipy(table):
    scores, labels = table
    found = measure(scores, labels)
    for n, (s, y) in enumerate(zip(scores, labels, strict=True)):
        known = ~np.isnan(s) & ~np.isnan(y)
        s, y = s[known], y[known]
        varies = len(s) > 1 and np.ptp(s) > 0 and np.ptp(y) > 0
        assert found.pearson[n] == pytest.approx(stats.pearsonr(s, y)[0] if varies else NONE, abs=1e-9, nan_ok=True)
        assert found.tau_b[n] == pytest.approx(stats.kendalltau(s, y)[0] if varies else NONE, abs=1e-9, nan_ok=True)
        covariance = ((s - s.mean()) * (y - y.mean())).mean() if len(s) > 1 else NONE
        assert found.covariance[n] == pytest.approx(covariance, abs=1e-12, nan_ok=True)


@given(tables())
def test_margin_is_best_minus_worst_label_in_a_plain_loop(table):
    scores, labels = table
    found = measure(scores, labels).margin
    for n, (s, y) in enumerate(zip(scores, labels, strict=True)):
        known = [(a, b) for a, b in zip(s, y, strict=True) if not (math.isnan(a) or math.isnan(b))]
        marks = {b for _, b in known}
        expected = NONE
        if len(marks) > 1:
            best, worst = ([a for a, b in known if b == mark] for mark in (max(marks), min(marks)))
            expected = sum(best) / len(best) - sum(worst) / len(worst)
        assert found[n] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_no_samples_have_no_statistics():
    assert [len(column) for column in measure(np.empty((0, 2)), np.empty((0, 2)))] == [0] * 8


def number_ids(count):
    return np.array([f"{n * 2654435761 % 2**32:08x}" for n in range(count)], dtype=object)


@pytest.mark.parametrize("count", SIZES)
def test_regions_have_the_sizes_of_the_authors_code(count):
    random = np.random.default_rng(count)
    found = divide_regions(random.random(count), random.random(count), rank_ids(number_ids(count)))
    sizes = Counter(found.region)
    assert tuple(sizes[name] for name in (HIGH_VARIANCE, LOW_AVERAGE, HIGH_AVERAGE)) == SIZES[count]


@pytest.mark.parametrize("count", [0, 1, 2, 5, 30, 100])
def test_regions_have_the_same_sizes_when_everything_ties(count):
    found = divide_regions(np.ones(count), np.zeros(count), rank_ids(number_ids(count)))
    sizes = Counter(found.region)
    low = 2 * count // 3
    assert (sizes[HIGH_VARIANCE], sizes[LOW_AVERAGE]) == (count - low, low // 2)


@st.composite
def maps(draw):
    """Maps of a few values each, so that ties are the rule, with nulls."""
    count = draw(st.integers(0, 40))
    variability = draw(arrays(float, count, elements=st.sampled_from([NONE, 0.0, 0.1, 0.2])))
    quality = draw(arrays(float, count, elements=st.sampled_from([0.1, 0.5, 0.9])))
    return quality, variability, np.array(draw(st.permutations(range(count))), dtype=int)


@given(maps())
def test_regions_do_not_depend_on_the_order_of_rows(drawn):
    quality, variability, order = drawn
    ids = number_ids(len(quality))
    first = divide_regions(quality, variability, rank_ids(ids))
    again = divide_regions(quality[order], variability[order], rank_ids(ids[order]))
    assert again.region.tolist() == first.region[order].tolist()
    assert again[1:] == first[1:]


@given(maps())
def test_regions_are_those_of_sorting_twice(drawn):
    quality, variability, _ = drawn
    ids = number_ids(len(quality))
    placed = sorted((v, one, q) for v, one, q in zip(variability, ids, quality, strict=True) if not math.isnan(v))
    low = sorted((q, one) for _, one, q in placed[: 2 * len(placed) // 3])
    expected = dict.fromkeys((one for _, one, _ in placed), HIGH_VARIANCE)
    expected |= {one: LOW_AVERAGE if n < len(low) // 2 else HIGH_AVERAGE for n, (_, one) in enumerate(low)}
    found = divide_regions(quality, variability, rank_ids(ids))
    assert found.region.tolist() == [expected.get(one) for one in ids]
    high = [v for v, one, _ in placed if expected[one] == HIGH_VARIANCE]
    good = [q for q, one in low if expected[one] == HIGH_AVERAGE]
    assert found[1:] == (min(high, default=None), min(good, default=None))


@given(maps())
def test_the_cuts_of_a_map_without_ties_give_its_regions_again(drawn):
    quality, variability, order = drawn
    quality, variability = quality + order / 1000, variability + order[::-1] / 1000
    found = divide_regions(quality, variability, np.arange(len(quality)))
    again = divide_by_cuts(quality, variability, found[1:])
    assert again.region.tolist() == found.region.tolist()
    assert again[1:] == found[1:]


def test_frozen_cuts_part_other_samples_and_what_ties_lies_above():
    found = divide_by_cuts(np.array([0.4, 0.5, 0.9, 0.9]), np.array([0.1, 0.1, 0.2, NONE]), (0.2, 0.5))
    assert found.region.tolist() == [LOW_AVERAGE, HIGH_AVERAGE, HIGH_VARIANCE, None]
    assert divide_by_cuts(np.array([0.4]), np.array([9.0]), (None, None)).region.tolist() == [LOW_AVERAGE]


def test_nulls_are_in_no_region_and_move_no_cut():
    found = divide_regions(np.array([0.5, NONE, 0.7, 0.6]), np.array([0.1, NONE, 0.3, 0.2]), np.arange(4))
    assert found.region.tolist() == [LOW_AVERAGE, None, HIGH_VARIANCE, HIGH_AVERAGE]
    assert found[1:] == (0.3, 0.6)


def test_ids_of_duplicates_rank_apart():
    ids = np.array(["ab", "ab-2", "ab-10", "aa", "b"], dtype=object)
    assert rank_ids(ids).tolist() == [1, 3, 2, 0, 4]


@pytest.mark.parametrize(("s", "y"), list(product([[1e150, 2e150], [1e-150, 2e-150], [5e-324, 0.0]], [[1, 0], [0, 1]])))
def test_huge_and_tiny_scores_raise_no_warning(s, y):
    assert len(measure_one(s, y)) == 8
