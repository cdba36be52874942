"""The app in a real pseudo-terminal."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from kill_review import run_rounds
from terminal import Terminal

PREFMAP = [sys.executable, "-m", "tui"]


def review(project: Path, *more: str, **options) -> Terminal:
    return Terminal([*PREFMAP, "review", str(project), "--reviewer", "kim", *more], **options)


@pytest.mark.parametrize(
    ("number", "rounds"), [(signal.SIGKILL, 3), (signal.SIGHUP, 3), (signal.SIGTERM, 3), (signal.SIGSTOP, 1)]
)
def test_a_verdict_that_was_seen_survives_a_kill_and_a_stop(sample_project, number, rounds):
    import random

    assert run_rounds(sample_project.path, rounds, number, random.Random(1)) == (0, 0, 0)


def test_bare_file_builds_a_project_and_opens_it(tmp_path):
    rows = [{"prompt": f"question {n}", "chosen": f"good answer {n}", "rejected": f"bad {n}"} for n in range(60)]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Terminal([*PREFMAP, "mine.jsonl"], folder=tmp_path) as terminal:
        terminal.wait_for("1 of 60")
        terminal.press("q")
        assert os.waitstatus_to_exitcode(terminal.wait()) == 0
    assert (tmp_path / "mine.prefmap" / "map.duckdb").exists()


def test_quitting_leaves_the_terminal_as_it_was_and_says_what_to_do(sample_project):
    with review(sample_project.path) as terminal:
        terminal.wait_for("1 of 400")
        terminal.press("f")
        terminal.wait_for("last: flip")
        terminal.press("q")
        assert os.waitstatus_to_exitcode(terminal.wait()) == 0
        assert "1 read by kim" in terminal.raw.decode()
        assert "prefmap export" in terminal.raw.decode()
        assert terminal.raw.rindex(b"\x1b[?1049l") > terminal.raw.rindex(b"\x1b[?1049h")


def test_ctrl_c_quits_and_loses_nothing(sample_project):
    with review(sample_project.path) as terminal:
        terminal.wait_for("1 of 400")
        terminal.press("f", "ctrl+c")
        assert os.waitstatus_to_exitcode(terminal.wait()) == 0
    (log,) = sample_project.review_logs()
    assert len(log.read_text().splitlines()) == 1


def test_suspended_and_brought_back_it_paints_again(sample_project):
    shell = ["bash", "--norc", "-i"]
    command = f"{sys.executable} -m tui review {sample_project.path} --reviewer kim\n"
    with Terminal(shell, env={"PS1": "prompt> "}) as terminal:
        terminal.wait_for("prompt>")
        terminal.press(command)
        terminal.wait_for("1 of 400")
        terminal.press("ctrl+z")
        terminal.wait_for("Stopped")
        terminal.press("fg\n")
        terminal.wait_for(lambda text: "1 of 400" in text and "CHOSEN by the label" in text)
        terminal.press("f")
        terminal.wait_for("last: flip")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_a_review_that_was_stopped_and_went_on_paints_again_with_the_threads_it_had(sample_project):
    with Terminal([*PREFMAP, "review", str(sample_project.path), "--reviewer", "kim"]) as terminal:
        terminal.wait_for("1 of 400", quiet=1.0)
        before = count_threads(terminal.pid)
        for _ in range(10):
            terminal.screen.reset()
            terminal.send_signal(signal.SIGSTOP)
            terminal.send_signal(signal.SIGCONT)
            terminal.wait_for("1 of 400")
        assert count_threads(terminal.pid) < before + 10
        terminal.press("q")
        assert os.waitstatus_to_exitcode(terminal.wait()) == 0


def count_threads(process: int) -> int:
    return len(list(Path(f"/proc/{process}/task").iterdir()))


def test_a_second_session_of_one_reviewer_is_told_who_writes(sample_project):
    with review(sample_project.path) as first:
        first.wait_for("1 of 400")
        with review(sample_project.path) as second:
            assert os.waitstatus_to_exitcode(second.wait()) == 1
            said = second.raw.decode()
            assert f"process {first.pid}" in said
            assert "--read-only" in said
        with review(sample_project.path, "--read-only") as third:
            third.wait_for("1 of 400")


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": ""}])
def test_a_poor_terminal_is_refused_with_what_to_do(sample_project, env):
    with review(sample_project.path, env=env) as terminal:
        assert os.waitstatus_to_exitcode(terminal.wait()) == 1
        assert "prefmap queue" in terminal.raw.decode()


@pytest.mark.parametrize(
    ("env", "frames"),
    [({"LANG": "C.UTF-8"}, True), ({"LANG": "C", "LC_ALL": "", "LC_CTYPE": ""}, False), ({"NO_COLOR": "1"}, True)],
)
def test_poor_locales_get_ascii_frames(sample_project, env, frames):
    with review(sample_project.path, env=env) as terminal:
        text = terminal.wait_for("CHOSEN by the label")
        assert ("\u2500" in text) is frames
        assert frames or " -- prompt --" in text


def test_what_is_typed_ahead_of_a_line_stands_in_it(sample_project):
    with review(sample_project.path) as terminal:
        terminal.wait_for("1 of 400")
        terminal.press("afty is a fine note")
        terminal.wait_for(" fty is a fine note")
        terminal.press("enter")
        terminal.wait_for("noted")
    (log,) = sample_project.review_logs()
    assert [json.loads(line)["text"] for line in log.read_text().splitlines()] == ["fty is a fine note"]


def test_an_open_line_that_waits_sends_nothing(sample_project):
    with review(sample_project.path) as terminal:
        terminal.wait_for("1 of 400")
        terminal.press("w")
        terminal.wait_for("where: suspicion")
        terminal.settle()
        assert not terminal.read(1.2)


def test_of_keys_typed_ahead_one_decides_at_most(sample_project):
    with review(sample_project.path) as terminal:
        terminal.wait_for("1 of 400")
        terminal.settle()
        terminal.press("fffff")
        terminal.wait_for("not taken")
        terminal.settle()
    (log,) = sample_project.review_logs()
    assert len(log.read_text().splitlines()) == 1


def test_a_paste_typed_ahead_of_a_line_stands_in_it_before_the_keys_behind_it(sample_project):
    with review(sample_project.path) as terminal:
        terminal.wait_for("1 of 400")
        terminal.press("ab\x1b[200~cd\x1b[201~ef")
        terminal.wait_for(" bcdef")
        terminal.press("enter")
        terminal.wait_for("noted")
    (log,) = sample_project.review_logs()
    assert [json.loads(line)["text"] for line in log.read_text().splitlines()] == ["bcdef"]


def test_low_bandwidth_sends_ascii_without_colours_of_its_own(sample_project):
    sent = []
    for options in ((), ("--low-bandwidth",)):
        with review(sample_project.path, "--read-only", *options) as terminal:
            terminal.wait_for("1 of 400")
            terminal.settle()
            before = len(terminal.raw)
            for _ in range(5):
                terminal.press("l")
                terminal.settle()
            sent.append(terminal.raw[before:])
    usual, few = sent
    assert len(few) < 0.8 * len(usual)
    assert b"8;2;" in usual
    assert b"8;2;" not in few
    assert "\u2500".encode() not in few
