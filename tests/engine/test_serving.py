from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.verdicts.serving import READ, REPEAT_DISTANCE, SKIPPED, UNREAD, Reading, Server, Turn, permute, reached

IDS = [f"{n * 7919:016x}" for n in range(600)]


def make_server(size: int = 600, reviewer: str = "kim", **shares) -> Server:
    return Server(permute(IDS[:size], reviewer), reviewer, **shares)


def sit(server: Server, order, turns: int, is_skip=lambda _: False) -> list[Reading]:
    """Read so many turns of a queue."""
    state = np.zeros(len(order), dtype=np.int8)
    readings: list[Reading] = []
    for number in range(turns):
        left = [int(one) for one in order if state[one] == UNREAD]
        turn = server.next(left[0] if left else None, state, readings)
        if turn is None:
            break
        state[turn.ordinal] = SKIPPED if is_skip(number) else READ
        readings.append(Reading(turn.ordinal, turn.served, is_skip(number)))
    return readings


def served(readings, kind):
    return [one.ordinal for one in readings if one.served == kind]


def test_a_permutation_is_known():
    assert permute(IDS[:8], "kim").tolist() == [3, 6, 1, 4, 5, 7, 2, 0]
    assert sorted(permute(IDS, "kim").tolist()) == list(range(600))


def test_another_reviewer_gets_other_controls():
    assert permute(IDS, "kim").tolist() != permute(IDS, "lee").tolist()


@given(st.integers(1, 599))
def test_samples_that_are_added_leave_the_order_of_the_others(size):
    whole = permute(IDS, "kim")
    assert whole[whole < size].tolist() == permute(IDS[:size], "kim").tolist()


def test_shares_are_what_was_asked_for():
    kinds = Counter(make_server(controls=0.08, repeats=0.02).kind(turn) for turn in range(3_600))
    assert kinds["control"] == 300
    assert 55 <= kinds["repeat"] <= 72


@pytest.mark.parametrize("share", [0.05, 0.1])
def test_every_stretch_of_turns_has_one_control(share):
    server, length = make_server(controls=share, repeats=0), round(1 / share)
    places = [[server.kind(block * length + n) for n in range(length)].index("control") for block in range(100)]
    assert len(set(places)) > length // 2


def test_without_shares_there_is_only_the_queue():
    readings = sit(make_server(controls=0, repeats=0), range(600), 300)
    assert readings == [Reading(n, "queue") for n in range(300)]


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(120)), st.integers(1, 110))
def test_controls_never_depend_on_the_queue_or_on_verdicts(order, turns):
    server = make_server(120)
    readings = sit(server, order, turns)
    controls = served(readings, "control")
    before = server.permutation.tolist()[: server.permutation.tolist().index(controls[-1]) + 1] if controls else []
    read = {one.ordinal for one in readings}
    assert set(before) <= read
    assert controls == [one for one in before if one in set(controls)]
    state = np.array([READ if n in read else UNREAD for n in range(120)], dtype=np.int8)
    assert reached(server.permutation, state).tolist()[: len(before)] == before


def test_a_turn_comes_back_after_a_restart_and_after_an_undo():
    order, server = list(range(599, -1, -1)), make_server()
    readings = sit(server, order, 200)
    for number in (0, 57, 101, 199):
        state = np.zeros(600, dtype=np.int8)
        state[[one.ordinal for one in readings[:number]]] = READ
        following = next(one for one in order if state[one] == UNREAD)
        again = make_server().next(following, state, readings[:number])
        assert again == Turn(readings[number].ordinal, readings[number].served)


def test_a_repeat_comes_late_once_and_swapped():
    readings = sit(make_server(repeats=0.1), range(600), 500)
    repeats = served(readings, "repeat")
    assert len(repeats) > 30
    assert len(set(repeats)) == len(repeats)
    for number, one in enumerate(readings):
        if one.served == "repeat":
            first = next(n for n, other in enumerate(readings) if other.ordinal == one.ordinal)
            assert number - first >= REPEAT_DISTANCE
    assert [Turn(1, kind).is_swapped for kind in ("queue", "control", "repeat")] == [False, False, True]


def test_a_skipped_control_is_passed_over_and_counts_for_nothing():
    server = make_server(controls=0.5, repeats=0)
    readings = sit(server, range(600), 40, is_skip=lambda turn: server.kind(turn) == "control" and turn < 10)
    controls = served(readings, "control")
    assert len(set(controls)) == len(controls)
    state = np.zeros(600, dtype=np.int8)
    for one in readings:
        state[one.ordinal] = SKIPPED if one.is_skip else READ
    skipped = {one.ordinal for one in readings if one.is_skip}
    assert len(skipped) == 5
    assert set(controls) - skipped <= set(reached(server.permutation, state).tolist())
    assert not skipped & set(reached(server.permutation, state).tolist())


def test_the_review_ends_with_the_queue():
    assert make_server().next(None, np.zeros(600, dtype=np.int8), []) is None
    assert sit(make_server(60), range(60), 1_000)[-1].ordinal in range(60)
    assert {one.ordinal for one in sit(make_server(60), range(60), 1_000)} == set(range(60))
