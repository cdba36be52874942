import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.commands import export
from engine.errors import ExportRefusedError
from engine.exports.pairing import PAIR_RULES
from engine.selecting import BY_MAP, MATCHED, POLICIES, MapColumns, agree, select
from engine.statistics import HIGH_AVERAGE, HIGH_VARIANCE, LOW_AVERAGE, divide_regions


def draw_columns(count: int, seed: int = 0, *, nulls: bool = False) -> MapColumns:
    """A map with many ties."""
    random = np.random.default_rng([count, seed])
    quality, variability = random.integers(0, 5, count) / 4, random.integers(0, 5, count) / 40
    if nulls:
        variability[random.random(count) < 0.2] = np.nan
    tie_rank, margin = random.permutation(count), random.integers(-4, 5, count) / 2
    return MapColumns(
        quality, variability, tie_rank, margin, random.integers(0, 7, count), random.integers(0, 4, count)
    )


def columns_of(count: int, **given: object) -> MapColumns:
    """A map on which all samples are alike, but for what is given."""
    zeros, whole = np.zeros(count), np.zeros(count, dtype=np.int64)
    alike = MapColumns(zeros, zeros, np.arange(count), zeros, whole + 1, whole)
    return alike._replace(**{name: np.array(values) for name, values in given.items()})


def reorder(columns: MapColumns, order: object) -> MapColumns:
    return MapColumns(*(column[order] for column in columns))


def kept(policy: str, columns: MapColumns, **options: object) -> list[int]:
    return np.flatnonzero(select(policy, columns, **options)).tolist()


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("count", [*range(1, 61), 5240])
def test_adm_low_average_and_high_variance_at_one_third_are_the_regions(count, nulls):
    columns = draw_columns(count, nulls=nulls and count > 3)
    region = divide_regions(*columns[:3]).region
    for policy, name in (("adm", HIGH_AVERAGE), ("low_average", LOW_AVERAGE), ("high_variance", HIGH_VARIANCE)):
        assert np.array_equal(select(policy, columns), region == name), policy


@pytest.mark.parametrize("columns", [draw_columns(0), columns_of(3, variability=[np.nan] * 3)])
def test_adm_without_a_placed_sample_is_refused(columns):
    with pytest.raises(ExportRefusedError, match=r"^Policy adm needs a map, and no sample has a score\. Run: prefmap"):
        select("adm", columns)


@pytest.mark.parametrize("count", [30, 60, 300, 3000, 60000])
@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 2 / 3])
def test_adm_keeps_the_fraction_that_was_asked_for(count, fraction):
    assert select("adm", draw_columns(count), fraction=fraction).sum() == round(count * fraction)


@given(st.integers(1, 200), st.floats(0.01, 0.66), st.floats(0.01, 0.66))
def test_adm_keeps_more_of_the_same_with_a_larger_fraction(count, one, other):
    columns = draw_columns(count)
    small, large = (select("adm", columns, fraction=fraction) for fraction in sorted((one, other)))
    assert not (small & ~large).any()


@pytest.mark.parametrize("policy", ["adm", "low_average"])
@pytest.mark.parametrize("fraction", [0.67, 0.7, 1])
def test_more_than_two_thirds_of_low_variability_are_refused_with_a_sentence(policy, fraction):
    with pytest.raises(ExportRefusedError) as refused:
        select(policy, draw_columns(10), fraction=fraction)
    assert str(refused.value) == (
        f"Policy {policy} drops the third of highest variability first, so --fraction {fraction:g} cannot be kept: "
        "it may be 2/3 (.666) at most. For more data use --policy all."
    )


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01, float("nan")])
def test_a_fraction_outside_of_0_to_1_is_refused(fraction):
    with pytest.raises(ExportRefusedError, match=r"must be above 0 and at most 1"):
        select("random", draw_columns(10), fraction=fraction)


def test_an_unknown_policy_is_refused():
    with pytest.raises(ExportRefusedError) as refused:
        select("best", draw_columns(3))
    names = ", ".join(policy.name for policy in POLICIES)
    assert str(refused.value) == f"There is no policy 'best': it may be {names}."


def test_the_command_knows_the_same_policies():
    assert [policy.name for policy in POLICIES] == list(export.POLICIES)
    assert (tuple(BY_MAP), MATCHED) == (export.BY_MAP, export.MATCHED)
    assert tuple(PAIR_RULES) == export.PAIRS


def test_all_keeps_all_even_what_is_on_no_map():
    assert select("all", columns_of(3, quality=[np.nan] * 3, variability=[np.nan] * 3)).all()


@given(st.permutations(range(40)), st.integers(0, 5), st.sampled_from([policy.name for policy in POLICIES]))
def test_a_policy_selects_ids_whatever_their_rows(order, seed, policy):
    columns = draw_columns(40, seed, nulls=True)
    moved = select(policy, reorder(columns, order), seed=seed)
    assert np.array_equal(moved, select(policy, columns, seed=seed)[order])


def test_random_keeps_a_share_and_differs_by_seed():
    columns = draw_columns(300)
    drawn = [select("random", columns, fraction=0.25, seed=seed) for seed in range(10)]
    assert {int(mask.sum()) for mask in drawn} == {75}
    assert len({mask.tobytes() for mask in drawn}) == 10


def test_random_of_nothing_is_nothing():
    assert select("random", draw_columns(0)).tolist() == []


# Each end of each column


def test_each_policy_takes_its_end():
    columns = columns_of(
        6, quality=[5, 0, 4, 1, 3, 2], variability=[6, 5, 1, 2, 3, 4], margin=[0, -3, np.nan, 2, 1, -1]
    )
    found = {policy: kept(policy, columns, fraction=1 / 3) for policy in BY_MAP}
    assert found == {
        "adm": [2, 4],
        "low_average": [3, 5],
        "high_variance": [0, 1],
        "low_variance": [2, 3],
        "quality": [0, 2],
        "large_margin": [3, 4],
        "small_margin": [1],
    }


@pytest.mark.parametrize("policy", [*BY_MAP, "random"])
@pytest.mark.parametrize("fraction", [0.1, 0.25, 1 / 3, 0.5, 2 / 3])
def test_every_policy_keeps_its_fraction(policy, fraction):
    assert select(policy, draw_columns(1200), fraction=fraction).sum() == round(1200 * fraction)


@pytest.mark.parametrize("policy", ["large_margin", "small_margin"])
def test_a_policy_by_margin_needs_one(policy):
    with pytest.raises(ExportRefusedError) as refused:
        select(policy, columns_of(3, margin=[np.nan] * 3))
    assert str(refused.value) == f"Policy {policy} needs a map, and no sample has a margin. Run: prefmap score"


# Matched at random


@given(st.integers(1, 120), st.integers(0, 20), st.sampled_from(list(BY_MAP)), st.floats(0.05, 0.6))
def test_matched_samples_give_as_many_pairs_and_are_of_the_same_strata(count, seed, match, fraction):
    columns = draw_columns(count, seed)
    wanted = select(match, columns, fraction=fraction)
    options = {"fraction": fraction, "seed": seed, "match": match}
    by_pairs, by_strata = (select(policy, columns, **options) for policy in MATCHED)
    for drawn in (by_pairs, by_strata):
        assert np.array_equal(np.sort(columns.pairs[drawn]), np.sort(columns.pairs[wanted]))
    assert np.array_equal(np.sort(columns.stratum[by_strata]), np.sort(columns.stratum[wanted]))


def test_a_matched_draw_is_even_over_all_that_would_do():
    columns = columns_of(30, quality=np.arange(30) / 30)
    drawn = np.sum([select("random_pairs", columns, seed=seed) for seed in range(300)], axis=0)
    assert drawn.sum() == 3000
    assert 70 <= drawn.min() <= drawn.max() <= 130


# Several maps


def test_a_consensus_is_the_mean_of_ranks_over_the_maps_that_know_a_sample():
    one = columns_of(4, quality=[1, 2, 3, 4], margin=[0, 0, 5, 5])
    other = columns_of(4, quality=[90, np.nan, 20, 10], margin=[np.nan] * 4)
    both = agree([one, other])
    assert both.quality.tolist() == pytest.approx(
        [(1 / 8 + 5 / 6) / 2, 3 / 8, (5 / 8 + 3 / 6) / 2, (7 / 8 + 1 / 6) / 2]
    )
    assert both.margin.tolist() == [0.25, 0.25, 0.75, 0.75]
    assert both.tie_rank is one.tie_rank


@given(st.integers(1, 40), st.integers(0, 9), st.sampled_from(list(BY_MAP)))
def test_the_consensus_of_one_map_selects_as_that_map_does(count, seed, policy):
    columns = draw_columns(count, seed)
    assert np.array_equal(select(policy, agree([columns, columns])), select(policy, columns))


def test_samples_that_are_left_out_count_for_nothing():
    columns = columns_of(6, quality=[5, 4, 3, 2, 1, 0])
    rest = columns.take(np.array([False, False, True, True, True, True]))
    assert (kept("quality", rest, fraction=0.5), rest.tie_rank.tolist()) == ([0, 1], [0, 1, 2, 3])
