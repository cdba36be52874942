"""A team by the commands alone: shares, conflicts, adjudication, and what the export makes of them."""

import json
import re
import stat
import subprocess
import sys
from contextlib import closing
from html import unescape

import duckdb
import pytest

from engine.records import content_of


def prefmap(*words, cwd=None):
    command = [sys.executable, "-m", "tui", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, stdin=subprocess.DEVNULL)


def succeed(*words, cwd=None):
    done = prefmap(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done


def ask(*words, cwd=None):
    return json.loads(succeed(*words, "--json", cwd=cwd).stdout)


def queue(project, *words) -> list[str]:
    return [one["sample_id"] for one in ask("queue", project.path, *words)["samples"]]


def count_changed(output) -> int:
    return json.loads(output.with_name(f"{output.name}.manifest.json").read_text())["counts"]["changed"]


@pytest.fixture
def disputed(sample_project):
    """Kim and Lee read the first three; they differ on the first two, and Max sides with Kim on the second."""
    first, second, third = queue(sample_project, "--limit", "3")
    said = {"kim": ("keep", "flip", "tie"), "lee": ("flip", "keep", "tie"), "max": ("", "flip", "")}
    acts = [(name, *act) for name, each in said.items() for act in zip((first, second, third), each, strict=True)]
    for reviewer, sample, verdict in filter(all, acts):
        succeed("verdict", sample_project.path, sample, verdict, "--reviewer", reviewer, "--note", f"{reviewer}: so")
    return sample_project, first, second


def test_two_reviewers_read_shares_that_meet_in_the_overlap_alone(sample_project):
    told = succeed("assign", sample_project.path, "--reviewers", "kim, lee", "--overlap", ".1").stdout.splitlines()
    assert stat.S_IMODE(sample_project.assignment.stat().st_mode) == 0o600
    kim, lee = (queue(sample_project, "--reviewer", name) for name in ("kim", "lee"))
    contents = [{content_of(one) for one in mine} for mine in (kim, lee)]
    shared = len(contents[0] & contents[1])
    assert told == [
        f"kim: {len(contents[0])} samples, 0 of them read",
        f"lee: {len(contents[1])} samples, 0 of them read",
        f"{shared} of these are read by all (overlap 0.1)",
    ]
    assert 20 <= shared <= 60
    assert contents[0] | contents[1] == {content_of(one) for one in queue(sample_project)}
    order = queue(sample_project)
    assert kim == [one for one in order if one in set(kim)]
    for sample in kim[:3]:
        succeed("verdict", sample_project.path, sample, "keep", "--reviewer", "kim")
    assert queue(sample_project, "--reviewer", "kim") == kim[3:]
    shares = ask("assign", sample_project.path)["shares"]
    assert (shares["kim"], shares["lee"]["read"]) == ({"samples": len(contents[0]), "read": 3}, 0)
    assert set(queue(sample_project, "--reviewer", "kim", "--where", "suspicion>.2")) <= set(kim)


def test_each_is_told_what_is_his_or_hers(sample_project):
    succeed("assign", sample_project.path, "--reviewers", "kim,lee")
    assert succeed("queue", sample_project.path, "--reviewer", "kim").stderr == "share of kim, one of 2\n"
    done = succeed("queue", sample_project.path, "--reviewer", "max", "--json")
    assert done.stderr == "no share is assigned to max, who reads all; shares are those of kim, lee\n"
    assert len(json.loads(done.stdout)["samples"]) == 400
    done = succeed("assign", sample_project.path, "--clear")
    assert done.stderr == "Nothing is assigned: everybody reads all.\n"
    assert not sample_project.assignment.exists()
    assert len(queue(sample_project, "--reviewer", "kim")) == 400
    assert ask("assign", sample_project.path) == {"reviewers": [], "overlap": None, "shared": 0, "shares": {}}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--reviewers", "kim,kim"], 1, "Each reviewer of an assignment needs a name of his or her own."),
        (["--reviewers", "kim,"], 1, "Each reviewer of an assignment needs a name of his or her own."),
        (["--reviewers", "kim,lee", "--overlap", "10"], 1, "The overlap is a share from 0 to 1, not 10.0."),
        (["--overlap", ".2"], 2, "--overlap needs --reviewers."),
        (["--clear", "--reviewers", "kim"], 2, "--clear and --reviewers exclude each other."),
    ],
)
def test_what_cannot_be_assigned_is_refused_and_leaves_all_as_it_was(sample_project, words, code, said):
    done = prefmap("assign", sample_project.path, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert not sample_project.assignment.exists()


def test_a_broken_assignment_stops_the_queue_and_doctor_says_what_to_do(sample_project):
    sample_project.assignment.write_text('{"reviewers": "kim"}')
    for words in (["queue", sample_project.path, "--reviewer", "kim"], ["assign", sample_project.path]):
        done = prefmap(*words)
        assert done.returncode == 1
        assert "assignment.json is no assignment" in done.stderr
        assert "prefmap assign" in done.stderr
    done = prefmap("doctor", sample_project.path)
    assert done.returncode == 1
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("wrong  assignment: "))
    assert line.endswith(f"Or end it: prefmap assign {sample_project.path} --clear")
    succeed("assign", sample_project.path, "--clear")
    assert "assignment" not in succeed("doctor", sample_project.path).stdout


def test_a_conflict_stays_out_until_somebody_adjudicates(disputed, tmp_path):
    project, first, second = disputed
    assert queue(project, "--by", "conflicts") == [first, second] == queue(project, "--where", "conflict")
    assert queue(project, "--by", "conflicts", "--reviewer", "kim") == [first, second]
    assert ask("export", project.path, "-o", "a.jsonl", cwd=tmp_path)["dropped"]["conflict between reviewers"] == 2
    done = succeed("verdict", project.path, first, "flip", "--reviewer", "ana", "--adjudicate")
    assert done.stderr.splitlines() == [
        f"{first}: adjudicated flip by ana: [2] over [1], saved.",
        "  kim: keep: [1] over [2]  kim: so",
        "  lee: flip: [2] over [1]  lee: so",
    ]
    succeed("verdict", project.path, first, "flip", "--reviewer", "ana")
    assert queue(project, "--by", "conflicts") == [second]
    line, _ = map(json.loads, next(project.reviews.glob("ana.*")).read_text().splitlines())
    assert line["adjudicates"] is True
    done = ask("export", project.path, "-o", "b.jsonl", cwd=tmp_path)
    assert done["dropped"] == {"conflict between reviewers": 1, "tie by verdict": 1}
    assert count_changed(tmp_path / "b.jsonl") == 1
    said = ask("report", project.path)
    assert (said["conflicts"], said["verdicts"]) == (1, {"flip": 4, "keep": 2, "tie": 2})
    assert "ana: adjudicated flip: [2] over [1]" in succeed("show", project.path, first).stdout
    assert "adjudicated flip" in succeed("log", project.path, "--reviewer", "ana").stdout
    refused = prefmap("verdict", project.path, second, "skip", "--reviewer", "ana", "--adjudicate")
    assert (refused.returncode, "--adjudicate needs another verdict" in refused.stderr) == (2, True)


def test_a_majority_settles_only_if_asked_and_replay_knows(disputed, tmp_path):
    project, *_ = disputed
    done = ask("export", project.path, "-o", "m.jsonl", "--majority", cwd=tmp_path)
    assert done["dropped"] == {"conflict between reviewers": 1, "tie by verdict": 1}
    assert count_changed(tmp_path / "m.jsonl") == 1
    assert json.loads((tmp_path / "m.jsonl.manifest.json").read_text())["plan"]["majority"] is True
    succeed("replay", "m.jsonl", "-o", "again.jsonl", "--project", project.path, cwd=tmp_path)
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "m.jsonl").read_bytes()


def test_the_map_and_the_page_see_conflicts_as_the_export_does(disputed):
    project, first, *_ = disputed
    assert ask("report", project.path)["suspicion"]["learnt_from"] == 0
    succeed("map", project.path)
    assert ask("report", project.path)["suspicion"]["learnt_from"] == 0
    succeed("verdict", project.path, first, "flip", "--reviewer", "ana", "--adjudicate")
    succeed("map", project.path)
    assert ask("report", project.path)["suspicion"]["learnt_from"] == 1
    with closing(duckdb.connect(str(project.map), read_only=True)) as asked:
        told = asked.execute("SELECT reviewer, adjudicates, bulk FROM verdict WHERE content_id = ? ORDER BY 1", [first])
        assert told.fetchall() == [("ana", True, False), ("kim", False, False), ("lee", False, False)]


def test_report_compares_the_reviewers_by_their_votes(disputed, tmp_path):
    project, first, *_ = disputed
    lines = succeed("report", project.path).stdout.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("agreement"))
    assert lines[start : start + 5] == [
        "agreement  Krippendorff's alpha 0.25 on 3 samples that two or more read",
        "  kim, lee: Cohen's kappa 0.00 on 3 samples that both read",
        "  kim, max: Cohen's kappa not defined (one thing only was said) on 1 sample that both read",
        "  lee, max: Cohen's kappa 0.00 on 1 sample that both read",
        "by reviewer",
    ]
    told = [line.partition(", ") for line in lines[start + 5 : start + 8]]
    assert [line[0] for line in told] == ["  kim: 3 read", "  lee: 3 read", "  max: 1 read"]
    assert all(re.fullmatch(r"\d+% flipped, \d\.\d% of [12] verdicts inferred to be slips", one[2]) for one in told)
    succeed("report", project.path, "--html", "page.html", cwd=tmp_path)
    page = re.sub("<[^>]+>", " ", (tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "all Krippendorff's alpha 0.25 3 kim, lee Cohen's kappa 0.00 3 kim, max Cohen's kappa not defined 1" in (
        " ".join(unescape(page).split())
    )
    before = ask("report", project.path)
    succeed("verdict", project.path, first, "keep", "--reviewer", "lee", "--adjudicate")
    after = ask("report", project.path)
    assert (before["agreement"], before["conflicts"]) == (after["agreement"], after["conflicts"] + 1)
    assert after["agreement"]["kappa"][0]["reviewers"] == ["kim", "lee"]
    assert after["reviewers"]["lee"]["flips"] == 0
    assert after["reviewers"]["kim"].keys() == {"read", "flips", "last", "repeats", "same", "slips"}
