"""Bulk verdicts, notes and flags: what is written, what is left out, and what a kill leaves behind."""

import json
import shutil
from contextlib import closing
from dataclasses import replace

import pytest

from engine.errors import LogDamagedError, LogUnwritableError
from engine.extents import find_break
from engine.logs import read_log
from engine.project import Project
from engine.records import Labelled, Message, Sample
from engine.reviewing import Review, plan_bulk
from engine.verdicts.outcomes import Outcomes
from engine.verdicts.steps import Batch, History, Outcome, Remark

ONE = Labelled("1" * 16, "good", "bad")
TWO = Labelled("2" * 16, "fine", "poor")
TIE = Labelled("3" * 16, None, None)
COPY = Labelled(f"{ONE.sample_id}-2", "bad", "good")
ALL = [ONE, TIE, TWO, COPY]


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "pairs.prefmap")
    project.create()
    return project


@pytest.fixture
def review(project):
    with closing(Review(project, "kim")) as opened:
        yield opened


def outcome(sample: Labelled, verdict: str, **more) -> Outcome:
    return Outcome(sample.sample_id, verdict, None, None, "kim", "2026", **more)


@pytest.mark.parametrize(
    ("verdict", "standing", "overwrite", "given", "counts"),
    [
        ("flip", {}, False, [ONE, TWO], (0, 1, 1)),
        ("drop", {}, False, [ONE, TIE, TWO], (0, 0, 1)),
        ("drop", {ONE.sample_id: "keep"}, False, [TIE, TWO], (2, 0, 0)),
        ("drop", {ONE.sample_id: "keep"}, True, [ONE, TIE, TWO], (2, 0, 1)),
        ("drop", {TWO.sample_id: "skip"}, False, [ONE, TIE, TWO], (0, 0, 1)),
        ("keep", {TIE.sample_id: "tie"}, True, [ONE, TWO], (1, 1, 1)),
    ],
)
def test_a_plan_says_whom_a_bulk_verdict_reaches(verdict, standing, overwrite, given, counts):
    known = {key: outcome(ONE, said) for key, said in standing.items()}
    plan = plan_bulk(ALL, verdict, known, overwrite=overwrite)
    assert (plan.given, plan[1:]) == (given, counts)


def test_a_bulk_verdict_never_takes_the_place_of_an_adjudication():
    plan = plan_bulk(ALL, "drop", {ONE.sample_id: outcome(ONE, "keep", adjudicates=True)}, overwrite=True)
    assert (plan.given, plan.decided) == ([TIE, TWO], 2)


@pytest.mark.parametrize(
    ("verdict", "sides"),
    [("keep", ("good", "bad")), ("flip", ("bad", "good")), ("tie", (None, None)), ("drop", (None, None))],
)
def test_a_bulk_line_says_which_response_is_better(project, review, verdict, sides):
    review.give_all([ONE, TWO], verdict, queue="suspicion")
    first, second = read_log(project.review_logs()[0]).lines
    assert (first["preferred"], first["rejected"]) == sides
    assert [first[key] for key in ("kind", "mode", "of", "queue")] == ["verdict", "bulk", 2, "suspicion"]
    assert first["batch"] == second["batch"] != ""
    assert first["id"] != second["id"]
    assert find_break(project.review_logs()[0]) is None


def test_a_bulk_verdict_is_one_step_and_nobody_read_it(review):
    batch = review.give_all(ALL, "flip")
    assert (list(review.steps), batch.act, batch.sample_id) == ([batch], "bulk flip of 2", ONE.sample_id)
    assert all(one.is_bulk and not one.is_read for one in batch.outcomes)
    assert review.undo() == batch
    assert (review.standing(), list(review.steps)) == ({}, [])
    assert review.redo() == batch
    assert set(review.standing()) == {ONE.sample_id, TWO.sample_id}


def test_a_bulk_verdict_that_reaches_nobody_writes_nothing(project, review):
    assert review.give_all([TIE], "keep") is None
    assert review.give_all([], "drop") is None
    assert project.review_logs()[0].read_bytes() == b""


def test_a_verdict_after_a_bulk_one_was_read_by_a_person(project, review):
    sample = Sample.of(prompt=[Message("user", "Why?")], texts=["a", "b"], labels=[1.0, 0.0])
    review.give_all([Labelled(sample.sample_id, *(one.response_id for one in sample.responses))], "flip")
    assert Outcomes.read(project.review_logs()).decide(sample).pair.chosen == 1
    review.give(sample, "keep")
    (standing,) = review.standing().values()
    assert (standing.verdict, standing.is_read) == ("keep", True)
    review.undo()
    assert next(iter(review.standing().values())).is_bulk


def test_a_bulk_verdict_cut_at_any_byte_counts_for_nothing(project, tmp_path):
    with closing(Review(project, "kim")) as review:
        first = review.give_all([TIE], "drop")
        review.give_all([ONE, TWO, Labelled("4" * 16, "a", "b")], "flip")
    (log,) = project.review_logs()
    whole = log.read_bytes()
    start = whole.index(b"\n") + 1
    copy = Project(tmp_path / "copy")
    copy.create()
    for cut in range(start, len(whole)):
        torn = copy.reviews / log.name
        torn.write_bytes(whole[:cut])
        assert list(Outcomes.read([torn])) == list(first.outcomes)
        if cut % 40 == 0 or whole[cut - 1] == 10:
            with closing(Review(copy, "kim")) as review:
                assert list(review.steps) == [first]
                assert review.cut_short == whole[start:cut].count(b"\n")
                second = review.give_all([TWO], "tie")
                review.undo()
            again = History.read(torn)
            assert (again.steps, again.undone) == ([first], [second])
        shutil.rmtree(copy.reviews)
        copy.reviews.mkdir()


def test_a_disk_that_is_full_gets_no_part_of_a_bulk_verdict(project, review, monkeypatch):
    review.flag(ONE.sample_id)
    (log,) = project.review_logs()
    before = log.read_bytes()
    written = iter([120])

    def write_some(descriptor: int, data: bytes) -> int:
        for size in written:
            return real(descriptor, data[:size])
        raise OSError(28, "No space left on device")

    from engine import logs

    real = logs.os.write
    monkeypatch.setattr(logs.os, "write", write_some)
    with pytest.raises(LogUnwritableError, match="No space left on device"):
        review.give_all([ONE, TWO], "flip")
    monkeypatch.undo()
    assert log.read_bytes() == before
    assert (len(review.steps), review.standing()) == (1, {})


@pytest.mark.parametrize("change", [{"of": None}, {"of": "many"}, {"verdict": "both"}, {"reviewer": None, "time": ...}])
def test_a_bulk_line_that_is_none_is_named(project, change):
    with closing(Review(project, "kim")) as review:
        review.give_all([ONE, TWO], "flip")
    (log,) = project.review_logs()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    lines[1] = {key: value for key, value in (lines[1] | change).items() if value is not ...}
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(LogDamagedError, match="line 2 is no verdict"):
        History.read(log)


# Notes and flags


def test_a_note_is_kept_changed_and_taken_away(project, review):
    assert review.note(ONE.sample_id, " unsure \n").text == "unsure"
    assert review.note(ONE.sample_id, "unsure") is None
    assert review.note(TWO.sample_id, "") is None
    assert review.note(ONE.sample_id, "").act == "no note"
    assert [step.act for step in review.steps] == ["note", "no note"]
    review.undo()
    assert Outcomes.read(project.review_logs()).note(ONE.sample_id, "kim") == "unsure"


def test_a_flag_is_set_and_taken_away_and_covers_copies(project, review):
    assert review.flag(COPY.sample_id).act == "flag"
    assert [one.kind for one in Outcomes.read(project.review_logs()).remarks_on(ONE.sample_id)] == ["flag"]
    assert review.flag(ONE.sample_id).act == "no flag"
    assert Outcomes.read(project.review_logs()).all_remarks() == []
    assert len(read_log(project.review_logs()[0]).lines) == 2


def test_a_text_given_with_a_verdict_is_a_note(project, review):
    sample = Sample.of(prompt=[Message("user", "Why?")], texts=["a", "b"], labels=[1.0, 0.0])
    review.give(sample, "flip", text="swapped")
    review.give(sample, "keep")
    said = Outcomes.read(project.review_logs())
    assert said.note(sample.content_id, "kim") == "swapped"
    review.note(sample.sample_id, "no, fine")
    assert Outcomes.read(project.review_logs()).note(sample.content_id, "kim") == "no, fine"


def test_of_two_machines_the_later_remark_stands():
    early = Remark("note", ONE.sample_id, "early", "kim", "2026-01-01")
    late = replace(early, text="late", time="2026-01-02")
    gone = replace(early, text="", time="2026-01-03")
    key = (ONE.sample_id, "note")
    for order in ([early, late], [late, early]):
        assert Outcomes([], [{key: one} for one in order]).remarks_on(ONE.sample_id) == [late]
    assert Outcomes([], [{key: gone}, {key: late}]).remarks_on(ONE.sample_id) == []


def test_a_batch_is_found_by_its_outcomes():
    batch = Batch((outcome(ONE, "drop", batch="b"), outcome(TWO, "drop", batch="b")))
    history = History([batch])
    assert history.standing() == {ONE.sample_id: batch.outcomes[0], TWO.sample_id: batch.outcomes[1]}
    assert Outcomes.of([history]).where(lambda one: one.is_bulk, "lee") == []


def test_a_log_cut_at_any_byte_says_what_was_done_up_to_there(project, review, tmp_path):
    sample = Sample.of(prompt=[Message("user", "Why?")], texts=["a", "b"], labels=[1.0, 0.0])
    (log,) = project.review_logs()
    known = {0: ({}, {})}
    for act in (
        lambda: review.give(sample, "flip", text="n"),
        lambda: review.note(ONE.sample_id, "é"),
        lambda: review.give_all(ALL, "drop"),
        lambda: review.flag(ONE.sample_id),
        review.undo,
        review.undo,
        review.redo,
        lambda: review.give_all([ONE, TWO], "keep", overwrite=True),
        lambda: review.note(ONE.sample_id, ""),
    ):
        act()
        known[log.stat().st_size] = (review.standing(), review.remarks())
    whole = log.read_bytes()
    torn = tmp_path / "torn.jsonl"
    for cut in range(len(whole) + 1):
        torn.write_bytes(whole[:cut])
        history = History.read(torn)
        assert (history.standing(), history.remarks()) == known[max(size for size in known if size <= cut)]
