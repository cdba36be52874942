"""The commands as scripts use them: exit code, stdout and stderr of each."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from engine.reviewing import Review
from engine.sources import SourceReader

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "sample_data" / "helpful_pairs.jsonl"
RATED = ROOT / "sample_data" / "rated_four.jsonl"


def prefmap(*words, cwd=None, module="tui"):
    command = [sys.executable, "-m", module, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, stdin=subprocess.DEVNULL)


def succeed(*words, cwd=None):
    done = prefmap(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done


def test_import_tells_people_on_stderr_and_scripts_on_stdout(tmp_path):
    done = succeed("import", SAMPLE, "-o", tmp_path / "p.prefmap", "--json")
    assert "400 samples from 400 rows, read as trl" in done.stderr
    said = json.loads(done.stdout)
    assert {key: said[key] for key in ("project", "format", "rows", "samples", "refused")} == {
        "project": str(tmp_path / "p.prefmap"),
        "format": "trl",
        "rows": 400,
        "samples": 400,
        "refused": [],
    }


def test_import_names_the_project_after_the_file_in_the_current_folder(tmp_path):
    succeed("import", SAMPLE, cwd=tmp_path)
    assert (tmp_path / "helpful_pairs.prefmap" / "source.json").exists()


def test_refused_rows_are_counted_and_named(tmp_path):
    rows = ['{"prompt":"p","chosen":"a","rejected":"b"}', "{not json", '{"prompt":"p","chosen":"a"}', "[1]"]
    (tmp_path / "x.jsonl").write_text("\n".join(rows) + "\n")
    done = succeed("import", "x.jsonl", "--json", cwd=tmp_path)
    assert [one["row"] for one in json.loads(done.stdout)["refused"]] == [2, 3, 4]
    assert "3 rows refused" in done.stderr
    assert "row 2" in done.stderr


def test_build_does_only_what_is_missing(tmp_path):
    project = tmp_path / "p.prefmap"
    succeed("build", SAMPLE, "-o", project)
    (log,) = (project / "scores").glob("*.jsonl")
    before = log.read_bytes()
    again = succeed("build", SAMPLE, "-o", project)
    assert "already" in again.stderr
    assert log.read_bytes() == before


def test_the_queue_speaks_json_as_promised(sample_project):
    said = json.loads(succeed("queue", sample_project.path, "--json").stdout)["samples"]
    assert len(said) == 400
    promised = "sample_id source suspicion quality variability correlation margin region chosen rejected"
    assert set(said[0]) == set(promised.split())
    assert said[0]["source"]["file"] == "helpful_pairs.jsonl"
    assert (said[0]["chosen"], said[0]["rejected"]) == (0, 1)
    assert [one["suspicion"] for one in said] == sorted((one["suspicion"] for one in said), reverse=True)


def test_the_queue_finds_planted_flips_sooner_than_chance(sample_project):
    truth = [json.loads(line) for line in (ROOT / "sample_data" / "helpful_pairs.truth.jsonl").read_text().splitlines()]
    flipped = {one["row"] for one in truth if one["flipped"]}
    said = json.loads(succeed("queue", sample_project.path, "--limit", "40", "--json").stdout)["samples"]
    found = sum(one["source"]["row"] in flipped for one in said)
    assert len(flipped) == 40
    assert found >= 12  # by chance 4


@pytest.mark.parametrize("by", ["suspicion", "correlation", "margin", "quality", "variability", "random", "source"])
def test_each_order_of_the_queue_lists_every_sample(sample_project, by):
    said = json.loads(succeed("queue", sample_project.path, "--by", by, "--json").stdout)["samples"]
    assert len({one["sample_id"] for one in said}) == 400


def test_a_verdict_reaches_the_export_and_leaves_the_queue(sample_project, tmp_path):
    first = json.loads(succeed("queue", sample_project.path, "--limit", "1", "--json").stdout)["samples"][0]
    succeed("verdict", sample_project.path, first["sample_id"][:8], "flip", "--reviewer", "kim", "--note", "seen")
    second = json.loads(succeed("queue", sample_project.path, "--limit", "1", "--json").stdout)["samples"][0]
    assert second["sample_id"] != first["sample_id"]
    out = tmp_path / "out.jsonl"
    said = json.loads(succeed("export", sample_project.path, "-o", out, "--json").stdout)
    assert said == {
        "output": str(out), "manifest": f"{out}.manifest.json", "kept": 400, "rows": 400, "dropped": {},
    }  # fmt: skip
    source = json.loads(SAMPLE.read_text().splitlines()[first["source"]["row"] - 1])
    exported = json.loads(out.read_text().splitlines()[first["source"]["row"] - 1])
    assert exported["chosen"][0]["content"] == source["rejected"]
    assert exported["rejected"][0]["content"] == source["chosen"]
    assert "400 rows" in succeed("verify", out).stderr
    assert json.loads(succeed("report", sample_project.path, "--json").stdout)["verdicts"] == {"flip": 1}


def test_show_prints_the_whole_sample(sample_project):
    first = json.loads(succeed("queue", sample_project.path, "--limit", "1", "--json").stdout)["samples"][0]
    said = json.loads(succeed("show", sample_project.path, first["sample_id"], "--json").stdout)
    source = json.loads(SAMPLE.read_text().splitlines()[first["source"]["row"] - 1])
    assert [response["text"] for response in said["responses"]] == [source["chosen"], source["rejected"]]
    assert said["prompt"] == [{"role": "user", "content": source["prompt"]}]
    assert "CHOSEN by the label" in succeed("show", sample_project.path, first["sample_id"]).stdout


def test_report_counts_regions_and_cuts(sample_project):
    said = json.loads(succeed("report", sample_project.path, "--json").stdout)
    assert (said["samples"], said["responses"], said["refused"]) == (400, 800, 0)
    assert said["regions"] == {"high_average": 133, "high_variance": 134, "low_average": 133}
    assert said["scorers"]["crossfit"]["coverage"] == 1.0
    assert set(said["cuts"]["crossfit"]) == {"variability", "quality"}
    assert "high_average" in succeed("report", sample_project.path).stdout


def test_four_rated_responses_go_the_whole_way(tmp_path):
    project, out = tmp_path / "r.prefmap", tmp_path / "out.parquet"
    succeed("build", RATED, "-o", project, "--scorer", "crossfit", "--scorer", "column:overall_score")
    said = json.loads(succeed("report", project, "--json").stdout)
    assert said["map_scorer"] == "column-overall_score"
    exported = json.loads(succeed("export", project, "-o", out, "--policy", "adm", "--json").stdout)
    assert exported["rows"] == said["regions"]["high_average"] == 50
    succeed("verify", out)


def test_import_scores_makes_one_more_map(sample_project, tmp_path):
    rows = [{"row": row, "response": n, "value": row * (1 - n)} for row in range(1, 401) for n in (0, 1)]
    rows.append({"row": 999, "response": 0, "value": 1})
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = succeed("import-scores", sample_project.path, tmp_path / "s.jsonl", "--scorer", "mine")
    assert "800 of 801 rows" in done.stderr
    assert "no sample was imported from row 999" in done.stderr
    succeed("map", sample_project.path)
    said = json.loads(succeed("report", sample_project.path, "--json").stdout)
    assert said["map_scorer"] == "mine"


def test_adm_on_the_embedded_scorer_alone_warns(sample_project, tmp_path):
    done = succeed("export", sample_project.path, "-o", tmp_path / "o.jsonl", "--policy", "adm")
    assert "finds mislabels" in done.stderr


def test_report_shows_calibration_once_enough_was_read(sample_project):
    with closing(Review(sample_project, "kim")) as review:
        for n, sample in enumerate(islice(SourceReader(sample_project), 25)):
            review.give(sample, "flip" if n % 5 == 0 else "keep")
    succeed("map", sample_project.path)
    said = json.loads(succeed("report", sample_project.path, "--json").stdout)
    assert said["suspicion"]["learnt_from"] == 25
    assert sum(one["samples"] for one in said["suspicion"]["reliability"]["bins"]) == 25
    assert said["scorers"]["crossfit"]["weight"] == 1
    shown = succeed("report", sample_project.path).stdout
    assert "learnt from 25 verdicts" in shown
    assert "  calibration error 0." in shown
    assert "    weight 1.000, agrees with " in shown


@pytest.mark.parametrize("what", ["formats", "scorers", "policies"])
def test_list_names_what_there_is(what):
    assert len(succeed("list", what).stdout.splitlines()) >= 2


def test_bench_noise_measures_and_writes_nothing(tmp_path):
    words = ("bench", "noise", SAMPLE, "--seeds", "1", "--rate", ".1", "--rate", ".2", "--kind", "length")
    said = json.loads(succeed(*words, "--json", cwd=tmp_path).stdout)
    assert {(run["rate"], run["planted"]) for run in said["runs"]} == {(0.1, 40), (0.2, 80)}
    methods = {one["method"]: one["mean"] for one in said["methods"] if one["rate"] == 0.1}
    assert set(methods) >= {"crossfit", "suspicion", "crossfit, paper's cosine"}
    assert methods["suspicion"]["auroc"] > 0.6
    table = succeed(*words, "--markdown", cwd=tmp_path).stdout.splitlines()
    assert table[0].startswith("| noise | method | AUROC |")
    assert len(table) == 2 + len(said["methods"])
    assert list(tmp_path.iterdir()) == []


FAILURES = {
    "no such file": (["import", "nowhere.jsonl"], "nowhere.jsonl"),
    "no such project": (["queue", "nowhere.prefmap"], "nowhere.prefmap"),
    "a file is no project": (["queue", str(SAMPLE)], "prefmap build"),
    "unknown format": (["import", str(SAMPLE), "--format", "tlr"], "Did you mean trl?"),
    "no dimension": (["import", str(SAMPLE), "--dimension", "honesty"], "dimension"),
    "unknown scorer": (["bench", "noise", str(SAMPLE), "--scorer", "crosfit"], "Did you mean crossfit?"),
    "unknown setting": (["bench", "noise", str(SAMPLE), "--scorer", "crossfit?fold=3"], "Did you mean folds?"),
    "verify nothing": (["verify", "nowhere.jsonl"], "nowhere.jsonl"),
}


@pytest.mark.parametrize(("words", "said"), FAILURES.values(), ids=FAILURES)
def test_an_expected_failure_is_one_sentence(tmp_path, words, said):
    done = prefmap(*words, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("prefmap: ")]
    assert said in line
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


FAILURES_IN_PROJECT = {
    "unknown sample": (["show", "P", "zzzz"], "No sample has an id"),
    "many samples": (["show", "P", ""], "several"),
    "no column": (["score", "P", "--scorer", "column:score"], "score"),
    "fitted scorers take no limit": (["score", "P", "--scorer", "crossfit?seed=1", "--limit", "3"], "--limit"),
    "fraction too large": (["export", "P", "-o", "o.jsonl", "--policy", "adm", "--fraction", ".7"], "2/3"),
    "ending": (["export", "P", "-o", "o.txt"], ".parquet"),
    "map scorer": (["map", "P", "--map-scorer", "judge"], "crossfit"),
    "no terminal": (["review", "P"], "prefmap queue"),
}


@pytest.mark.parametrize(("words", "said"), FAILURES_IN_PROJECT.values(), ids=FAILURES_IN_PROJECT)
def test_an_expected_failure_inside_a_project_is_one_sentence(sample_project, tmp_path, words, said):
    done = prefmap(*(str(sample_project.path) if word == "P" else word for word in words), cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o.jsonl").exists()


def test_an_export_is_not_replaced_without_force(sample_project, tmp_path):
    out = tmp_path / "o.jsonl"
    succeed("export", sample_project.path, "-o", out)
    before = out.read_bytes()
    done = prefmap("export", sample_project.path, "-o", out, "--policy", "random")
    assert done.returncode == 1
    assert "--force" in done.stderr
    assert out.read_bytes() == before
    succeed("export", sample_project.path, "-o", out, "--policy", "random", "--force")
    assert out.read_bytes() != before


def test_a_deleted_map_comes_back_the_same(sample_project, tmp_path):
    first = json.loads(succeed("queue", sample_project.path, "--limit", "1", "--json").stdout)["samples"][0]
    succeed("verdict", sample_project.path, first["sample_id"], "flip", "--reviewer", "kim")
    succeed("map", sample_project.path)
    succeed("export", sample_project.path, "-o", tmp_path / "a.jsonl", "--policy", "adm")
    sample_project.map.unlink()
    succeed("map", sample_project.path)
    succeed("export", sample_project.path, "-o", tmp_path / "b.jsonl", "--policy", "adm")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_wrong_usage_is_exit_2():
    assert prefmap("queue").returncode == 2
    assert prefmap("nonsense").returncode == 2
    assert prefmap("export", "p", "-o", "x.jsonl", "--policy", "best").returncode == 2


def test_the_engine_runs_without_the_app():
    assert "review" not in prefmap("--help", module="engine").stdout.split()
    assert "  review " in prefmap("--help").stdout


def test_help_of_every_command_has_an_example():
    from engine.cli import COMMANDS

    for name in (*COMMANDS, "review"):
        if name != "bench":
            assert "Example: prefmap" in succeed(name, "--help").stdout, name
    assert "Example: prefmap" in succeed("bench", "noise", "--help").stdout


def test_the_list_of_commands_says_of_each_what_it_does_without_cutting_it():
    done = subprocess.run(
        [sys.executable, "-m", "tui", "--help"], capture_output=True, text=True, env={**os.environ, "COLUMNS": "80"}
    )
    listed = done.stdout.partition("Commands:")[2].strip().splitlines()
    assert len(listed) >= 20
    assert [line for line in listed if line.endswith("...") or len(line) > 80] == []


@pytest.mark.parametrize("words", [("reviw", "p.prefmap"), ("exprot",)])
def test_a_command_that_does_not_exist_names_the_nearest(words, tmp_path):
    done = prefmap(*words, cwd=tmp_path)
    near = {"reviw": "review", "exprot": "export"}[words[0]]
    assert (done.returncode, done.stdout) == (2, "")
    assert f"No such command '{words[0]}'. Did you mean {near}?" in done.stderr


def test_a_project_is_not_imported_into_another(sample_project, tmp_path):
    done = prefmap("import", sample_project.path, cwd=tmp_path)
    assert done.returncode == 1
    assert f"{sample_project.path} is a project already. To extend it: prefmap import FILE -o" in done.stderr


LINGERING = """
import atexit, time
from dataclasses import dataclass
from pathlib import Path
from engine.records import Score

def linger():
    Path("leaving").touch()
    time.sleep(30)

@dataclass(frozen=True)
class Lingering:
    def __call__(self, samples):
        for sample in samples:
            yield from (Score(one.response_id, 1.0) for one in sample.responses)

atexit.register(linger)
"""


@pytest.fixture
def leaving(tmp_path, install_plug_in):
    """A way to start a command that is waited for until its work is done and a library puts its things away."""
    env = install_plug_in("lingering_package", LINGERING, "lingering = lingering_package:Lingering")
    (tmp_path / "x.jsonl").write_text('{"prompt": "q", "chosen": "long answer", "rejected": "short"}\n')
    succeed("import", tmp_path / "x.jsonl", "-o", tmp_path / "p.prefmap")

    def start(*before: str) -> subprocess.Popen[str]:
        command = [*before, sys.executable, "-m", "tui", "score", "p.prefmap", "--scorer", "lingering"]
        running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=env)
        while not (tmp_path / "leaving").exists():
            assert running.poll() is None
            time.sleep(0.01)
        return running

    return start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_after_the_work_is_done_says_nothing(leaving, number):
    with leaving() as running:
        running.send_signal(number)
        said = running.communicate()[1]
    assert running.returncode == -number, said
    assert said.splitlines()[-1] == "lingering: 2 of 2 responses have a score (100.0%)."


def test_under_nohup_a_hang_up_is_ignored_to_the_end(leaving):
    with leaving("nohup") as running:
        running.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(timeout=1)
        running.send_signal(signal.SIGTERM)
    assert running.returncode == -signal.SIGTERM


def test_an_interrupted_score_run_is_exit_130_and_goes_on(tmp_path):
    project = tmp_path / "p.prefmap"
    succeed("import", SAMPLE, "-o", project)
    command = [sys.executable, "-m", "tui", "score", str(project)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        log = project / "scores"
        while not any(log.glob("*.jsonl")):
            time.sleep(0.01)
        os.kill(running.pid, signal.SIGINT)
        said = running.communicate()[1]
    assert running.returncode == 130
    assert "run the same command again" in said
    assert "Traceback" not in said
    assert "800 of 800" in succeed("score", project).stderr
