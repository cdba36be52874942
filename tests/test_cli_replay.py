"""Exports that are made again from the logs as they were, and logs that no longer are what they were."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def prefmap(*words, cwd=None):
    command = [sys.executable, "-m", "engine", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, stdin=subprocess.DEVNULL)


def succeed(*words, cwd=None):
    done = prefmap(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def reviewed(sample_project):
    """A folder with a project that has two verdicts."""
    folder: Path = sample_project.path.parent
    give(folder, (0, "flip"), (1, "drop"))
    succeed("map", "pairs.prefmap", cwd=folder)
    return folder


def give(folder: Path, *verdicts: tuple[int, str], reviewer: str = "kim") -> None:
    said = json.loads(succeed("queue", "pairs.prefmap", "--json", "--by", "random", cwd=folder).stdout)
    ids = [one["sample_id"] for one in said["samples"]]
    for place, verdict in verdicts:
        succeed("verdict", "pairs.prefmap", ids[place], verdict, "--reviewer", reviewer, cwd=folder)


def go_on(folder: Path) -> None:
    """Review, score, import and map after an export."""
    give(folder, (4, "flip"), (5, "tie"))
    give(folder, (6, "drop"), reviewer="bo")
    rows = [{"row": row, "response": n, "value": row * n} for row in range(1, 401) for n in (0, 1)]
    (folder / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    succeed("import-scores", "pairs.prefmap", "s.jsonl", "--scorer", "mine", cwd=folder)
    (folder / "more.jsonl").write_text('{"prompt": "q", "chosen": "a", "rejected": "b"}\n')
    succeed("import", "more.jsonl", "-o", "pairs.prefmap", cwd=folder)
    succeed("score", "pairs.prefmap", cwd=folder)
    succeed("map", "pairs.prefmap", cwd=folder)


EXPORTS = {"a.jsonl": [], "a.parquet": ["--policy", "adm"], "h.jsonl": ["--holdout", ".2"], "a.duckdb": []}


def test_exports_are_made_again_as_they_were_then(reviewed):
    for first, more in EXPORTS.items():
        succeed("export", "pairs.prefmap", "-o", first, *more, cwd=reviewed)
    go_on(reviewed)
    before = {path: path.read_bytes() for path in (reviewed / "pairs.prefmap").rglob("*") if path.is_file()}
    for first, more in EXPORTS.items():
        again = f"again-{first}"
        done = succeed("replay", first, "-o", again, cwd=reviewed)
        assert f"what {first} was" in done.stderr
        if first != "a.duckdb":
            assert (reviewed / again).read_bytes() == (reviewed / first).read_bytes()
            (reviewed / first).unlink()
            succeed("replay", f"{first}.manifest.json", "-o", again, "--force", cwd=reviewed)
        assert {path: path.read_bytes() for path in before} == before
        succeed("export", "pairs.prefmap", "-o", first, *more, "--force", cwd=reviewed)
        assert (reviewed / again).read_bytes() != (reviewed / first).read_bytes()


def test_a_source_that_another_one_replaced_is_still_replayed(reviewed):
    file = reviewed / "helpful_pairs.jsonl"
    for rows in (
        ["not json", '{"prompt": "q", "chosen": "a", "rejected": "b"}'],
        ['{"prompt": "q", "chosen": "c", "rejected": "b"}'],
    ):
        file.write_text("\n".join(rows) + "\n")
        succeed("import", file, "-o", "pairs.prefmap", cwd=reviewed)
        if len(rows) == 2:
            succeed("export", "pairs.prefmap", "-o", "a.jsonl", "--format", "same", cwd=reviewed)
    succeed("replay", "a.jsonl", "-o", "b.jsonl", cwd=reviewed)
    assert '"chosen":"a"' in (reviewed / "b.jsonl").read_text()


def change_log(folder: Path, change) -> Path:
    (log,) = (folder / "pairs.prefmap" / "reviews").glob("kim.*.jsonl")
    lines = log.read_bytes().splitlines(keepends=True)
    change(lines)
    log.write_bytes(b"".join(lines))
    return log


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines.pop(), "it had 2 lines and has 1"),
        (lambda lines: lines.pop(0), "its chain breaks at line 1"),
        (lambda lines: lines.__setitem__(0, lines[0].replace(b"kim", b"bob")), "its chain breaks at line 2"),
        (lambda lines: lines.__setitem__(1, lines[1].replace(b"drop", b"keep")), "line 2 is another one"),
    ],
    ids=["cut off", "first line gone", "changed", "last line changed"],
)
def test_a_log_that_was_changed_shows_in_verify_replay_and_doctor(reviewed, change, said):
    succeed("export", "pairs.prefmap", "-o", "a.jsonl", cwd=reviewed)
    succeed("verify", "a.jsonl", cwd=reviewed)
    change_log(reviewed, change)
    for words in (["verify", "a.jsonl"], ["replay", "a.jsonl", "-o", "b.jsonl"]):
        done = prefmap(*words, cwd=reviewed)
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    assert not (reviewed / "b.jsonl").exists()
    assert prefmap("doctor", "pairs.prefmap", cwd=reviewed).returncode == 1


def test_without_its_project_an_export_is_verified_alone(reviewed, tmp_path_factory):
    succeed("export", "pairs.prefmap", "-o", "a.jsonl", cwd=reviewed)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("a.jsonl", "a.jsonl.manifest.json"):
        (reviewed / name).rename(elsewhere / name)
    assert "were not checked" in succeed("verify", "a.jsonl", cwd=elsewhere).stderr
    refused = prefmap("replay", "a.jsonl", "-o", "b.jsonl", cwd=elsewhere)
    assert (refused.returncode, "Name it: --project P" in refused.stderr) == (1, True)
    succeed("replay", "a.jsonl", "-o", "b.jsonl", "--project", reviewed / "pairs.prefmap", cwd=elsewhere)


def test_a_replay_that_differs_is_exit_1(reviewed):
    succeed("export", "pairs.prefmap", "-o", "a.jsonl", cwd=reviewed)
    manifest = reviewed / "a.jsonl.manifest.json"
    said = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(said | {"output": {"file": "a.jsonl", "sha256": "0" * 64}, "prefmap": "0.0.1"}))
    done = prefmap("replay", "a.jsonl", "-o", "b.jsonl", cwd=reviewed)
    assert (done.returncode, "differs from a.jsonl, which prefmap 0.0.1 made" in done.stderr) == (1, True)
