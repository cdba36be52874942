"""The house rules that no linter knows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {"pandas", "torch", "transformers", "openai", "sklearn", "scipy", "ray", "matplotlib"}
MODULES = [path for folder in ("engine", "tui") for path in sorted((ROOT / folder).rglob("*.py"))]


def imported_after(code: str) -> set[str]:
    probe = f"import sys, json\n{code}\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_pays_for_nothing_heavy():
    code = "from tui.commands import WithApp\nfrom click.testing import CliRunner\nimport tui.__main__\n"
    code += "assert 'import' in CliRunner().invoke(WithApp(name='prefmap'), ['--help']).output"
    loaded = imported_after(code)
    assert loaded & (HEAVY | {"duckdb", "numpy", "textual"}) == set()


def test_the_review_pays_for_nothing_heavy():
    assert imported_after("import tui.app, tui.session, engine.store, engine.reviewing") & HEAVY == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_fits_the_eye(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_the_app_is_a_door():
    assert len((ROOT / "tui" / "app.py").read_text(encoding="utf-8").splitlines()) <= 120


def test_each_promise_is_held_by_tests_that_exist():
    rows = [
        line for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines() if line.startswith("| R")
    ]
    assert [row.split()[1] for row in rows] == [f"R{number}" for number in range(1, 11)]
    for row in rows:
        held = re.findall(r"`(tests/\S+)::(\w+)`", row)
        assert held, row
        for path, name in held:
            assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.M), name
        assert all((ROOT / script).exists() for script in re.findall(r"`(scripts/\S+)`", row))
