import getpass
import json
import random
import shutil
import socket
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import LogBusyError, LogDamagedError, VerdictRefusedError
from engine.extents import find_break
from engine.logs import Log, read_log
from engine.project import Project
from engine.records import Labelled, Message, Pair, Sample, content_of
from engine.reviewing import Review, name_reviewer, unread
from engine.verdicts.outcomes import VERDICTS, Decision, Outcomes, decide, weigh
from engine.verdicts.steps import History, Outcome, Remark

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def make_sample(*texts: str, labels=None, prompt: str = "Why?") -> Sample:
    labels = labels or [float(len(texts) - n) for n in range(len(texts))]
    return Sample.of(prompt=[Message("user", prompt)], texts=texts, labels=labels)


PAIR = make_sample("good", "bad")
TIE = make_sample("one", "other", labels=(2.0, 2.0))
UNLABELLED = make_sample("one", "other", labels=(None, 1.0), prompt="And?")
FOUR = make_sample("a", "b", "c", "d", labels=(3.0, None, 5.0, 1.0))

SAMPLES = [
    PAIR,
    TIE,
    FOUR,
    make_sample("é\u200d", "e\u0301\u200d", "<s>\n", labels=(0.0, 1.0, 0.5)),
    make_sample("same", "same", "other", "", labels=(1.0, 4.0, 2.0, 3.0)),
    make_sample(*"abcde", labels=(1.0, 1.0, 1.0, 1.0, 1.0)),
    make_sample(*"abcdef"),
    make_sample(*"abcdefg", labels=(None, 2.0, 2.0, 7.0, 7.0, 1.0, 1.0)),
    replace(PAIR, sample_id=f"{PAIR.sample_id}-2", responses=PAIR.responses[::-1]),
]


def clock():
    """Time that goes on by a second whenever it is asked for."""
    steps = count()
    return lambda: NOON + timedelta(seconds=next(steps))


def in_minutes(minutes: float):
    return lambda: NOON + timedelta(minutes=minutes)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "pairs.prefmap")
    project.create()
    return project


def give(project: Project, reviewer: str, sample: Sample, verdict: str, minutes: float = 0, **more) -> None:
    with closing(Review(project, reviewer, now=in_minutes(minutes))) as review:
        review.give(sample, verdict, **more)


def read_outcomes(project: Project) -> Outcomes:
    return Outcomes.read(project.review_logs())


def rename_device(project: Project, reviewer: str, device: str) -> None:
    """Make a log look as if it came from another machine."""
    (log,) = project.reviews.glob(f"{reviewer}.*.jsonl")
    log.rename(project.reviews / f"{reviewer}.{device}.jsonl")


# What a verdict means


@pytest.mark.parametrize(
    ("sample", "verdict", "choice", "pair"),
    [
        (PAIR, "keep", (None, None), Pair(0, 1)),
        (PAIR, "flip", (None, None), Pair(1, 0)),
        (PAIR, "keep", (0, 1), Pair(0, 1)),
        (PAIR, "flip", (1, 0), Pair(1, 0)),
        (PAIR, "tie", (None, None), None),
        (PAIR, "drop", (None, None), None),
        (PAIR, "skip", (None, None), None),
        (FOUR, "keep", (None, None), Pair(2, 3)),
        (FOUR, "flip", (None, None), Pair(3, 2)),
        (FOUR, "flip", (1, 0), Pair(1, 0)),
        (TIE, "flip", (1, 0), Pair(1, 0)),
    ],
)
def test_a_verdict_means_a_pair_or_none(sample, verdict, choice, pair):
    assert weigh(sample, verdict, *choice) == pair


@pytest.mark.parametrize("sample", [TIE, UNLABELLED])
@pytest.mark.parametrize("verdict", ["keep", "flip"])
def test_a_label_without_direction_can_be_neither_kept_nor_flipped(sample, verdict):
    with pytest.raises(VerdictRefusedError) as refused:
        weigh(sample, verdict)
    assert str(refused.value) == (
        f"The label of {sample.sample_id} has no direction, so there is nothing to {verdict}: "
        "say which response is better, or tie."
    )


@pytest.mark.parametrize("choice", [(0, 0), (0, 2), (2, 0), (-1, 0), (0, -1)])
def test_a_choice_must_be_of_two_responses_of_the_sample(choice):
    with pytest.raises(VerdictRefusedError, match=r"has responses 0 to 1: -?\d over -?\d is no choice of two\.$"):
        weigh(PAIR, "flip", *choice)


@pytest.mark.parametrize(("sample", "choice"), [(PAIR, (1, 0)), (FOUR, (0, 3)), (TIE, (0, 1))])
def test_a_choice_against_the_label_is_no_keep(sample, choice):
    with pytest.raises(VerdictRefusedError, match=r"does not prefer \d over \d, so that is a flip\.$"):
        weigh(sample, "keep", *choice)


def test_a_refused_verdict_writes_nothing(project):
    with closing(Review(project, "kim")) as review:
        for verdict in ("keep", "flip"):
            with pytest.raises(VerdictRefusedError):
                review.give(TIE, verdict)
        assert (list(review.steps), review.standing()) == ([], {})
    (log,) = project.review_logs()
    assert log.read_bytes() == b""


# The line in the log


def test_a_line_says_all_of_a_verdict(project):
    with closing(Review(project, "kim", now=in_minutes(0))) as review:
        outcome = review.give(PAIR, "flip", seconds=2.5, mode="blind", rank=17)
    (log,) = project.review_logs()
    assert log.name == f"kim.{socket.gethostname().replace('.', '_')}.jsonl"
    (line,) = read_log(log).lines
    good, bad = (response.response_id for response in PAIR.responses)
    assert {key: value for key, value in line.items() if key != "id"} == {
        "kind": "verdict", "sample_id": PAIR.sample_id, "verdict": "flip", "preferred": bad, "rejected": good,
        "seconds": 2.5, "mode": "blind", "rank": 17, "reviewer": "kim", "time": "2026-01-01T12:00:00.000+00:00",
        "prev": "",
    }  # fmt: skip
    assert (outcome.verdict, outcome.preferred, outcome.rejected, outcome.seconds) == ("flip", bad, good, 2.5)


def test_a_verdict_is_in_the_log_when_give_returns(project):
    with closing(Review(project, "kim")) as review:
        for n, sample in enumerate((PAIR, FOUR), start=1):
            review.give(sample, "flip")
            assert len(read_log(project.review_logs()[0]).lines) == n


def test_ids_of_lines_are_different_even_within_a_millisecond(project):
    with closing(Review(project, "kim", now=in_minutes(0))) as review:
        for _ in range(5):
            review.give(PAIR, "flip")
    lines = read_log(project.review_logs()[0]).lines
    assert len({line["id"] for line in lines}) == 5


# Undo and redo


NUMBERS = st.integers(0, len(SAMPLES) - 1)

ACTS = st.one_of(
    st.tuples(st.just("give"), NUMBERS, st.randoms(use_true_random=False)),
    st.tuples(st.just("give_all"), st.lists(NUMBERS, max_size=6), st.sampled_from(VERDICTS), st.booleans()),
    st.tuples(st.just("note"), NUMBERS, st.sampled_from(["", "hm", "\u00e9\n"])),
    st.tuples(st.just("flag"), NUMBERS),
    st.sampled_from([("undo",), ("redo",), ("reopen",)]),
)


def draw_verdict(sample: Sample, chance: random.Random) -> tuple[str, dict]:
    """Draw any verdict that means something for this sample."""
    verdict = chance.choice(["tie", "drop", "skip", "flip", "choose", *(["keep"] if sample.pair else [])])
    if verdict == "choose" or (verdict == "flip" and sample.pair is None):
        preferred, rejected = chance.sample(range(len(sample.responses)), 2)
        word = "keep" if Pair(preferred, rejected) == sample.pair else "flip"
        return word, {"preferred": preferred, "rejected": rejected}
    return verdict, {}


def label(sample: Sample) -> Labelled:
    sides = [sample.responses[n].response_id for n in (sample.pair.chosen, sample.pair.rejected)] if sample.pair else []
    return Labelled(sample.sample_id, *(sides or (None, None)))


def unique(reached: set[str], numbers: list[int]) -> list[str]:
    return [key for key in dict.fromkeys(SAMPLES[n].content_id for n in numbers) if key in reached]


class Desk:
    """A reviewer's log, opened again and again, beside a plain model of what it should say."""

    def __init__(self, folder: str) -> None:
        self.project = Project(Path(folder))
        self.project.create()
        self.now = clock()
        give(self.project, "kim", FOUR, "flip", minutes=-60)
        rename_device(self.project, "kim", "laptop")
        self.elsewhere = read_outcomes(self.project).by("kim")
        self.done: list = []
        self.undone: list = []
        self.review = Review(self.project, "kim", now=self.now)

    def reopen(self) -> None:
        self.review.close()
        self.review = Review(self.project, "kim", now=self.now)

    def give(self, number: int, chance: random.Random) -> None:
        sample = SAMPLES[number]
        verdict, choice = draw_verdict(sample, chance)
        outcome = self.review.give(sample, verdict, **choice)
        assert (outcome.sample_id, outcome.verdict) == (sample.sample_id, verdict)
        self.done.append(outcome)
        self.undone.clear()

    def give_all(self, numbers: list[int], verdict: str, overwrite: bool) -> None:
        before = self.review.standing()
        batch = self.review.give_all([label(SAMPLES[n]) for n in numbers], verdict, overwrite=overwrite)
        reached = {
            SAMPLES[n].content_id
            for n in numbers
            if (overwrite or SAMPLES[n].content_id not in before or before[SAMPLES[n].content_id].verdict == "skip")
            and (SAMPLES[n].pair or verdict not in ("keep", "flip"))
        }
        assert (
            [content_of(one.sample_id) for one in batch.outcomes] == unique(reached, numbers) if batch else not reached
        )
        self.keep(batch)

    def note(self, number: int, text: str) -> None:
        self.keep(self.review.note(SAMPLES[number].sample_id, text))

    def flag(self, number: int) -> None:
        assert self.keep(self.review.flag(SAMPLES[number].sample_id))

    def keep(self, step):
        if step:
            self.done.append(step)
            self.undone.clear()
        return step

    def undo(self) -> None:
        assert self.review.undo() == (self.done[-1] if self.done else None)
        if self.done:
            self.undone.append(self.done.pop())

    def redo(self) -> None:
        assert self.review.redo() == (self.undone[-1] if self.undone else None)
        if self.undone:
            self.done.append(self.undone.pop())

    def check(self) -> None:
        outcomes = [one for step in self.done for one in getattr(step, "outcomes", [step]) if isinstance(one, Outcome)]
        remarks = [step for step in self.done if isinstance(step, Remark)]
        expected = self.elsewhere | {content_of(one.sample_id): one for one in outcomes}
        noted = {(content_of(one.sample_id), one.kind): one for one in remarks}
        assert (self.review.standing(), self.review.remarks()) == (expected, noted)
        assert list(self.review.steps) == self.done
        assert read_outcomes(self.project).by("kim") == self.review.outcomes().by("kim") == expected
        assert read_outcomes(self.project).remarks_by("kim") == noted


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTS, max_size=14), st.sets(st.integers(0, 30)))
def test_undo_all_is_the_start_and_redo_all_is_the_end(acts, restarts):
    with TemporaryDirectory() as folder:
        desk = Desk(folder)
        for name, *details in acts:
            getattr(desk, name)(*details)
            desk.check()
        before, steps = (desk.review.standing(), desk.review.remarks()), len(desk.done)
        for n in range(steps + 1):
            desk.undo()
            if n in restarts:
                desk.reopen()
        assert (desk.review.standing(), desk.review.remarks()) == (desk.elsewhere, {})
        for n in range(steps):
            desk.redo()
            if n + 15 in restarts:
                desk.reopen()
        assert (desk.review.standing(), desk.review.remarks()) == before
        desk.check()
        desk.review.close()
        assert all(find_break(log) is None for log in desk.project.review_logs())


def test_redo_ends_with_a_new_verdict(project):
    with closing(Review(project, "kim")) as review:
        review.give(PAIR, "flip")
        review.undo()
        review.give(FOUR, "tie")
        assert review.redo() is None
        assert [step.verdict for step in review.steps] == ["tie"]


def test_undo_of_a_second_verdict_brings_the_first_back(project):
    with closing(Review(project, "kim")) as review:
        first = review.give(PAIR, "flip")
        review.give(PAIR, "drop")
        review.undo()
        assert review.standing() == {PAIR.content_id: first}


def test_undo_and_redo_without_a_step_write_nothing(project):
    with closing(Review(project, "kim")) as review:
        assert (review.undo(), review.redo()) == (None, None)
    assert project.review_logs()[0].read_bytes() == b""


def test_undo_never_takes_back_what_another_reviewer_did(project):
    give(project, "lee", PAIR, "flip")
    with closing(Review(project, "kim")) as review:
        assert review.undo() is None
    assert [outcome.reviewer for outcome in read_outcomes(project)] == ["lee"]


@pytest.mark.parametrize("names", [("a b", "a_b"), ("kim.lee", "kim_lee"), ("!", "?"), ("anonymous", "...")])
def test_reviewers_with_names_that_look_alike_have_a_log_each(project, names):
    for name in names:
        give(project, name, PAIR, "flip")
    with closing(Review(project, names[0])) as review:
        review.undo()
        assert review.undo() is None
    assert [outcome.reviewer for outcome in read_outcomes(project)] == [names[1]]


# Applied twice


@given(st.sampled_from(SAMPLES), st.randoms(use_true_random=False), st.integers(1, 4))
def test_a_verdict_given_again_is_given_once(sample, chance, times):
    verdict, choice = draw_verdict(sample, chance)
    with TemporaryDirectory() as folder, closing(Review(Project(Path(folder)), "kim", now=clock())) as review:
        decisions = {decide(sample, review.give(sample, verdict, **choice)) for _ in range(times)}
        assert len(decisions) == 1
        assert Outcomes([review.standing()]).decide(sample) in decisions


def test_flip_twice_is_still_a_flip(project):
    for minutes in range(2):
        give(project, "kim", PAIR, "flip", minutes)
    assert read_outcomes(project).decide(PAIR) == Decision(Pair(1, 0), changed=True)


def test_keep_after_flip_is_the_label(project):
    give(project, "kim", PAIR, "flip")
    give(project, "kim", PAIR, "keep")
    assert read_outcomes(project).decide(PAIR) == Decision(Pair(0, 1))


@given(st.sampled_from(SAMPLES), st.randoms(use_true_random=False))
def test_an_outcome_says_which_text_is_better_whatever_the_label_and_the_order(sample, chance):
    verdict, choice = draw_verdict(sample, chance)
    with TemporaryDirectory() as folder, closing(Review(Project(Path(folder)), "kim")) as review:
        outcome = review.give(sample, verdict, **choice)
    moved = list(sample.responses)
    chance.shuffle(moved)
    labels = [response.label for response in moved]
    chance.shuffle(labels)
    other = replace(
        sample, responses=tuple(replace(one, label=label) for one, label in zip(moved, labels, strict=True))
    )
    if verdict == "skip":
        assert decide(other, outcome) == decide(other, None)
        return
    first, second = (decide(one, outcome) for one in (sample, other))
    assert texts(sample, first) == texts(other, second)
    assert first.reason == second.reason


def texts(sample: Sample, decision: Decision) -> list[str]:
    if decision.pair is None:
        return []
    return [sample.responses[index].text for index in (decision.pair.chosen, decision.pair.rejected)]


def test_a_duplicate_with_exchanged_labels_gets_the_right_pair(project):
    give(project, "kim", PAIR, "flip")
    again = make_sample("good", "bad", labels=(0.0, 1.0))
    assert again.content_id == PAIR.content_id
    outcomes = read_outcomes(project)
    assert outcomes.decide(replace(again, sample_id=f"{again.sample_id}-2")) == Decision(Pair(1, 0), changed=False)
    assert outcomes.decide(PAIR) == Decision(Pair(1, 0), changed=True)


def test_a_verdict_on_a_duplicate_covers_the_first_row_too(project):
    give(project, "kim", replace(PAIR, sample_id=f"{PAIR.sample_id}-3"), "drop")
    assert read_outcomes(project).decide(PAIR) == Decision(None, "dropped by verdict", changed=True)


def test_keep_changes_nothing_even_where_a_duplicate_response_has_another_label(project):
    best = make_sample("same", "same", "other", labels=(2.0, 4.0, 1.0))
    give(project, "kim", best, "keep")
    decision = read_outcomes(project).decide(best)
    assert (texts(best, decision), decision.changed) == (["same", "other"], False)


# What becomes of a sample


@pytest.mark.parametrize(
    ("sample", "verdict", "decision"),
    [
        (PAIR, None, Decision(Pair(0, 1))),
        (TIE, None, Decision(None, "tie")),
        (UNLABELLED, None, Decision(None, "no label")),
        (PAIR, "keep", Decision(Pair(0, 1))),
        (PAIR, "flip", Decision(Pair(1, 0), changed=True)),
        (PAIR, "tie", Decision(None, "tie by verdict", changed=True)),
        (PAIR, "drop", Decision(None, "dropped by verdict", changed=True)),
        (PAIR, "skip", Decision(Pair(0, 1))),
        (TIE, "skip", Decision(None, "tie")),
    ],
)
def test_a_verdict_decides(project, sample, verdict, decision):
    if verdict:
        give(project, "kim", sample, verdict)
    assert read_outcomes(project).decide(sample) == decision


@pytest.mark.parametrize(("sample", "decision"), [(PAIR, Decision(Pair(0, 1))), (TIE, Decision(None, "tie"))])
def test_a_verdict_on_a_response_that_is_gone_leaves_the_label(project, sample, decision):
    give(project, "kim", sample, "flip", preferred=1, rejected=0)
    (outcome,) = read_outcomes(project)
    for gone in (replace(outcome, preferred="0" * 16), replace(outcome, rejected="0" * 16)):
        assert decide(sample, gone) == decision
        assert Outcomes([{sample.content_id: gone}]).decide(sample) == decision


def test_skip_counts_as_unread(project):
    give(project, "kim", PAIR, "skip")
    give(project, "lee", FOUR, "keep")
    outcomes = read_outcomes(project)
    assert (outcomes.decided_by(), outcomes.decided_by("kim"), outcomes.decided_by("lee")) == (
        [FOUR.content_id], [], [FOUR.content_id],
    )  # fmt: skip
    assert outcomes.on(PAIR.content_id) == []
    assert len(list(outcomes)) == 2


def test_a_skip_takes_an_earlier_verdict_out(project):
    give(project, "kim", PAIR, "flip")
    give(project, "kim", PAIR, "skip")
    outcomes = read_outcomes(project)
    assert (outcomes.decided_by(), outcomes.decide(PAIR)) == ([], Decision(Pair(0, 1)))


def test_unread_leaves_out_what_was_read_and_keeps_the_order():
    assert unread(np.array([3, 1, 2, 0]), np.array([2, 3])).tolist() == [1, 0]
    assert unread(np.array([3, 1]), np.array([], dtype=np.int64)).tolist() == [3, 1]


# Several reviewers


def test_reviewers_who_disagree_are_in_conflict(project):
    give(project, "kim", PAIR, "flip")
    give(project, "lee", PAIR, "keep")
    assert read_outcomes(project).decide(PAIR) == Decision(None, "conflict between reviewers")


@pytest.mark.parametrize(("one", "other"), [("tie", "drop"), ("flip", "tie"), ("keep", "drop")])
def test_every_two_outcomes_that_differ_are_a_conflict(project, one, other):
    give(project, "kim", PAIR, one)
    give(project, "lee", PAIR, other)
    assert read_outcomes(project).decide(PAIR).reason == "conflict between reviewers"


def test_reviewers_who_agree_settle_a_sample_whatever_they_call_it(project):
    give(project, "kim", PAIR, "flip")
    give(project, "lee", make_sample("bad", "good"), "keep")
    assert read_outcomes(project).decide(PAIR) == Decision(Pair(1, 0), changed=True)


def test_who_skips_takes_no_side(project):
    give(project, "kim", PAIR, "flip")
    give(project, "lee", PAIR, "skip")
    assert read_outcomes(project).decide(PAIR) == Decision(Pair(1, 0), changed=True)


def test_logs_merge_in_any_order(project):
    for n, (who, sample, verdict) in enumerate([
        ("kim", PAIR, "flip"), ("lee", PAIR, "keep"), ("kim", FOUR, "flip"), ("ann", TIE, "tie"),
    ]):  # fmt: skip
        give(project, who, sample, verdict, n)
    rename_device(project, "kim", "laptop")
    give(project, "kim", PAIR, "keep", 5)
    orders = list(permutations(project.review_logs()))
    assert len(orders) == 24
    assert len({tuple(Outcomes.read(order)) for order in orders}) == 1


@pytest.mark.parametrize(("here", "there"), [(1, 2), (2, 1)])
def test_the_later_verdict_of_two_machines_stands(project, here, there):
    give(project, "kim", PAIR, "drop", there)
    rename_device(project, "kim", "laptop")
    give(project, "kim", PAIR, "tie", here)
    expected = "tie" if here > there else "drop"
    assert [outcome.verdict for outcome in read_outcomes(project)] == [expected]
    with closing(Review(project, "kim")) as review:
        assert [outcome.verdict for outcome in review.standing().values()] == [expected]


def test_a_second_session_of_one_name_is_told_what_to_do(project):
    with closing(Review(project, "kim")), pytest.raises(LogBusyError) as busy:
        Review(project, "kim")
    assert str(busy.value).endswith(". To look on, add --read-only; to review as someone else, --reviewer NAME.")
    Review(project, "kim").close()


def test_a_log_is_read_while_its_writer_works(project):
    with closing(Review(project, "kim")) as review:
        review.give(PAIR, "flip")
        assert read_outcomes(project).decide(PAIR).changed


# Damage


def test_a_verdict_cut_at_any_byte_loses_only_itself(project, tmp_path):
    with closing(Review(project, "kim", now=clock())) as review:
        first = review.give(PAIR, "flip")
        review.give(FOUR, "drop")
    (log,) = project.review_logs()
    whole = log.read_bytes()
    for cut in range(whole[:-1].rfind(b"\n") + 2, len(whole), 7):
        copy = Project(tmp_path / str(cut))
        shutil.copytree(project.path, copy.path)
        (copy.reviews / log.name).write_bytes(whole[:cut])
        assert list(read_outcomes(copy)) == [first]
        with closing(Review(copy, "kim")) as review:
            assert review.set_aside.read_bytes() == whole[whole[:-1].rfind(b"\n") + 1 : cut]
            review.give(FOUR, "tie")
        assert [outcome.verdict for outcome in read_outcomes(copy)] == [
            outcome.verdict for outcome in sorted([first, review.steps[-1]], key=lambda one: one.sample_id)
        ]
        assert copy.review_logs() == [copy.reviews / log.name]


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "verdict"},
        {"kind": "verdict", "sample_id": "ab", "verdict": "both", "reviewer": "kim", "time": "2026"},
        {"kind": "verdict", "sample_id": "ab", "verdict": "flip", "reviewer": "kim", "time": "2026"},
        {"kind": "verdict", "sample_id": "ab", "verdict": "tie", "reviewer": "kim"},
        {"kind": "verdict", "sample_id": "ab", "verdict": "tie", "reviewer": "kim", "time": "2026", "seconds": "long"},
    ],
)
def test_a_verdict_that_is_none_is_named_by_its_line(project, line):
    give(project, "kim", PAIR, "flip")
    (log,) = project.review_logs()
    with log.open("a") as file:
        file.write(json.dumps(line) + "\n")
    with pytest.raises(LogDamagedError, match=r"kim\..*\.jsonl, line 2 is no verdict \(.*\)\. Mend or remove it\.$"):
        read_outcomes(project)
    for _ in range(2):
        with pytest.raises(LogDamagedError):
            Review(project, "kim")


def test_kinds_of_lines_of_a_later_version_are_passed_over(project):
    give(project, "kim", PAIR, "flip")
    (log,) = project.review_logs()
    with Log(log, chained=True) as opened:
        opened.append({"kind": "wink", "text": "hm"}, {"something": "else"})
    assert [outcome.verdict for outcome in read_outcomes(project)] == ["flip"]
    assert len(History.read(log).steps) == 1


def test_the_reviewer_is_as_given_else_as_configured_else_the_login():
    assert name_reviewer("kim", {"reviewer": "lee"}) == "kim"
    assert name_reviewer(None, {"reviewer": "lee"}) == "lee"
    assert name_reviewer(None, {}) == getpass.getuser()
