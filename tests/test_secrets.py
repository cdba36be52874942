"""Keys stay where they are: in the environment, and in the header of a call. And no file can make prefmap run code."""

import ast
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import duckdb
import pytest
from judge_server import JudgeServer

from engine.errors import PrefmapError
from engine.map_writer import read_table_rows
from engine.scorers.catalog import PROVENANCE, make_scorer
from engine.store import Store

ROOT = Path(__file__).resolve().parent.parent
KEY = "sk-only-in-the-environment-4711"
MODULES = [path for folder in ("engine", "tui", "scripts") for path in sorted((ROOT / folder).rglob("*.py"))]
ROWS = '{"prompt": "q", "chosen": "a", "rejected": "b"}\n{"prompt": "r", "chosen": "c", "rejected": "d"}\n'


def run(folder: Path, *words: str) -> str:
    """Run a command to its end with the key in the environment; gives all it said, and what others saw of it."""
    env = {**os.environ, "OPENAI_API_KEY": KEY, "HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "engine", *words]
    seen = b""
    with subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        os.set_blocking(running.stdout.fileno(), False)
        said = b""
        while running.poll() is None:
            for name in ("cmdline", "comm"):
                seen += Path(f"/proc/{running.pid}/{name}").read_bytes()
            said += running.stdout.read() or b""
            time.sleep(0.05)
        said += running.stdout.read() or b""
    return (said + seen).decode(errors="replace")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(
    ("behaviour", "key"), [("good", ""), ("401", ""), ("good", "another key"), ("cut,500,echo", "")]
)
def test_the_key_is_in_no_file_log_manifest_message_or_process_title(tmp_path, behaviour, key):
    """Two of these servers say the key back in their errors."""
    (tmp_path / "x.jsonl").write_text(ROWS)
    with JudgeServer(behaviour=behaviour, key=key) as server:
        spec = f"judge:made-up?base_url={server.url}&aspects=helpfulness"
        said = [run(tmp_path, "import", "x.jsonl", "-o", "P"), run(tmp_path, "score", "P", "--scorer", spec)]
        assert any(KEY in head for head in server.headers)
    for words in (("map", "P"), ("export", "P", "-o", "out.jsonl"), ("report", "P", "--json"), ("doctor", "P")):
        said.append(run(tmp_path, *words))
    assert KEY not in "".join(said)
    assert (tmp_path / "out.jsonl.manifest.json").exists()
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_a_run_that_is_ended_while_it_waits_says_so_without_a_traceback(tmp_path, number):
    (tmp_path / "x.jsonl").write_text(ROWS)
    run(tmp_path, "import", "x.jsonl", "-o", "P")
    with JudgeServer(behaviour="hang") as server:
        spec = f"judge:made-up?base_url={server.url}&aspects=helpfulness"
        command = [sys.executable, "-m", "engine", "score", "P", "--scorer", spec]
        env = {**os.environ, "OPENAI_API_KEY": KEY, "OPENAI_LOG": "debug", "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as running:
            while not server.received and running.poll() is None:
                time.sleep(0.01)
            running.send_signal(number)
            said = running.communicate()[1]
    assert (running.returncode, "Traceback" in said, KEY in said) == (130, False, False)
    assert said.splitlines()[-1].startswith("prefmap: interrupted.")


REACHING = (
    "SELECT * FROM read_csv('{0}')",
    "SELECT * FROM read_text('{0}')",
    "SELECT * FROM glob('/*')",
    "COPY (SELECT 1) TO '{0}.out'",
    "ATTACH '{0}.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "EXPORT DATABASE '{0}.folder'",
    "SET enable_external_access = true",
    "SET autoload_known_extensions = true",
    "CREATE TABLE mine (n INTEGER)",
)


@pytest.mark.parametrize("question", REACHING)
def test_a_map_that_is_read_reaches_no_other_file(sample_project, tmp_path, question):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    before = sorted(tmp_path.rglob("*"))
    with closing(Store.open(sample_project.map)) as store, pytest.raises(duckdb.Error):
        store._ask(question.format(tmp_path / "other.csv"))
    assert sorted(tmp_path.rglob("*")) == before


def test_an_export_from_elsewhere_cannot_read_files_by_a_view(tmp_path):
    (tmp_path / "secret.csv").write_text("password\n4711\n")
    with closing(duckdb.connect(str(tmp_path / "evil.duckdb"))) as connection:
        connection.execute(f"CREATE VIEW selected AS SELECT * FROM read_csv('{tmp_path}/secret.csv')")
    with pytest.raises(PrefmapError, match=r"has no table selected that DuckDB can read: Permission Error"):
        list(read_table_rows(tmp_path / "evil.duckdb", "selected"))


FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.load", "yaml.load"}
BETWEEN_WORKERS = ROOT / "engine" / "scores" / "ray_running.py"
"""Sends work to processes that it started, and reads what they send back; never a file."""


def names_of(tree: ast.AST) -> set[str]:
    """List the modules that a module imports, and the plain and dotted names that it calls."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Call):
            names.add(ast.unparse(node.func))
            names |= {"shell" for word in node.keywords if word.arg == "shell"}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_can_be_made_to_run_what_a_file_says(path):
    found = names_of(ast.parse(path.read_text(encoding="utf-8")))
    allowed = {"pickle"} if path == BETWEEN_WORKERS else set()
    assert found & (FORBIDDEN_MODULES | FORBIDDEN_CALLS | {"shell"}) == allowed


@pytest.mark.parametrize("kind", ["reward", "implicit"])
def test_code_of_a_model_runs_only_when_asked_for_and_is_on_record(kind):
    pins = "&".join(f"{name}={'0' * 40}" for name in ("revision", "reference_revision")[: 1 + (kind == "implicit")])
    plain, asked = (make_scorer(f"{kind}:a,b?{words}{pins}", {}) for words in ("", "trust_remote_code=true&"))
    assert (plain.parameters["trust_remote_code"], asked.parameters["trust_remote_code"]) == (False, True)
    (field,) = [one for one in fields(asked.scorer) if one.name == "trust_remote_code"]
    assert PROVENANCE not in field.metadata  # so that it is a part of the scorer's identity
