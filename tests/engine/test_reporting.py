from contextlib import closing

import pytest

from engine.errors import MapMissingError
from engine.reporting import make_report
from engine.reviewing import Review
from engine.sources import SourceReader
from engine.store import ScorerCoverage

ROWS = [
    {"prompt": f"Question {n}?", "chosen": f"Good {n}.", "rejected": f"Bad {n}.",
     "score_chosen": 0.9 if n % 4 else 0.2, "score_rejected": n / 30}
    for n in range(12)
]  # fmt: skip


@pytest.fixture
def project(make_project):
    return make_project([*ROWS, ROWS[0], {"prompt": 5}], specs=["column:score"])


def review(project, reviewer, *verdicts):
    samples = list(SourceReader(project))
    with closing(Review(project, reviewer)) as opened:
        for number, verdict in verdicts:
            opened.give(samples[number], verdict)


def test_a_report_counts_what_there_is(project):
    report = make_report(project)
    assert (report.samples, report.responses, report.refused) == (13, 26, 1)
    assert report.flags == {"duplicate": 1}
    assert report.scorers == {"column-score": ScorerCoverage(24, 24)}
    assert (report.map_scorer, report.regions) == (
        "column-score", {"high_average": 4, "high_variance": 5, "low_average": 4},
    )  # fmt: skip
    assert [(cut.axis, cut.samples) for cut in report.cuts] == [("variability", 13), ("quality", 8)]
    assert (report.verdicts, report.flips, report.read, report.conflicts) == ({}, 0, 0, 0)
    assert (report.wrong_share, 0.5 <= report.accuracy < 1) == (0.1, True)


def test_two_who_flip_one_sample_flip_it_once(project):
    review(project, "kim", (0, "flip"), (1, "flip"), (2, "skip"))
    review(project, "lee", (12, "flip"), (1, "keep"), (3, "drop"))
    report = make_report(project)
    assert report.verdicts == {"drop": 1, "flip": 3, "keep": 1, "skip": 1}
    assert (report.flips, report.read, report.conflicts) == (2, 3, 1)


def test_a_project_without_a_map_has_no_report(project):
    project.map.unlink()
    with pytest.raises(MapMissingError, match=r"Run: prefmap map"):
        make_report(project)


def test_a_report_says_what_each_scorer_adds(make_project):
    rows = [
        {**row, "rank_chosen": n % 5, "rank_rejected": 2, "same_chosen": n % 5, "same_rejected": 2}
        for n, row in enumerate(ROWS)
    ]
    report = make_report(make_project(rows, specs=["column:score", "column:rank", "column:same"]))
    assert sum(abs(one.weight) for one in report.companions.values()) == pytest.approx(1)
    rank = report.companions["column-rank"]
    assert rank.correlation["column-same"] == pytest.approx(1)
    assert rank.correlation.keys() == {"column-score", "column-same"}
    assert rank.agreement == pytest.approx((4 + 2 / 2) / 12)
    assert (report.learnt_from, report.reliability) == (0, None)
    assert 0 < report.rho < 0.5
