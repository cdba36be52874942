"""The documents are true: each command of the README runs, each key and name it has is there."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest
import tiny_models
from small_hub import small_hub
from terminal import Terminal

from engine.cli import COMMANDS
from engine.commands.score import score
from engine.scorers.catalog import SCORERS, make_scorer
from tui.keys import REVIEW_SCREEN, key_table

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
INSTALLERS = {"scripts/run sample_data/helpful_pairs.jsonl", "scripts/test"}
"""Run from a fresh clone by the release check, not from inside the tests that the second one starts."""

MODELS = {
    "Skywork/Skywork-Reward-V2-Qwen3-0.6B": tiny_models.save_reward_model,
    "dpo-model": tiny_models.save_language_model,
    "sft-model": tiny_models.save_language_model,
}
"""Tiny random models, in folders of the names that the README gives: a folder goes before a hub name."""


def commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


NEEDS = {"--figure": "matplotlib", "--push": "huggingface_hub", "--tokenizer": "trl"}
"""The library that a command needs, by what is in it; without that it is not run."""

MAKE_TOKENIZER = "from tiny_training import tiny_tokenizer as make; make(open(0)).save_pretrained('my-model')"


@pytest.fixture
def shell_env(tmp_path):
    """A folder with sample data, scripts, models and a tokenizer, a hub on this machine, and the tests' programs."""
    for folder in ("sample_data", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for folder, make in MODELS.items():
        make(tmp_path / folder)
    with small_hub() as hub:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        yield {**os.environ, **hub.env, "HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1", "PATH": path}


def make_tokenizer(folder: Path) -> None:
    with (folder / "sample_data" / "helpful_pairs.jsonl").open() as texts:
        command = [sys.executable, "-c", MAKE_TOKENIZER]
        env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
        subprocess.run(command, cwd=folder, env=env, stdin=texts, check=True, capture_output=True)


def can_run(command: str) -> bool:
    return all(find_spec(library) for words, library in NEEDS.items() if words in command)


@pytest.mark.filterwarnings("ignore")  # what other packages warn of while they are imported is not ours
def test_every_command_of_the_readme_runs(tmp_path, shell_env):
    if find_spec("transformers"):
        make_tokenizer(tmp_path)
    with ExitStack() as servers:
        run_all(tmp_path, shell_env, servers)


def run_all(tmp_path: Path, shell_env: dict[str, str], servers: ExitStack) -> None:
    for command in commands():
        if command in INSTALLERS or not can_run(command):
            continue
        if command.endswith(" &"):
            start(command.removesuffix(" &"), tmp_path, shell_env, servers)
            continue
        if is_app(command):
            open_and_quit(command, tmp_path, shell_env)
            continue
        done = subprocess.run(command, shell=True, cwd=tmp_path, env=shell_env, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr


def start(command: str, folder: Path, env: dict[str, str], servers: ExitStack) -> None:
    """Run a server until the end of the test, and wait until it says its address."""
    server = servers.enter_context(subprocess.Popen(shlex.split(command), cwd=folder, env=env, stdout=subprocess.PIPE))
    servers.callback(server.terminate)
    assert server.stdout.readline().startswith(b"http://")


def is_app(command: str) -> bool:
    words = shlex.split(command)
    return words[0] == "prefmap" and (words[1] == "review" or words[1].startswith("sample_data/"))


def open_and_quit(command: str, folder: Path, env: dict[str, str]) -> None:
    with Terminal(["bash", "-c", command], folder=folder, env={"PATH": env["PATH"]}) as terminal:
        terminal.wait_for("CHOSEN by the label", seconds=120)
        terminal.press("q")
        assert os.waitstatus_to_exitcode(terminal.wait()) == 0


def test_the_installers_are_scripts_that_can_be_run():
    for command in INSTALLERS:
        assert os.access(ROOT / command.split()[0], os.X_OK)
        assert command in commands()


def test_the_readme_has_the_table_of_keys():
    assert key_table(*REVIEW_SCREEN) in README


def test_the_readme_names_each_command_and_scorer():
    for name in (*COMMANDS, "review"):
        assert f"prefmap {name}" in README, name
    for name in SCORERS:
        assert f"`{name}" in README, name


def test_the_example_of_contributing_is_found_by_its_entry_point_and_scores(tmp_path, install_plug_in):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 10
    (point,) = re.findall(r"`(brevity = \"your_package:Brevity\")`", text)
    (command,) = re.findall(r"`prefmap (score P --scorer brevity)`", text)
    env = install_plug_in("your_package", code, point.replace('"', ""))
    (tmp_path / "x.jsonl").write_text('{"prompt": "q", "chosen": "long answer", "rejected": "short"}\n')
    for words in ("import x.jsonl -o P", command, "list scorers"):
        done = subprocess.run(
            [sys.executable, "-m", "tui", *words.split()], cwd=tmp_path, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert "brevity" in done.stdout
    (log,) = (tmp_path / "P" / "scores").glob("brevity-*.jsonl")
    header, *lines = map(json.loads, log.read_text().splitlines())
    assert header["type"] == "brevity"
    assert sorted(line["value"] for line in lines) == [-11.0, -5.0]


def test_the_table_of_the_readme_makes_a_judge():
    (text,) = [block for block in re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL) if "judge:" in block]
    named = make_scorer("strict", tomllib.loads(text)["scorers"])
    assert (named.kind, named.parameters["input_price"]) == ("judge", 0.15)
    options = {name for parameter in score.params for name in parameter.opts}
    assert set(re.findall(r"prefmap score pairs.prefmap --scorer strict (--\w+)", README)) <= options
