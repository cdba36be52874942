import numpy as np
import pytest

from engine.bench.planting import KINDS, draw, plant
from engine.records import Message, Sample


def make_samples(count=400):
    """Every other better response is the shorter; the first two of four pairs share words; four sources."""
    return [
        Sample.of(
            prompt=[Message("user", f"Question {n}?")],
            texts=["a b c d" + " e" * 10 * (n % 2), "a b c d e" if n % 4 < 2 else f"k{n} l m n o"],
            labels=[1.0, 0.0],
            source=f"source {n % 4}",
        )
        for n in range(count)
    ]


SAMPLES = make_samples()


@pytest.mark.parametrize("kind", KINDS)
def test_as_many_labels_are_exchanged_as_asked_for_and_no_more(kind):
    planted = plant(SAMPLES, 0.1, 0, kind)
    assert planted.flipped.sum() == 40
    for before, after, wrong in zip(SAMPLES, planted.samples, planted.flipped, strict=True):
        assert after.sample_id == before.sample_id
        assert [r.label for r in after.responses] == ([0.0, 1.0] if wrong else [1.0, 0.0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_plants_the_same_and_another_seed_others(kind):
    first, again, other = (plant(SAMPLES, 0.2, seed, kind).flipped for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


def test_each_kind_prefers_what_it_is_named_for():
    shorter = np.array([len(s.responses[0].text) < len(s.responses[1].text) for s in SAMPLES])
    close = np.arange(len(SAMPLES)) % 4 < 2
    flipped = plant(SAMPLES, 0.2, 0, "length").flipped
    assert flipped[shorter].mean() > 2 * flipped[~shorter].mean()
    flipped = plant(SAMPLES, 0.2, 0, "close").flipped
    assert flipped[close].mean() > 2 * flipped[~close].mean()
    flipped = plant(SAMPLES, 0.2, 0, "source").flipped
    rates = sorted(flipped[np.arange(len(SAMPLES)) % 4 == n].mean() for n in range(4))
    assert rates[2] > 2 * rates[1]


def test_ties_are_not_flipped():
    tie = Sample.of(prompt=[Message("user", "Which?")], texts=["a", "b"], labels=[1.0, 1.0])
    planted = plant([tie, *SAMPLES[:2]], 0.5, 0)
    assert (planted.flipped.sum(), planted.samples[0]) == (1, tie)


def test_a_weight_is_how_often_one_is_drawn_first():
    firsts = [int(draw(np.array([4.0, 1.0]), 1, np.random.default_rng(seed))[0]) for seed in range(2_000)]
    assert np.mean(firsts) == pytest.approx(0.2, abs=0.03)
