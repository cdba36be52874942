"""Shares of the queue: nobody reads what another one reads, but for the overlap."""

import stat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.project import Project
from engine.records import content_hash
from engine.verdicts.assigning import Assignment

CONTENTS = [content_hash(str(number)) for number in range(5000)]


@given(
    st.lists(st.text(min_size=1, max_size=5).filter(str.isprintable), unique=True, min_size=1, max_size=6),
    st.floats(0, 1),
)
def test_every_content_goes_to_one_reviewer_or_to_all(reviewers, overlap):
    made = Assignment(tuple(reviewers), overlap)
    table = np.stack([made.of(name, CONTENTS[:300]) for name in reviewers])
    shared = made.shared(CONTENTS[:300])
    assert (table.sum(axis=0) == np.where(shared, len(reviewers), 1)).all()


def test_shares_and_overlap_have_the_sizes_asked_for():
    made = Assignment(("ana", "kim", "lee", "max"), 0.1)
    assert made.shared(CONTENTS).mean() == pytest.approx(0.1, abs=0.015)
    for name in made.reviewers:
        assert made.of(name, CONTENTS).mean() == pytest.approx(0.1 + 0.9 / 4, abs=0.02)
    assert not Assignment(("kim",), 0.0).shared(CONTENTS).any()
    assert Assignment(("kim", "lee"), 1.0).of("lee", CONTENTS).all()


def test_one_who_joins_takes_from_each_and_the_others_keep_the_rest():
    before, after = Assignment(("ana", "kim")), Assignment(("ana", "kim", "lee"))
    for name in before.reviewers:
        assert not (after.of(name, CONTENTS) & ~before.of(name, CONTENTS)).any()


def test_one_who_has_no_part_in_it_reads_all():
    assert Assignment(("kim",)).of("guest", CONTENTS).all()


def test_an_assignment_comes_back_as_it_was_written(tmp_path):
    project = Project(tmp_path)
    assert Assignment.read(project) is None
    made = Assignment(("kim", "Łucja"), 0.2)
    made.write(project)
    assert Assignment.read(project) == made
    assert [path.name for path in tmp_path.iterdir()] == ["assignment.json"]
    assert stat.S_IMODE(project.assignment.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"reviewers": "kim", "overlap": 0}',
        '{"reviewers": 3, "overlap": 0}',
        '{"reviewers": ["a", "a"], "overlap": 0}',
        '{"overlap": 0}',
    ],
)
def test_what_is_no_assignment_is_refused(tmp_path, text):
    project = Project(tmp_path)
    project.assignment.write_text(text)
    with pytest.raises(ConfigError, match=r"assignment\.json is no assignment .* prefmap assign .* --reviewers A,B"):
        Assignment.read(project)
