import json

import pytest
from judge_server import JudgeServer

from engine.endpoints.costs import Prices
from engine.endpoints.pace import Pace
from engine.endpoints.settings import Endpoint
from engine.errors import ScorerRefusedError
from engine.logs import read_log
from engine.referencing import Asking, write_references
from engine.scores.references import read_references
from engine.sources import SourceReader

ROWS = [{"prompt": f"Question {n // 2}?", "chosen": f"a{n}", "rejected": f"b{n}"} for n in range(20)]
"""Ten prompts, each in two samples."""


def asking(server: JudgeServer, **terms) -> Asking:
    return Asking(Endpoint(server.url, "made-up"), pace=Pace(2, 2), **terms)


def test_each_prompt_is_asked_once_and_the_scorer_reads_the_file(import_rows, tmp_path):
    project, file = import_rows(ROWS), tmp_path / "references.jsonl"
    with JudgeServer("prose") as server:
        done = write_references(project, file, asking(server))
        assert (done.prompts, done.written, done.failed, done.missing) == (10, 10, 0, 0)
        assert server.received.total() == 10
        assert write_references(project, file, asking(server)).written == 10
        assert server.received.total() == 10
    references = read_references(file)
    assert all(references.find(sample) for sample in SourceReader(project))


def test_what_is_cut_off_or_failed_is_asked_for_again(import_rows, tmp_path):
    project, file = import_rows(ROWS), tmp_path / "references.jsonl"
    with JudgeServer("prose") as server:
        assert write_references(project, file, asking(server, limit=4)).missing == 6
        whole = file.read_bytes()
        file.write_bytes(whole[:-20])
        assert write_references(project, file, asking(server)).missing == 0
        assert server.received.total() == 11
    with JudgeServer("filtered") as server:
        other = tmp_path / "none.jsonl"
        done = write_references(project, other, asking(server))
    assert (done.written, done.failed) == (0, 10)
    assert {(line["reference"], bool(line["reason"])) for line in read_log(other).lines} == {(None, True)}


def test_the_budget_is_kept_and_needs_prices(import_rows, tmp_path):
    project, file = import_rows(ROWS), tmp_path / "references.jsonl"
    with JudgeServer("prose") as server:
        with pytest.raises(ScorerRefusedError, match="--input-price"):
            write_references(project, file, asking(server, budget=1.0))
        done = write_references(project, file, asking(server, budget=0.0, prices=Prices(1.0, 1.0, 1.0)))
        assert (done.written, server.received.total()) == (0, 0)


def test_the_key_is_in_no_line(import_rows, tmp_path):
    project, file = import_rows(ROWS), tmp_path / "references.jsonl"
    with JudgeServer("prose", key="very-secret-key") as server:
        terms = Asking(Endpoint(server.url, "made-up", key="very-secret-key"), pace=Pace(2, 2))
        assert write_references(project, file, terms).missing == 0
    assert "very-secret-key" not in file.read_text()
    assert json.loads(file.read_text().splitlines()[0])["model"] == "made-up"
