import numpy as np
import pytest

from engine.bench.detecting import Found, Scored, ask_cleanlab, count_found, rank_by_all
from engine.bench.noise import Bench, Run, measure_noise, open_bench, score_labels, summarise, suspect
from engine.bench.planting import Planted, plant
from engine.records import Message, Sample

NAN = float("nan")


def make_samples(count=200):
    return [
        Sample.of(prompt=[Message("user", f"Question {n}?")], texts=[f"good {n}", f"bad {n}"], labels=[1.0, 0.0])
        for n in range(count)
    ]


def judge(accuracy, seed):
    """A scorer that is right so often, whatever the labels say."""

    def score(samples):
        random = np.random.default_rng(seed)
        right = random.random(len(samples)) < accuracy
        pairs = sorted(
            (r.text.startswith("good"), r.response_id, n) for n, s in enumerate(samples) for r in s.responses
        )
        return {one: random.random() + (good == right[n]) for good, one, n in pairs}

    return score


def test_what_is_found_is_counted():
    suspicion = np.array([0.9, 0.8, NAN, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    flipped = np.array([True, False, True, True, *[False] * 7])
    found = count_found(suspicion, flipped)
    assert found == Found(
        pairs=10,
        planted=2,
        auroc=pytest.approx(15 / 16),
        average_precision=pytest.approx((1 + 2 / 3) / 2),
        precision_at_1=1.0,
        precision_at_5=1.0,
        precision_at_10=1.0,
        found_in_10=0.5,
        lift=pytest.approx(5),
    )


def test_ties_count_half():
    assert count_found(np.zeros(20), np.arange(20) < 5).auroc == 0.5


def test_where_nothing_is_planted_nothing_can_be_found():
    found = count_found(np.arange(20.0), np.zeros(20, dtype=bool))
    assert np.isnan([found.auroc, found.average_precision, found.found_in_10, found.lift]).all()


def test_a_pair_of_one_response_and_a_tie_have_no_margin():
    same = Sample.of(prompt=[Message("user", "Which?")], texts=["a", "a"], labels=[1.0, 0.0])
    tie = Sample.of(prompt=[Message("user", "Or?")], texts=["a", "b"], labels=[1.0, 1.0])
    three = Sample.of(prompt=[Message("user", "Three?")], texts=["a", "b", "c"], labels=[0.0, 2.0, 1.0])
    values = {r.response_id: float(n) for n, r in enumerate(r for s in (same, tie, three) for r in s.responses)}
    scored = score_labels([same, tie, three], values)
    assert np.isnan(scored.margin).tolist() == np.isnan(scored.cosine).tolist() == [True, True, False]
    spread = np.std([1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])  # the two scores of `same` are one
    assert scored.margin[2] == pytest.approx(1 / spread)


def test_methods_are_named_and_the_better_scorer_finds_more():
    bench = Bench(make_samples(), {"good": judge(0.9, 0), "poor": judge(0.6, 1)})
    runs = list(measure_noise(bench, kinds=["uniform"], rates=[0.1], seeds=range(3)))
    rows = {row.method: row for row in summarise(runs)}
    expected = {"good", "poor", "good, paper's cosine", "poor, paper's cosine", "ensemble (mean z)", "suspicion"}
    assert expected <= set(rows)
    good, poor, suspicion = (rows[name].mean.auroc for name in ("good", "poor", "suspicion"))
    assert good > poor + 0.1
    assert suspicion > good - 0.02
    assert {row.seeds for row in rows.values()} == {3}
    assert rows["good"].mean.planted == 20


def test_no_method_looks_at_what_was_planted():
    samples = make_samples()
    planted = plant(samples, 0.2, 0)
    shuffled = Planted(planted.samples, np.random.default_rng(1).permutation(planted.flipped))
    assert shuffled.flipped.tolist() != planted.flipped.tolist()
    scorers = {"good": judge(0.9, 0), "poor": judge(0.6, 1)}
    orders = [suspect(one.samples, scorers) for one in (planted, shuffled)]
    for method, suspicion in orders[0].items():
        assert suspicion.tobytes() == orders[1][method].tobytes()
        before, after = (count_found(suspicion, one.flipped).auroc for one in (planted, shuffled))
        assert before != after


def test_means_and_deviations_are_over_seeds():
    found = count_found(np.arange(10.0), np.arange(10) > 7)
    runs = [Run("uniform", 0.1, seed, "one", found._replace(auroc=value)) for seed, value in enumerate((0.6, 0.8))]
    (row,) = summarise(runs)
    assert (row.mean.auroc, row.sd.auroc, row.mean.lift) == (pytest.approx(0.7), pytest.approx(0.1), found.lift)


def test_a_project_brings_its_scores_and_is_not_written_to(make_project):
    rows = [
        {"prompt": f"{n}?", "chosen": f"Good {n}.", "rejected": f"Bad {n}.", "score_chosen": n % 7, "score_rejected": 2}
        for n in range(40)
    ]
    project = make_project(rows, specs=["column:score"])
    before = {path: path.read_bytes() for path in project.path.rglob("*") if path.is_file()}
    opened = open_bench(project.path, None, [])
    assert list(opened.scorers) == ["column-score"]
    (first, *_) = list(measure_noise(opened, kinds=["uniform"], rates=[0.2], seeds=[0]))
    assert (first.method, first.found.pairs, first.found.planted) == ("column-score", 40, 8)
    assert {path: path.read_bytes() for path in project.path.rglob("*") if path.is_file()} == before


def test_cleanlab_ranks_labels_against_a_good_scorer_first():
    pytest.importorskip("cleanlab")
    random = np.random.default_rng(0)
    flipped = random.permutation(300) < 30
    margins = random.normal(1.5, 1, 300) * np.where(flipped, -1, 1)
    margins[7] = NAN
    suspicion = ask_cleanlab(margins[:, None])
    assert np.isnan(suspicion).tolist() == np.isnan(margins).tolist()
    assert count_found(suspicion, flipped).auroc > 0.9
    assert "cleanlab" in rank_by_all({"one": Scored(margins, margins)}, None)
