"""Scoring on a Ray cluster of this machine, from the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.ray

SCORER = '''
import os, signal, time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.errors import ScorerRefusedError
from engine.records import Score


@cache
def load(folder):
    """Load the model, say; notes who did."""
    with (Path(folder) / "loaded").open("a") as file:
        file.write(f"{os.getpid()}\\n")


@dataclass(frozen=True)
class Weighing:
    folder: str
    kill: bool = False

    def __call__(self, samples):
        load(self.folder)
        for response in (one for sample in samples for one in sample.responses):
            if self.kill and "37" in response.text and not (Path(self.folder) / "killed").exists():
                (Path(self.folder) / "killed").write_text(str(os.getpid()))
                os.kill(os.getpid(), signal.SIGKILL)
            if "poison" in response.text:
                raise ValueError("cannot weigh poison")
            time.sleep(.002)
            yield Score(response.response_id, len(response.text) + .1 * (sum(response.text.encode()) % 97))
'''


@pytest.fixture
def weighing(tmp_path, install_plug_in):
    """A project of 300 pairs, one with a response that breaks the scorer, and a way to run commands in its folder."""
    pytest.importorskip("ray", reason="needs the extra `ray`")
    own_cluster = {"RAY_ADDRESS": "local"}
    env = own_cluster | install_plug_in("weighing_package", SCORER, "weighing = weighing_package:Weighing")
    rows = [
        {
            "prompt": f"Question {n}?",
            "chosen": f"Answer {n}, a long one.",
            "rejected": "poison" if n == 8 else f"No {n}",
        }
        for n in range(300)
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tui", *words]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=180)

    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        assert run("import", "pairs.jsonl", "-o", f"{name}.prefmap").returncode == 0
    return run


def read_values(project: Path) -> dict[str, float | None]:
    (log,) = (project / "scores").glob("*.jsonl")
    return {line["response"]: line["value"] for line in map(json.loads, log.read_text().splitlines()[1:])}


def test_with_a_worker_killed_on_the_way_all_is_scored_as_on_this_machine(tmp_path, weighing):
    (tmp_path / "prefmap.toml").write_text(
        '[scorers.w]\nscorer = "weighing:there"\nkill = true\n[scorers.h]\nscorer = "weighing:here"\n'
    )
    done = weighing("score", "there.prefmap", "--scorer", "w", "--on", "ray", "--workers", "2")
    assert done.returncode == 3, done.stderr
    assert "w: 599 of 600 responses have a score" in done.stderr
    loaded = (tmp_path / "there" / "loaded").read_text().split()
    killed = (tmp_path / "there" / "killed").read_text()
    assert killed in loaded
    assert len(loaded) == len(set(loaded)) == 3
    there = read_values(tmp_path / "there.prefmap")
    reasons = {line.get("reason") for line in lines_of(tmp_path / "there.prefmap")[1:] if line["value"] is None}
    assert reasons == {"the scorer broke: ValueError: cannot weigh poison"}
    sample = (tmp_path / "pairs.jsonl").read_text().replace("poison", "harmless")
    (tmp_path / "pairs.jsonl").write_text(sample)
    assert weighing("import", "pairs.jsonl", "-o", "here.prefmap").returncode == 0
    assert weighing("score", "here.prefmap", "--scorer", "h").returncode == 0
    here = read_values(tmp_path / "here.prefmap")
    assert {key: value for key, value in there.items() if value is not None}.items() <= here.items()
    again = weighing("score", "there.prefmap", "--scorer", "w", "--on", "ray")
    assert (again.returncode, len(lines_of(tmp_path / "there.prefmap"))) == (3, 602)


def lines_of(project: Path) -> list[dict]:
    (log,) = (project / "scores").glob("*.jsonl")
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--scorer", "crossfit", "--on", "ray"], "crossfit depends on the whole dataset: run it without --on ray."),
        (["--scorer", "weighing:here", "--on", "ray", "--budget", "5"], "Several workers cannot keep one --budget"),
        (["--scorer", "weighing:here", "--on", "ray://127.0.0.1:1"], "Ray on ray://127.0.0.1:1 cannot be reached ("),
    ],
)
def test_what_cannot_run_on_ray_is_refused_with_a_sentence(weighing, words, sentence):
    done = weighing("score", "here.prefmap", *words)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_without_ray_one_sentence_says_what_to_install(tmp_path, weighing):
    (tmp_path / "site" / "ray.py").write_text("raise ImportError(\"No module named 'ray'\")\n")
    done = weighing("score", "here.prefmap", "--scorer", "weighing:here", "--on", "ray")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1, "prefmap: --on ray needs Ray Data (No module named 'ray'). Install it: pip install 'prefmap[ray]'"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--on", "spark"], "--on is 'spark'; it must be ray or ray://HOST:PORT."),
        (["--workers", "2"], "--workers and --gpus-per-worker go with --on ray."),
        (["--gpus-per-worker", ".5"], "--workers and --gpus-per-worker go with --on ray."),
    ],
)
def test_words_about_ray_that_mean_nothing_are_a_usage_error(sample_project, words, sentence):
    command = [sys.executable, "-m", "tui", "score", str(sample_project.path), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, sentence in done.stderr) == (2, True)
