import json
from contextlib import closing

import pytest
from sitting import read_labels, sit

from engine.exporting import export
from engine.exports.manifests import ExportPlan
from engine.records import content_of
from engine.reviewing import Review
from engine.sources import SourceReader
from engine.store import Store
from engine.verdicts.auditing import audit, audit_project, read_steps
from engine.verifying import verify


def every_tenth(sample, _turn) -> bool:
    return int(content_of(sample.sample_id), 16) % 10 == 0


def test_labels_are_contents_with_a_direction(make_project):
    row = {"prompt": "Why?", "chosen": "So.", "rejected": "No."}
    tie = {"prompt": "Which?", "responses": ["a", "b"], "labels": [1, 1]}
    project = make_project([row, {**row, "prompt": "How?"}, row, tie])
    labels = read_labels(project)
    assert labels.ordinals.tolist() == [0, 1]
    with closing(Store.open(project.map)) as store:
        contents = [content_of(one) for one in store.sample_ids()]
    assert labels.places(contents).tolist() == [0, 1, 0]
    assert labels.places(["0" * 16, "f" * 16]).tolist() == [-1, -1]


def test_an_audit_says_what_was_served_and_found(sample_project):
    sit(sample_project, "kim", 200, every_tenth)
    made = audit_project(sample_project)
    steps = read_steps(sample_project.review_logs())
    served = [step.served for step in steps]
    assert (served.count("control"), served.count("repeat")) == (17, 3)
    assert (made.error.repeats, made.error.changed, made.sighted) == (3, 0, 0)
    assert made.found.controls.of >= 17
    assert sum(one.reads for one in made.found.curve) == served.count("queue") == 180
    assert sum(one.flips for one in made.found.curve) == sum(s.verdict == "flip" and s.served == "queue" for s in steps)
    truth = sum(every_tenth(sample, 0) for sample in SourceReader(sample_project))
    left = truth - len({step.sample_id for step in steps if step.verdict == "flip"})
    assert made.residual.controls == 17
    assert made.residual.low <= left <= made.residual.high
    assert made.residual.labels == 400


def test_a_reviewer_who_changes_a_verdict_on_a_repeat_is_less_believed(sample_project):
    sit(sample_project, "kim", 200, lambda _, turn: turn % 2 == 0, mode="sighted")
    made = audit_project(sample_project)
    assert made.error.repeats == 3
    assert made.error.changed > 0
    assert made.error.value > 0.03
    assert made.sighted == 17


def test_reviewers_have_controls_of_their_own_and_conflicts_are_no_labels(sample_project):
    sit(sample_project, "kim", 120, lambda *_: True)
    sit(sample_project, "lee", 120, lambda *_: False)
    labels, steps = read_labels(sample_project), read_steps(sample_project.review_logs())
    made = audit(labels, steps)
    by = {name: {step.sample_id for step in steps if step.reviewer == name} for name in ("kim", "lee")}
    assert made.residual.labels == 400 - len(by["kim"] & by["lee"])
    assert by["kim"] != by["lee"]


def test_nothing_read_is_no_audit(sample_project):
    assert audit_project(sample_project) is None
    sit(sample_project, "kim", 1, every_tenth)
    assert audit_project(sample_project).residual is None
    sample_project.map.unlink()
    assert audit_project(sample_project) is None


def test_the_error_that_is_assumed_can_be_configured(sample_project, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    sit(sample_project, "kim", 30, every_tenth)
    (sample_project.path / "prefmap.toml").write_text("[review]\nreader_error = 0.1\n")
    assert audit_project(sample_project).error.value == pytest.approx(0.1)


def test_an_export_says_how_many_labels_are_wrong(sample_project, tmp_path):
    sit(sample_project, "kim", 200, every_tenth)
    done = export(sample_project, tmp_path / "t.jsonl", ExportPlan())
    said = json.loads(done.manifest.read_text())["residual_error"]
    assert said == done.residual.describe() == audit_project(sample_project).residual.describe()
    assert 0 <= said["low"] <= said["estimate"] <= said["high"] <= 1
    verify(done.output)


def test_an_export_without_controls_claims_nothing(sample_project, tmp_path):
    done = export(sample_project, tmp_path / "t.jsonl", ExportPlan())
    assert "residual_error" not in json.loads(done.manifest.read_text())


def test_labels_decided_in_bulk_are_left_out(sample_project):
    sit(sample_project, "kim", 150, every_tenth)
    before = audit_project(sample_project)
    labels = read_labels(sample_project)
    first_controls = labels.ordinals[labels.permute("kim")[:60]]
    with closing(Store.open(sample_project.map)) as store, closing(Review(sample_project, "kim")) as opened:
        batch = opened.give_all(store.labelled(first_controls), "flip")
    made = audit_project(sample_project)
    assert len(batch.outcomes) > 20
    assert made.residual.labels == before.residual.labels - len(batch.outcomes)
    assert (made.residual.read, made.residual.controls) == (before.residual.read, before.residual.controls)
    assert made.found.curve == before.found.curve
    assert before.found.controls.of <= made.found.controls.of < before.found.controls.of + 40
