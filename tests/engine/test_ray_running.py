"""Cutting work into chunks and scoring them, as a worker does; no Ray is needed."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import pytest

from engine.errors import ScorerRefusedError
from engine.records import Message, Sample, Score
from engine.scorers.catalog import NamedScorer
from engine.scores.ray_running import Chunk, Done, Worker, divide, score_chunk
from engine.scores.wanted import Ledger, Wanted


def make_sample(n: int, texts: tuple[str, ...] = ("long answer", "short")) -> Sample:
    labels = [float(len(texts) - at) for at in range(len(texts))]
    return Sample.of(prompt=[Message("user", f"Question {n}?")], texts=texts, labels=labels)


@dataclass(frozen=True)
class Fragile:
    """Scores by length; breaks at `poison`, refuses at `end`, and says a sentence."""

    poison: str = "poison"
    end: str = "end"

    def __call__(self, samples: Wanted) -> Iterator[Score]:
        samples.tell("warming up")
        for response in (response for sample in samples for response in sample.responses):
            if response.text == self.poison:
                raise ZeroDivisionError("the model gave\nnothing")
            if response.text == self.end:
                raise ScorerRefusedError("the server said 402")
            yield Score(response.response_id, float(len(response.text)))


FRAGILE = NamedScorer("fragile", "fragile", Fragile(), from_table=False)


def ids(chunk: Chunk) -> list[str]:
    return [one.response_id for sample in chunk.samples for one in sample.responses]


def test_chunks_are_of_about_so_many_responses_and_together_all_that_is_missing():
    samples = [make_sample(n, ("a", "b", "c")) for n in range(10)]
    ledger = Ledger()
    for response in (*samples[0].responses, samples[1].responses[2]):
        ledger.add(Score(response.response_id, 1.0))
    chunks = list(divide(Wanted(samples, ledger), workers=1, most=5))
    assert [len(ids(chunk)) for chunk in chunks] == [5, 6, 6, 6, 3]
    every = [one.response_id for sample in samples for one in sample.responses]
    assert list(chain(*map(ids, chunks))) == [one for one in every if one not in ledger.scored]


@pytest.mark.parametrize(("workers", "sizes"), [(1, [16, 16, 16, 16, 16, 20, 26, 32, 32, 2]), (4, [16] * 12 + [8])])
def test_chunks_grow_with_the_work_and_leave_some_for_each_worker(workers, sizes):
    samples = [make_sample(n) for n in range(sum(sizes) // 2)]
    assert [len(ids(chunk)) for chunk in divide(Wanted(samples), workers, most=32)] == sizes


def test_a_chunk_of_whole_samples_knows_what_is_answered_and_leaves_out_what_is_done():
    samples = [make_sample(n) for n in range(4)]
    ledger = Ledger()
    for response in samples[1].responses:
        ledger.add(Score(response.response_id, 1.0))
    known = samples[2].responses[0].response_id
    ledger.add(Score(known, 1.0, part="depth", parts=2))
    (chunk,) = divide(Wanted(samples, ledger, is_whole=True), workers=1, most=100)
    assert chunk.samples == (samples[0], samples[2], samples[3])
    assert (chunk.ledger.scored, chunk.ledger.lacks((known, "depth", 0))) == (set(), False)
    assert chunk.ledger.lacks((known, "style", 0))


def test_a_sample_that_breaks_the_scorer_has_a_reason_and_the_others_a_score(tmp_path):
    samples = (make_sample(0), make_sample(1, ("fine", "poison")), make_sample(2))
    done = score_chunk(FRAGILE, Chunk(samples, Ledger(), is_whole=False), tmp_path)
    first, broken, last = ([one.response_id for one in sample.responses] for sample in samples)
    assert done.scores == [
        Score(first[0], 11.0), Score(first[1], 5.0), Score(broken[0], 4.0),
        Score(broken[1], None, "the scorer broke: ZeroDivisionError: the model gave"),
        Score(last[0], 11.0), Score(last[1], 5.0),
    ]  # fmt: skip
    assert (set(done.said), done.refusal) == ({"warming up"}, "")


def test_a_refusal_keeps_what_was_scored_before(tmp_path):
    sample = make_sample(0, ("good", "end"))
    done = score_chunk(FRAGILE, Chunk((sample,), Ledger(), is_whole=False), tmp_path)
    assert done == Done([Score(sample.responses[0].response_id, 4.0)], ["warming up"], "the server said 402")


@pytest.mark.parametrize("text", ["", "long"])
def test_what_is_final_is_in_no_chunk(text):
    sample = make_sample(0, (text, "short"))
    ledger = Ledger()
    ledger.add(Score(sample.responses[0].response_id, None, "empty", final=True))
    (chunk,) = divide(Wanted([sample], ledger), workers=1, most=10)
    assert ids(chunk) == [sample.responses[1].response_id]


@pytest.mark.parametrize(
    ("identity", "refusal"),
    [
        (FRAGILE.identify(""), ""),
        (
            "0" * 16,
            f"fragile is another scorer on a worker (identity {FRAGILE.identify('')[:8]}, here 00000000): "
            "its files or its model differ there.",
        ),
    ],
)
def test_a_worker_scores_chunks_unless_its_scorer_is_another_one(identity, refusal):
    worker = Worker(pickle.dumps(FRAGILE), identity)
    work = [pickle.dumps(Chunk((make_sample(n),), Ledger(), is_whole=False)) for n in range(2)]
    done = [pickle.loads(one) for one in worker({"work": work})["done"]]
    assert [one.refusal for one in done] == [refusal] * 2
    assert [[score.value for score in one.scores] for one in done] == [[] if refusal else [11.0, 5.0]] * 2
