"""Batches by tokens. What runs here is a function of the tests that has as much memory as it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.modelling.batching import Batches, in_windows, pack, pad
from engine.modelling.encoding import Encoded

pytestmark = pytest.mark.filterwarnings("ignore")  # what other packages warn of while they are imported is not ours

LENGTHS = st.lists(st.integers(1, 300), max_size=60)


@given(LENGTHS, st.integers(1, 2000))
def test_batches_hold_each_once_and_no_more_than_the_budget(lengths, budget):
    batches = list(pack(lengths, budget))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[place] for place in batch)
        assert len(batch) == 1 or longest * len(batch) <= budget


def test_the_longest_come_first_so_that_the_largest_batch_fails_early():
    assert list(pack([3, 9, 1, 8, 4], 20)) == [[1, 3], [4, 0, 2]]


def test_a_stream_is_cut_into_windows():
    assert list(in_windows(range(5), 2)) == [[0, 1], [2, 3], [4]]


def small_memory(limit: int, error: type[Exception] | None = None, said: str = "CUDA out of memory"):
    """Give a run that fails above so many padded tokens, and the batches that it was given."""
    import torch

    ran = []

    def run(batch):
        ran.append(len(batch))
        if max(len(one.ids) for one in batch) * len(batch) > limit:
            raise (error or torch.cuda.OutOfMemoryError)(said)
        return [float(len(one.ids)) for one in batch]

    return run, ran


def items(lengths):
    return [(f"r{place}", Encoded([7] * length, 0)) for place, length in enumerate(lengths)]


@pytest.mark.parametrize(
    ("error", "said"),
    [(None, "CUDA out of memory"), (RuntimeError, "DefaultCPUAllocator: can't allocate memory: 9 GB")],
)
def test_out_of_memory_halves_the_budget_and_goes_on(error, said):
    run, ran = small_memory(100, error, said)
    told = []
    batches = Batches(400, told.append)
    found = dict(batches.run(items([20] * 40), run))
    assert found == {f"r{place}": 20.0 for place in range(40)}
    assert ran == [20, 10, 5, 5, 5, 5, 5, 5, 5, 5]
    assert told == [f"Out of memory: going on with {tokens} tokens a batch." for tokens in (200, 100)]
    assert dict(batches.run(items([20] * 5), run)) == {f"r{place}": 20.0 for place in range(5)}
    assert ran[-1] == 5


def test_one_response_that_does_not_fit_alone_is_missing_and_the_others_are_not():
    run, _ = small_memory(100)
    found = dict(Batches(10_000, lambda _: None).run(items([150, 30, 120, 40]), run))
    assert found == {"r0": None, "r1": 30.0, "r2": None, "r3": 40.0}


def test_another_error_is_no_lack_of_memory():
    run, _ = small_memory(10, RuntimeError, "expected scalar type Half but found Float")
    with pytest.raises(RuntimeError, match="expected scalar type"):
        list(Batches(100, lambda _: None).run(items([50]), run))


def test_padding_stands_on_the_right_and_is_not_looked_at():
    padded = pad([Encoded([5, 6, 7], 1, [0, 0, 1]), Encoded([8], 0, [0])], 9, "cpu")
    assert {name: rows.tolist() for name, rows in padded.items()} == {
        "input_ids": [[5, 6, 7], [8, 9, 9]],
        "attention_mask": [[1, 1, 1], [1, 0, 0]],
        "token_type_ids": [[0, 0, 1], [0, 0, 0]],
    }
