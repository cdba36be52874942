"""Shards scored on copies of a project, brought together by copying their logs."""

import json
import shutil
import subprocess
import sys

SCORER = """
from dataclasses import dataclass

from engine.records import Score


@dataclass(frozen=True)
class Length:
    def __call__(self, samples):
        for response in (one for sample in samples for one in sample.responses):
            yield Score(response.response_id, float(len(response.text)))
"""


def test_shards_of_two_copies_merge_into_what_one_machine_scores(tmp_path, install_plug_in):
    env = install_plug_in("length_package", SCORER, "length = length_package:Length")

    def prefmap(*words: str) -> str:
        command = [sys.executable, "-m", "tui", *words]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    rows = [{"prompt": f"{n}?", "chosen": f"Answer {n * n}", "rejected": f"No, {n}"} for n in range(50)]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    prefmap("import", "pairs.jsonl", "-o", "whole")
    for name in ("one", "two"):
        shutil.copytree(tmp_path / "whole", tmp_path / name)
    prefmap("score", "whole", "--scorer", "length")
    for index, name in enumerate(("one", "two"), start=1):
        prefmap("score", name, "--scorer", "length", "--shard", f"{index}/2")
    for log in (tmp_path / "two" / "scores").glob("*.jsonl"):
        shutil.copy(log, tmp_path / "one" / "scores")
    logs = sorted((tmp_path / "one" / "scores").glob("*.jsonl"))
    assert [log.suffixes for log in logs] == [[".1of2", ".jsonl"], [".2of2", ".jsonl"]]
    lines = [line for log in logs for line in log.read_text().splitlines()[1:]]
    (whole,) = (tmp_path / "whole" / "scores").glob("*.jsonl")
    assert sorted(lines) == sorted(whole.read_text().splitlines()[1:])
    prefmap("score", "one", "--scorer", "length")
    assert sum(len(log.read_text().splitlines()) - 1 for log in (tmp_path / "one" / "scores").glob("*.jsonl")) == 100
    for name in ("one", "whole"):
        prefmap("map", name)
    assert prefmap("queue", "one", "--json") == prefmap("queue", "whole", "--json")
    assert json.loads(prefmap("report", "one", "--json"))["scorers"]["length"]["scored"] == 100
