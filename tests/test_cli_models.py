"""Scoring with a model through the command, interrupted in every way. The model is tiny and random."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny_models

pytestmark = pytest.mark.filterwarnings("ignore")  # what other packages warn of while they are imported is not ours

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data" / "helpful_pairs.jsonl"
PATIENCE_SECONDS = 300


def command(*words) -> list[str]:
    return [sys.executable, "-m", "engine", *map(str, words)]


def run(*words) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command(*words), capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny-rm"
    tiny_models.save_reward_model(folder)
    return folder


@pytest.fixture
def project(tmp_path) -> Path:
    assert run("import", SAMPLE, "-o", tmp_path / "p.prefmap").returncode == 0
    return tmp_path / "p.prefmap"


def values_of(project: Path) -> dict[str, float | None]:
    """Read the values of the only log, in which each response stands once."""
    (log,) = (project / "scores").glob("*.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    scores = [(line["response"], line["value"]) for line in lines if line.get("kind") != "header"]
    assert len(scores) == len(dict(scores))
    return dict(scores)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_what_was_scored_survives_a_kill_and_the_same_command_goes_on(project, model, number):
    words = ("score", project, "--scorer", f"reward:{model}?batch_tokens=1024")
    with subprocess.Popen(command(*words), stderr=subprocess.PIPE, text=True) as running:
        until = time.monotonic() + PATIENCE_SECONDS
        while not any(log.read_bytes().count(b"\n") > 1 for log in (project / "scores").glob("*.jsonl")):
            assert running.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        running.send_signal(number)
        said = running.communicate()[1]
    assert running.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    assert "Traceback" not in said
    before = values_of(project)
    assert 0 < len(before) < 800
    done = run(*words)
    assert (done.returncode, done.stdout) == (0, "")
    assert "776 of 776 responses have a score (100.0%), 24 can have none." in done.stderr
    after = values_of(project)
    assert len(after) == 800
    assert {key: after[key] for key in before} == before
    assert "776 of 776" in run(*words).stderr
    assert values_of(project) == after


def test_a_hub_name_that_cannot_be_reached_is_one_sentence(project):
    done = run("score", project, "--scorer", "reward:nobody/no-such-model")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("prefmap: nobody/no-such-model cannot be loaded: ")
    assert "Traceback" not in done.stderr
