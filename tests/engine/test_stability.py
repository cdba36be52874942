"""How sure regions are: against resampling by hand, against sklearn, and from the command line."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import f1_score

from engine.errors import MapMissingError
from engine.mapping import build_map
from engine.sources import SourceReader
from engine.stability import estimate_membership, macro_f1, measure_stability, resample_cuts
from engine.statistics import HIGH_AVERAGE, HIGH_VARIANCE, LOW_AVERAGE, divide_regions
from engine.store import Store

NAMES = np.array([HIGH_AVERAGE, LOW_AVERAGE, HIGH_VARIANCE], dtype=object)


@given(st.integers(1, 60), st.integers(0, 30), st.booleans())
def test_the_cuts_are_those_of_samples_drawn_by_hand(size, seed, ties):
    values = np.random.default_rng(seed).random((2, size)).round(1 if ties else 9)
    quality, variability = values
    random = np.random.default_rng(seed)
    for found in resample_cuts(quality, variability, resamples=3, seed=seed):
        drawn = np.sort(random.integers(size, size=size))
        by_hand = divide_regions(quality[drawn], variability[drawn], np.arange(size))
        assert found == (by_hand.variability_cut, np.inf if by_hand.quality_cut is None else by_hand.quality_cut)


def test_a_sample_far_from_the_cuts_is_sure_and_one_at_a_cut_is_not():
    quality, variability = np.arange(300) / 300, np.arange(300) % 30 / 30
    shares = estimate_membership(quality, variability, resamples=200, seed=0)
    assert shares.sum(axis=1) == pytest.approx(1)
    region = divide_regions(quality, variability, np.arange(300)).region
    own = np.array([shares[n, list(NAMES).index(name)] for n, name in enumerate(region)])
    assert own[variability == 0].min() < 0.7 < own[variability == 0].max() == 1
    assert own[variability > 0.9].min() == 1
    assert own.mean() > 0.9


def test_samples_that_are_on_no_map_have_no_share():
    shares = estimate_membership(np.array([1.0, np.nan, 2]), np.array([0.1, np.nan, 0.2]), resamples=9, seed=0)
    assert np.isnan(shares).all(axis=1).tolist() == [False, True, False]
    assert np.isnan(estimate_membership(np.full(2, np.nan), np.full(2, np.nan), resamples=9, seed=0)).all()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_macro_f1_is_that_of_sklearn(pairs):
    one, other = (NAMES[[pair[at] for pair in pairs]] for at in (0, 1))
    expected = f1_score(one.astype(str), other.astype(str), average="macro", zero_division=0)
    assert macro_f1(one, other) == pytest.approx(expected) == macro_f1(other, one)


@pytest.fixture
def judged_twice(import_rows, log_scores):
    """120 pairs and two scorers that agree in part."""
    project = import_rows([{"prompt": f"{n}?", "chosen": "Good", "rejected": "Bad"} for n in range(120)])
    ids = [one.response_id for sample in SourceReader(project) for one in sample.responses]
    chance = np.random.default_rng(2)
    shared = chance.random(len(ids))
    for name in ("one", "two"):
        log_scores(project, name, dict(zip(ids, (shared + chance.random(len(ids)) / 2).tolist(), strict=True)))
    build_map(project)
    return project


def test_two_scorers_are_compared_by_regions_and_ranks(judged_twice):
    found = measure_stability(judged_twice, resamples=20)
    assert [one.scorer for one in found.memberships] == ["ensemble", "one", "two"]
    pair = found.agreements[-1]
    store = Store.open(judged_twice.map)
    one, two = store.points("one"), store.points("two")
    assert (pair.one, pair.other, pair.samples) == ("one", "two", 120)
    assert pair.rank["quality"] == pytest.approx(spearmanr(one.quality, two.quality).statistic)
    assert pair.rank["variability"] == pytest.approx(spearmanr(one.variability, two.variability).statistic)
    assert pair.same == np.mean(one.region == two.region)
    assert 0.4 < pair.macro_f1 < 1
    store.close()


def test_the_same_seed_gives_the_same_shares(judged_twice):
    one, other = (measure_stability(judged_twice, resamples=20).memberships[0] for _ in range(2))
    assert np.array_equal(one.shares, other.shares)
    assert 0.5 < one.own.mean() < 1


def test_frozen_cuts_move_with_no_draw(judged_twice):
    build_map(judged_twice, cuts_from=judged_twice)
    found = measure_stability(judged_twice, resamples=5)
    assert (found.memberships, found.frozen) == ([], ["ensemble", "one", "two"])
    assert len(found.agreements) == 3


def test_a_project_without_scores_has_nothing_to_be_sure_of(import_rows):
    project = import_rows([{"prompt": "?", "chosen": "Good", "rejected": "Bad"}])
    build_map(project)
    with pytest.raises(MapMissingError, match=r"has no scores to be sure of\. Run: prefmap score"):
        measure_stability(project)


def test_the_report_tells_it_and_writes_the_share_of_each_sample(judged_twice, tmp_path):
    command = [sys.executable, "-m", "engine", "report", str(judged_twice.path), "--stability"]
    done = subprocess.run([*command, str(tmp_path / "sure.csv")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["regions when the samples are drawn anew (with replacement), and cut anew", "  ensemble"]
    assert "  one and two, 120 samples" in lines
    with (tmp_path / "sure.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 360
    assert all(sum(float(row[name]) for name in NAMES) == pytest.approx(1) for row in rows)
    said = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True).stdout)
    assert list(said["membership"]) == ["ensemble", "one", "two"]
    assert said["membership"]["one"]["high_average"]["samples"] == 40
    assert {"one", "other", "samples", "rank", "macro_f1", "same"} == set(said["agreement"][0])
