import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ExportRefusedError, VerifyError
from engine.exporting import ENDINGS, export
from engine.exports.manifests import ExportPlan, manifest_of
from engine.exports.splitting import group_of, heldout_of, hold_out
from engine.formats.catalog import WRITERS
from engine.map_writer import read_parquet_rows, read_table_rows
from engine.mapping import build_map
from engine.project import Project
from engine.records import Message, Sample
from engine.reviewing import Review
from engine.sources import SourceReader
from engine.verifying import verify

ROOT = Path(__file__).resolve().parents[2]


def pair_row(n: int, prompt: int | None = None) -> dict:
    return {"prompt": f"Question {n if prompt is None else prompt}?", "chosen": f"Good {n}.", "rejected": f"Bad {n}."}


def read_back(path: Path) -> list[dict]:
    if path.suffix == ".parquet":
        return list(read_parquet_rows(path))
    if path.suffix == ".duckdb":
        return list(read_table_rows(path, "selected"))
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def count_rows(rows: list[dict]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


def prompts_of(rows: list[dict]) -> set[str]:
    """Name the prompts of rows in any shape: all that the rows of a pair share."""
    answers = {"chosen", "rejected", "completion", "label", "preferred_output", "non_preferred_output"}
    return {json.dumps({key: row[key] for key in row if key not in answers}, sort_keys=True) for row in rows}


@pytest.fixture(scope="module")
def shared_prompts(import_rows, log_scores) -> Project:
    """240 samples of 80 prompts, three of each, mapped, and some of them reviewed."""
    project = import_rows([pair_row(n, prompt=n % 80) for n in range(240)])
    samples = list(SourceReader(project))
    ids = [response.response_id for sample in samples for response in sample.responses]
    log_scores(project, "judge", {one: n * 7 % 13 / 13 for n, one in enumerate(ids)})
    with closing(Review(project, "kim")) as opened:
        for number, verdict in ((0, "flip"), (1, "drop"), (7, "tie"), (81, "flip")):
            opened.give(samples[number], verdict)
    build_map(project)
    return project


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 30).map(str), max_size=60),
    st.floats(0.01, 0.99),
    st.integers(0, 5),
    st.randoms(use_true_random=False),
)
def test_groups_are_whole_whatever_the_order_and_grow_with_the_share(groups, share, seed, chance):
    drawn = dict(zip(groups, hold_out(groups, share, seed), strict=True))
    assert list(hold_out(groups, share, seed)) == [drawn[group] for group in groups]
    shuffled = [*groups, "more", "yet more"]
    chance.shuffle(shuffled)
    again = dict(zip(shuffled, hold_out(shuffled, share, seed), strict=True))
    assert {group: again[group] for group in groups} == drawn
    larger = dict(zip(groups, hold_out(groups, (1 + share) / 2, seed), strict=True))
    assert all(larger[group] for group in groups if drawn[group])


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.9])
@pytest.mark.parametrize("seed", [0, 42])
def test_the_share_is_met(share, seed):
    count = 20_000
    held_out = int(hold_out([str(n) for n in range(count)], share, seed).sum())
    assert abs(held_out - share * count) < 4 * (count * share * (1 - share)) ** 0.5


def test_another_seed_holds_out_others():
    groups = [str(n) for n in range(200)]
    assert list(hold_out(groups, 0.5, 1)) != list(hold_out(groups, 0.5, 2))


@pytest.mark.parametrize("share", [0, 1, -0.1, 5, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ExportRefusedError, match=rf"^--holdout is {share:g}; it must be above 0 and below 1\.$"):
        hold_out(["a"], share, 42)


def test_samples_without_a_prompt_are_not_one_group():
    samples = [Sample.of(prompt=[], texts=[f"A{n}", f"B{n}"], labels=[1.0, 0.0]) for n in range(3)]
    assert len({group_of(sample) for sample in samples}) == 3
    twins = [Sample.of(prompt=[Message("user", "Q")], texts=[f"A{n}", "B"], labels=[1.0, 0.0]) for n in range(3)]
    assert len({group_of(sample) for sample in twins}) == 1


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("layout", [*WRITERS, "same"])
def test_two_parts_make_the_whole_and_share_no_prompt(shared_prompts, tmp_path, layout, ending):
    if layout == "same" and ending != ".jsonl":
        pytest.skip("original rows are written as .jsonl alone")
    whole = export(shared_prompts, tmp_path / f"whole{ending}", ExportPlan(format=layout))
    done = export(shared_prompts, tmp_path / f"train{ending}", ExportPlan(format=layout, holdout=0.3))
    assert done.held_out is not None
    assert done.held_out.output == tmp_path / f"train.heldout{ending}"
    train, held_out = read_back(done.output), read_back(done.held_out.output)
    assert count_rows(train) + count_rows(held_out) == count_rows(read_back(whole.output))
    assert prompts_of(train).isdisjoint(prompts_of(held_out))
    assert 10 < len(prompts_of(held_out)) < 40
    assert done.kept + done.held_out.kept == whole.kept == 238
    assert done.changed + done.held_out.changed == whole.changed == 2
    for part in (done, done.held_out):
        assert part.samples == 240 == part.kept + sum(part.dropped.values())
        assert verify(part.output).rows == part.rows
    assert sorted(path.name for path in tmp_path.iterdir() if ".dataset_info" not in path.name) == sorted(
        name + more for name in (f"whole{ending}", f"train{ending}", f"train.heldout{ending}")
        for more in ("", ".manifest.json")
    )  # fmt: skip


def test_each_part_says_what_the_other_is(shared_prompts, tmp_path):
    done = export(shared_prompts, tmp_path / "train.jsonl", ExportPlan(holdout=0.3, seed=7))
    train, held_out = (json.loads(part.manifest.read_text()) for part in (done, done.held_out))
    assert (train["part"], held_out["part"]) == ("train", "heldout")
    assert (train["other_part"], held_out["other_part"]) == (held_out["output"], train["output"])
    assert train["plan"] == held_out["plan"]
    assert (train["plan"]["holdout"], train["plan"]["seed"]) == (0.3, 7)
    assert train["counts"]["dropped"]["held out"] + held_out["counts"]["dropped"]["not held out"] == 240


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
@pytest.mark.parametrize("layout", ["trl", "kto"])
def test_the_same_bytes_twice(shared_prompts, tmp_path, ending, layout):
    written = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        export(shared_prompts, tmp_path / name / f"train{ending}", ExportPlan(format=layout, holdout=0.2))
        written.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert written[0] == written[1]
    assert len(written[0]) == 4


def test_rows_in_another_order_and_more_rows_hold_out_the_same_prompts(import_rows, tmp_path):
    rows = [pair_row(n, prompt=n % 30) for n in range(60)]
    found = []
    for name, given_rows in (("a", rows), ("b", rows[::-1]), ("c", rows + [pair_row(n) for n in range(100, 160)])):
        done = export(import_rows(given_rows), tmp_path / f"{name}.jsonl", ExportPlan(holdout=0.3))
        found.append(prompts_of(read_back(done.held_out.output)))
    assert found[0] == found[1]
    assert found[0] < found[2]
    assert found[2] - found[0] <= prompts_of([
        {"prompt": [{"role": "user", "content": f"Question {n}?"}]} for n in range(100, 160)
    ])  # fmt: skip


@pytest.mark.parametrize("policy", ["adm", "random"])
def test_no_policy_trains_on_what_another_holds_out(shared_prompts, tmp_path, policy):
    every = export(shared_prompts, tmp_path / "all.jsonl", ExportPlan(holdout=0.3))
    some = export(shared_prompts, tmp_path / "some.jsonl", ExportPlan(policy=policy, holdout=0.3))
    assert prompts_of(read_back(some.held_out.output)) <= prompts_of(read_back(every.held_out.output))
    assert prompts_of(read_back(some.output)).isdisjoint(prompts_of(read_back(every.held_out.output)))
    assert some.dropped[f"not selected by policy {policy}"] == 160


def test_changes_alone_have_nothing_to_hold_out(shared_prompts, tmp_path):
    with pytest.raises(ExportRefusedError, match="nothing to train on"):
        export(shared_prompts, tmp_path / "patch.jsonl", ExportPlan(format="patch", holdout=0.3))
    assert list(tmp_path.iterdir()) == []


def test_neither_part_is_replaced_without_force(shared_prompts, tmp_path):
    output = tmp_path / "train.jsonl"
    heldout_of(output).write_text("mine\n")
    with pytest.raises(ExportRefusedError, match=r"train\.heldout\.jsonl exists"):
        export(shared_prompts, output, ExportPlan(holdout=0.3))
    assert [path.name for path in tmp_path.iterdir()] == ["train.heldout.jsonl"]
    export(shared_prompts, output, ExportPlan(holdout=0.3), force=True)
    assert verify(heldout_of(output)).rows > 10


def test_parts_of_two_exports_are_found_out(shared_prompts, tmp_path):
    output = tmp_path / "train.jsonl"
    export(shared_prompts, output, ExportPlan(holdout=0.3, seed=1))
    old = {path: path.read_bytes() for path in (heldout_of(output), manifest_of(heldout_of(output)))}
    export(shared_prompts, output, ExportPlan(holdout=0.3, seed=2), force=True)
    for path, content in old.items():
        path.write_bytes(content)
    for one, other in ((output, heldout_of(output)), (heldout_of(output), output)):
        with pytest.raises(VerifyError) as found:
            verify(one)
        assert str(found.value) == (
            f"{other} is not the other part of {one}: they are of two exports, and may share prompts. "
            "Export both again."
        )
    heldout_of(output).unlink()
    assert verify(output).rows > 100


@pytest.mark.parametrize("name", ["", "a/b", 5, None])
def test_a_manifest_that_names_no_other_file_is_none(shared_prompts, tmp_path, name):
    output = tmp_path / "train.jsonl"
    manifest = export(shared_prompts, output, ExportPlan(holdout=0.3)).manifest
    said = json.loads(manifest.read_text())
    said["other_part"]["file"] = name
    manifest.write_text(json.dumps(said))
    with pytest.raises(VerifyError, match="is no manifest of prefmap"):
        verify(output)


def test_llamafactory_is_told_of_both_parts(shared_prompts, tmp_path):
    done = export(shared_prompts, tmp_path / "train.jsonl", ExportPlan(format="llamafactory", holdout=0.3))
    said = json.loads(done.description.read_text())
    assert {name: entry["file_name"] for name, entry in said.items()} == {
        "train": "train.jsonl", "train_heldout": "train.heldout.jsonl",
    }  # fmt: skip


KILL = """
import os, signal, sys
from pathlib import Path
import engine.exporting as exporting
from engine.exports.manifests import ExportPlan
from engine.project import Project

def tell(done, total):
    global calls
    calls += 1
    if calls == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

calls = 0
plan = ExportPlan(holdout=0.3, seed=9)
exporting.export(Project(Path(sys.argv[1])), Path(sys.argv[2]), plan, force=True, progress=tell)
"""


@pytest.mark.parametrize("moment", [2, 4])
def test_a_kill_leaves_the_old_parts_as_they_were(shared_prompts, tmp_path, moment):
    output = tmp_path / "train.jsonl"
    export(shared_prompts, output, ExportPlan(holdout=0.3, seed=1))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    words = [sys.executable, "-c", KILL, str(shared_prompts.path), str(output), str(moment)]
    killed = subprocess.run(words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".part"} == before
