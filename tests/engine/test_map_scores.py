"""From the lines of score logs to one score per response, against a plain account of the rule."""

import json
import random
from collections import defaultdict
from contextlib import closing

import duckdb
import pytest

from engine import map_writer
from engine.logs import Log
from engine.map_writer import MapWriter, slice_ids
from engine.mapping import build_map
from engine.sources import SourceReader

Line = dict[str, object]


def make_lines(responses: list[str], seed: int) -> list[Line]:
    """Make what a judge might leave: two aspects with three answers each, failures, repeats, in any order."""
    chance = random.Random(seed)
    lines: list[Line] = []
    for response in responses:
        for part in ("depth", "style")[: chance.choice([1, 2, 2])]:
            for number in range(chance.choice([1, 2, 3, 3, 3])):
                for _ in range(chance.choice([1, 1, 2])):
                    value = chance.choice([None, chance.random(), chance.random()])
                    line: Line = {
                        "response": response,
                        "value": value,
                        "part": part,
                        "parts": 2,
                        "number": number,
                        "of": 3,
                    }
                    if value is None:
                        line |= {"reason": chance.choice(["HTTP 500", "truncated"]), "final": chance.random() < 0.1}
                    lines.append(line | ({"rationale": f"because {number}"} if chance.random() < 0.5 else {}))
    return chance.sample(lines, len(lines))


def account(logs: list[list[Line]]) -> dict[str, float | None]:
    """Take the last line with a value of each question, the mean of each part, and the mean of the parts."""
    newest: dict[tuple, float] = {}
    of: dict[tuple, int] = {}
    parts: dict[str, int] = {}
    seen = {str(line["response"]): None for log in logs for line in log}
    for line in (line for log in logs for line in log):
        part = (str(line["response"]), str(line.get("part", "")))
        of[part], parts[part[0]] = int(line.get("of", 1)), int(line.get("parts", 1))  # type: ignore[call-overload]
        if line["value"] is not None:
            newest[(*part, line.get("number", 0))] = float(line["value"])  # type: ignore[arg-type]
    answers: dict[tuple, list[float]] = defaultdict(list)
    for (response, part, _), value in sorted(newest.items()):
        answers[(response, part)].append(value)
    means: dict[str, list[float]] = defaultdict(list)
    for part, values in sorted(answers.items()):
        if len(values) >= of[part]:
            means[part[0]].append(sum(values) / len(values))
    return {one: sum(means[one]) / len(means[one]) if len(means[one]) >= parts[one] else None for one in seen}


@pytest.mark.parametrize("slice_lines", [2_000_000, 50])
@pytest.mark.parametrize("seed", range(4))
def test_the_scores_of_the_map_are_what_the_logs_say(import_rows, monkeypatch, seed, slice_lines):
    monkeypatch.setattr(map_writer, "SLICE_LINES", slice_lines)
    project = import_rows([{"prompt": f"{n}?", "chosen": f"yes {n}", "rejected": f"no {n}"} for n in range(60)])
    ids = [one.response_id for sample in SourceReader(project) for one in sample.responses]
    logs = [make_lines(ids[:100], seed), make_lines(ids[50:], seed + 100), [{"response": ids[3], "value": 0.25}]]
    header = {"kind": "header", "scorer": "judge", "type": "judge", "identity": "j", "fingerprint": ""}
    for at, lines in enumerate(logs):
        with Log(project.scores / f"judge.{at}.jsonl") as log:
            log.append(header, *lines, {"response": "0123456789abcdef", "value": 1.0})
    build_map(project)
    with closing(duckdb.connect(str(project.map), read_only=True)) as connection:
        said = connection.execute("SELECT response_id, value FROM score").fetchall()
    expected = account(logs)
    assert [one for one, _ in said] == sorted(expected)
    assert dict(said) == pytest.approx(expected, abs=1e-15)
    assert {value is None for value in expected.values()} == {True, False}


def test_scores_that_do_not_fit_into_memory_are_the_same(tmp_path, monkeypatch):
    ids = [f"{number:016x}" for number in range(0, 2**64, 2**64 // 20_000)]
    log = tmp_path / "judge.jsonl"
    lines = [{"response": one, "value": turn, "rationale": f"{one} " * 20} for turn in range(5) for one in ids]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    monkeypatch.setattr(map_writer, "MOST_THREADS", 1)
    monkeypatch.setattr(map_writer, "SLICE_LINES", 20_000)
    merged = []
    for memory in ("1GB", "60MB"):
        monkeypatch.setattr(map_writer, "MEMORY", memory)
        with closing(MapWriter(tmp_path / memory)) as writer:
            numbers, empty = range(len(ids)), [""] * len(ids)
            known = {"response_id": ids, "text": empty, "system": empty, "turns": empty, "extra": empty}
            writer.add("response", {"ordinal": numbers, "position": numbers, **known})
            writer.add_scores("judge", [log], torn=[])
            on_disk = writer._connection.execute("SELECT count(*) FROM duckdb_temporary_files()").fetchone()
            merged.append((writer._connection.execute("FROM score").fetchall(), on_disk[0] > 0))
    (roomy, roomy_spills), (tight, tight_spills) = merged
    assert (roomy_spills, tight_spills) == (False, True)
    assert len(roomy) == len(ids)
    assert tight == roomy


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100, 65536])
def test_slices_of_ids_leave_no_id_out_and_are_of_one_size(count):
    slices = slice_ids(count)
    assert (len(slices), slices[0][0], slices[-1][1]) == (count, "", "g")
    assert all(start < end for start, end in slices)
    assert [end for _, end in slices[:-1]] == [start for start, _ in slices[1:]]
