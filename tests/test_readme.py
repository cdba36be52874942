"""The documents are true: each command of the README runs, each key and name it has is there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from pathlib import Path

import pytest
from terminal import Terminal

from engine.cli import COMMANDS
from engine.commands.score import score
from engine.scorers.catalog import SCORERS, make_scorer
from tui.keys import REVIEW_SCREEN, key_table

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
INSTALLERS = {"scripts/run sample_data/helpful_pairs.jsonl", "scripts/test"}
"""Run from a fresh clone by the release check, not from inside the tests that the second one starts."""


def commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def shell_env(tmp_path):
    """A folder with sample data and scripts, and a PATH on which `prefmap` and `python` are those of the tests."""
    for folder in ("sample_data", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def test_every_command_of_the_readme_runs(tmp_path, shell_env):
    with ExitStack() as servers:
        run_all(tmp_path, shell_env, servers)


def run_all(tmp_path: Path, shell_env: dict[str, str], servers: ExitStack) -> None:
    for command in commands():
        if command in INSTALLERS:
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


def test_the_example_of_contributing_is_a_scorer():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    names: dict = {"__name__": "example"}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    from engine.records import Message, Sample

    sample = Sample.of(prompt=[Message("user", "q")], texts=["long answer", "short"], labels=[1.0, 0.0])
    values = {one.response_id: one.value for one in names["Brevity"]()([sample])}
    assert values == {sample.responses[0].response_id: -11.0, sample.responses[1].response_id: -5.0}


def test_the_table_of_the_readme_makes_a_judge():
    (text,) = [block for block in re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL) if "judge:" in block]
    named = make_scorer("strict", tomllib.loads(text)["scorers"])
    assert (named.kind, named.parameters["input_price"]) == ("judge", 0.15)
    options = {name for parameter in score.params for name in parameter.opts}
    assert set(re.findall(r"prefmap score pairs.prefmap --scorer strict (--\w+)", README)) <= options
