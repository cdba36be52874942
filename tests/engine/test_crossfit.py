"""crossfit scores every response by a model that never saw its label."""

import random
from collections.abc import Sequence
from dataclasses import replace
from shutil import copytree

import pytest

from engine.errors import ScorerRefusedError
from engine.records import Message, Sample, Score
from engine.scorers import crossfit
from engine.scorers.catalog import make_scorer
from engine.scorers.crossfit import Crossfit

GOOD = ["certainly", "glad", "clear", "useful", "careful", "answer", "follows", "explained", "kindly", "here"]
BAD = ["whatever", "nope", "dunno", "boring", "stupid", "leave", "nonsense", "garbage", "bother", "lazy"]
PLAIN = [
    "the",
    "a",
    "of",
    "river",
    "stone",
    "paper",
    "window",
    "green",
    "walks",
    "seven",
    "table",
    "music",
    "often",
    "under",
]
FLIPPED = range(0, 200, 10)


def write(likely: Sequence[str], draw: random.Random) -> str:
    return " ".join(draw.choices(likely, k=4) + draw.choices(PLAIN, k=8))


def make_sample(number: int, texts: Sequence[str], labels: Sequence[float | None]) -> Sample:
    return Sample.of(prompt=[Message("user", f"question {number}")], texts=texts, labels=labels)


def make_pairs(count: int = 200) -> list[Sample]:
    draw = random.Random(7)
    return [make_sample(n, (write(GOOD, draw), write(BAD, draw)), (1.0, 0.0)) for n in range(count)]


def exchange(sample: Sample) -> Sample:
    first, second = sample.responses
    return replace(sample, responses=(replace(first, label=second.label), replace(second, label=first.label)))


def score(samples: Sequence[Sample], **parameters: int) -> dict[str, Score]:
    return {score.response_id: score for score in Crossfit(**parameters)(samples)}


def margin(sample: Sample, scores: dict[str, Score]) -> float:
    pair = sample.pair
    chosen, rejected = (scores[sample.responses[i].response_id].value for i in (pair.chosen, pair.rejected))
    return chosen - rejected


def test_the_same_samples_give_the_same_scores():
    assert list(Crossfit()(make_pairs())) == list(Crossfit()(make_pairs()))


def test_another_seed_gives_other_scores():
    assert score(make_pairs(), seed=0) != score(make_pairs(), seed=1)


def test_the_order_of_rows_and_of_responses_does_not_matter():
    samples = make_pairs()
    twice = replace(exchange(samples[3]), sample_id=f"{samples[3].sample_id}-2")
    turned = [replace(sample, responses=sample.responses[::-1]) for sample in [twice, *samples]]
    random.Random(1).shuffle(turned)
    assert score(turned) == score([*samples, twice])


def test_every_response_is_scored_once_between_0_and_1():
    samples = make_pairs(60)
    same = make_sample(1000, ("a copy", "a copy"), (1.0, 0.0))
    scores = list(Crossfit()([*samples, replace(samples[0], sample_id="again"), same]))
    wanted = {response.response_id for sample in [*samples, same] for response in sample.responses}
    assert sorted(score.response_id for score in scores) == sorted(wanted)
    assert all(0 < score.value < 1 for score in scores)


def test_the_average_response_scores_about_a_half():
    values = [score.value for score in Crossfit()(make_pairs())]
    assert sum(values) / len(values) == pytest.approx(0.5, abs=0.02)


def test_an_empty_response_gets_no_score_for_good():
    sample = make_sample(1000, ("an answer", " \n"), (1.0, 0.0))
    scores = score([*make_pairs(60), sample])
    answer, empty = (scores[response.response_id] for response in sample.responses)
    assert empty == Score(empty.response_id, None, "empty response", final=True)
    assert answer.value is not None


def test_an_empty_dataset_gives_no_scores():
    assert list(Crossfit()([])) == []


@pytest.mark.parametrize("labels", [(1.0, 1.0), (None, None), (1.0, None)])
def test_ties_and_missing_labels_alone_are_refused(labels):
    samples = [make_sample(n, ("one answer", f"answer {n}"), labels) for n in range(100)]
    with pytest.raises(ScorerRefusedError, match=r"needs 20 pairs with different labels outside each fold.*finds 0"):
        list(Crossfit()(samples))


def test_a_dataset_too_small_to_fit_is_refused():
    with pytest.raises(ScorerRefusedError, match="finds 12"):
        list(Crossfit(folds=5)(make_pairs(15)))


def test_fewer_than_two_folds_are_refused():
    with pytest.raises(ScorerRefusedError, match="1 folds"):
        Crossfit(folds=1)


def test_ties_among_other_samples_are_scored_too():
    tie = make_sample(1000, (" ".join(GOOD), " ".join(BAD)), (0.0, 0.0))
    scores = score([*make_pairs(), tie])
    good, bad = (scores[response.response_id].value for response in tie.responses)
    assert good > bad + 0.1


def test_flipped_labels_have_the_lowest_margins():
    samples = [exchange(sample) if n in FLIPPED else sample for n, sample in enumerate(make_pairs())]
    scores = score(samples)
    worst = sorted(range(len(samples)), key=lambda n: margin(samples[n], scores))[: len(FLIPPED)]
    assert len(set(worst) & set(FLIPPED)) >= 0.8 * len(FLIPPED)


def test_a_fold_is_scored_by_a_model_that_never_saw_its_labels():
    samples = make_pairs()
    before, after = score(samples), score([exchange(samples[0]), *samples[1:]])
    unchanged = [s for s in samples if all(before[r.response_id] == after[r.response_id] for r in s.responses)]
    assert samples[0] in unchanged
    assert len(unchanged) == len(samples) / Crossfit().folds


def test_samples_of_one_prompt_are_held_out_together():
    samples = make_pairs()
    sibling = make_sample(0, ("another good answer", "another bad answer"), (1.0, 0.0))
    before, after = score([*samples, sibling]), score([*samples, exchange(sibling)])
    assert all(before[r.response_id] == after[r.response_id] for s in (samples[0], sibling) for r in s.responses)
    assert before != after


def test_four_responses_are_scored_in_the_order_of_their_labels():
    draw = random.Random(3)
    shares = (0, 1, 2, 3)
    samples = [
        make_sample(n, [" ".join(draw.choices(GOOD, k=2 * s) + draw.choices(BAD, k=6 - 2 * s)) for s in shares], shares)
        for n in range(80)
    ]
    scores = score(samples)
    means = [sum(scores[sample.responses[s].response_id].value for sample in samples) for s in shares]
    assert means == sorted(means)
    assert means[3] - means[0] > 0.2 * len(samples)


def test_above_fit_at_most_only_a_seeded_choice_is_learned_from():
    samples = make_pairs()
    few, all_of_them = score(samples, fit_at_most=30), score(samples)
    assert few != all_of_them
    assert sum(margin(sample, few) > 0 for sample in samples) > 0.9 * len(samples)


def test_the_middle_of_a_long_response_is_left_out():
    samples = make_pairs(60)
    middles = [make_sample(1000, (f"{'start ' * 20}{word}{' end' * 20}", "b"), (None, None)) for word in ("x", "y")]
    one, other = (score([*samples, middle], longest_text=100) for middle in middles)
    long_one, long_other = (middle.responses[0].response_id for middle in middles)
    assert one[long_one].value == pytest.approx(other[long_other].value, abs=1e-5)


def test_scores_come_while_the_samples_are_read_a_second_time():
    samples, read = make_pairs(2000), []

    class Watched:
        def __iter__(self):
            for sample in samples:
                read.append(sample)
                yield sample

    scores = Crossfit(fit_at_most=200)(Watched())
    next(scores)
    assert len(samples) < len(read) < 1.5 * len(samples)
    assert len(list(scores)) == 2 * len(samples) - 1
    assert len(read) == 2 * len(samples)


def test_several_processes_give_the_same_scores(monkeypatch):
    samples = make_pairs(600)
    alone = score(samples)
    monkeypatch.setattr(crossfit, "MANY_RESPONSES", 1)
    monkeypatch.setattr(crossfit, "count_processors", lambda: 2)
    assert score(samples) == alone


def test_each_prompt_of_few_gets_a_fold_of_its_own():
    draw = random.Random(5)
    samples = [make_sample(n % 3, (write(GOOD, draw), write(BAD, draw)), (1.0, 0.0)) for n in range(60)]
    scores = score(samples, folds=3)
    assert sum(margin(sample, scores) > 0 for sample in samples) > 50


def test_two_folds_do():
    samples = make_pairs(60)
    scores = score(samples, folds=2)
    assert sum(margin(sample, scores) > 0 for sample in samples) > 50


def test_vectors_of_an_embedder_join_the_features(tiny_embedder):
    samples = make_pairs(60)
    with_vectors = {one.response_id: one for one in Crossfit(features=str(tiny_embedder))(samples)}
    assert with_vectors.keys() == score(samples).keys()
    assert with_vectors != score(samples)


def test_what_changes_the_scores_is_part_of_the_identity(tiny_embedder, tmp_path):
    moved = tmp_path / "moved"
    copytree(tiny_embedder, moved)
    plain, here, there = (make_scorer(f"crossfit{more}", {}).identify("x")
                          for more in ("", f"?features={tiny_embedder}", f"?features={moved}"))  # fmt: skip
    assert plain != here == there


def test_responses_without_a_common_word_are_scored():
    samples = [make_sample(n, (chr(0x4E00 + n), chr(0x5E00 + n)), (1.0, 0.0)) for n in range(60)]
    assert len(score(samples)) == 120
