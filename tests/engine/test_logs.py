import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import logs
from engine.errors import LogBusyError, LogDamagedError, LogUnwritableError
from engine.extents import Extent, find_break, find_change, measure_extent
from engine.logs import Log, hash_line, is_empty, is_torn, read_header, read_log

LINES = [{"n": 1, "text": "plain"}, {"n": 2, "text": "é \n \u2028 </s>"}, {"n": 3, "value": -0.5, "list": [None, True]}]


def write_log(path: Path, *, chained: bool = False, lines=LINES) -> Path:
    with Log(path, chained=chained) as log:
        log.append(*lines)
    return path


def without_prev(path: Path) -> list[dict]:
    return [{key: value for key, value in line.items() if key != "prev"} for line in read_log(path).lines]


@pytest.mark.parametrize("chained", [False, True])
def test_what_is_appended_is_read(tmp_path, chained):
    path = write_log(tmp_path / "a.jsonl", chained=chained, lines=LINES[:2])
    with Log(path, chained=chained) as log:
        assert log.set_aside is None
        log.append(LINES[2])
    assert (without_prev(path), read_log(path).torn) == (LINES, b"")
    assert path.read_bytes().isascii()
    assert read_log(path).head == hash_line(path.read_bytes().splitlines()[-1])
    assert (is_torn(path), is_empty(path), find_break(path) if chained else None) == (False, False, None)


@given(st.lists(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.text()), max_size=5))
def test_any_text_survives(tmp_path_factory, lines):
    path = write_log(tmp_path_factory.mktemp("log") / "a.jsonl", lines=lines)
    assert read_log(path).lines == lines


def test_an_empty_log_holds_nothing(tmp_path):
    path = write_log(tmp_path / "a.jsonl", lines=[])
    assert read_log(path) == ([], b"", "")
    assert (find_break(path), is_torn(path), is_empty(path)) == (None, False, True)


@pytest.mark.parametrize("chained", [False, True])
def test_a_line_cut_at_any_byte_loses_only_itself(tmp_path, chained):
    whole = write_log(tmp_path / "whole.jsonl", chained=chained).read_bytes()
    start = whole[:-1].rfind(b"\n") + 1
    for cut in range(start, len(whole)):
        path = tmp_path / f"{cut}" / "a.jsonl"
        path.parent.mkdir()
        path.write_bytes(whole[:cut])
        assert (without_prev(path), read_log(path).torn) == (LINES[:2], whole[start:cut])
        assert is_torn(path) == (cut > start)
        with Log(path, chained=chained) as log:
            if cut == start:
                assert log.set_aside is None
            else:
                assert log.set_aside.read_bytes() == whole[start:cut]
                assert log.set_aside.parent == path.parent
            log.append({"n": 4})
        assert (without_prev(path), read_log(path).torn) == ([*LINES[:2], {"n": 4}], b"")
        assert find_break(path) is None or not chained


def test_a_first_line_cut_at_any_byte_leaves_an_empty_log(tmp_path):
    whole = write_log(tmp_path / "whole.jsonl", lines=LINES[:1]).read_bytes()
    path = tmp_path / "a.jsonl"
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        assert is_empty(path)
        with Log(path):
            assert path.read_bytes() == b""


def test_a_torn_line_longer_than_one_look_back_is_set_aside_whole(tmp_path):
    path = write_log(tmp_path / "a.jsonl", chained=True)
    torn = b'{"text":"' + b"x" * (5 * logs.TAIL_BYTES)
    with path.open("ab") as file:
        file.write(torn)
    with Log(path, chained=True) as log:
        assert log.set_aside.read_bytes() == torn
        log.append({"text": "y" * (5 * logs.TAIL_BYTES)})
    with Log(path, chained=True) as log:
        log.append({"n": 5})
    assert (find_break(path), len(read_log(path).lines)) == (None, 5)


def damage(path: Path, change) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda lines: lines.__setitem__(1, lines[1].replace(b'"n":2', b'"n":7')), 3),
        (lambda lines: lines.pop(1), 2),
        (lambda lines: lines.pop(0), 1),
        (lambda lines: lines.insert(1, lines[0]), 2),
        (lambda lines: lines.insert(1, b'{"n":9,"prev":""}\n'), 2),
        (lambda lines: lines.reverse(), 1),
        (lambda lines: lines.append(b'{"n":9}\n'), 4),
        (lambda lines: lines.append(b'{"n":9,"pre'), None),
    ],
)
def test_the_chain_breaks_where_a_line_was_changed_removed_or_inserted(tmp_path, change, found):
    path = write_log(tmp_path / "a.jsonl", chained=True)
    damage(path, change)
    assert find_break(path) == found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines.append(lines[0]), "its chain breaks at line 4"),
        (lambda lines: lines.__setitem__(1, lines[1].replace(b'"n":2', b'"n":7')), "its chain breaks at line 3"),
        (lambda lines: lines.__setitem__(2, lines[2].replace(b"-0.5", b"0.5")), "line 3 is another one"),
        (lambda lines: lines.pop(), "it had 3 lines and has 2"),
        (lambda lines: lines.clear(), "it had 3 lines and has 0"),
        (lambda lines: lines.append(b'{"tor'), ""),
    ],
)
def test_what_a_log_had_it_must_still_have(tmp_path, change, said):
    path = write_log(tmp_path / "a.jsonl", chained=True)
    head = read_log(path).head
    damage(path, change)
    assert find_change(path, 3, head) == said
    path.unlink()
    assert (find_change(path, 3, head), find_change(path, 0, "")) == ("it is gone", "")


@pytest.mark.parametrize("broken", [b"garbage", b'{"n":', b"[1]", b"null", b"", b"\xff\xfe", b'{"n":1}}'])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_broken_line_before_the_last_is_named(tmp_path, broken, number):
    path = write_log(tmp_path / "a.jsonl")
    damage(path, lambda lines: lines.insert(number - 1, broken + b"\n"))
    with pytest.raises(LogDamagedError) as damaged:
        read_log(path)
    assert str(damaged.value) == f"{path}, line {number} is not a JSON object. Mend or remove that line."


def test_the_header_is_the_first_line(tmp_path):
    assert read_header(write_log(tmp_path / "a.jsonl")) == LINES[0]
    (tmp_path / "b.jsonl").write_bytes(b'{"kind":"hea')
    with pytest.raises(LogDamagedError, match=r"b\.jsonl has no whole first line\. Remove the file; nothing else is"):
        read_header(tmp_path / "b.jsonl")


HOLD = """
import sys, time
from pathlib import Path
from engine.logs import Log
log = Log(Path(sys.argv[1]))
log.append({"n": 1})
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_writer_is_refused_until_the_first_is_killed(tmp_path):
    path = tmp_path / "a.jsonl"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LogBusyError) as busy:
            Log(path, advice=" Use another name.")
        start = f"{path} is being written by process {holder.pid} on {socket.gethostname()} since "
        assert str(busy.value).startswith(start)
        assert str(busy.value).endswith(". Use another name.")
        assert read_log(path).lines == [{"n": 1}]
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with Log(path) as log:
            log.append({"n": 2})
        assert read_log(path).lines == [{"n": 1}, {"n": 2}]
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def test_a_refused_writer_leaves_the_log_and_its_lock_alone(tmp_path):
    path = tmp_path / "a.jsonl"
    with Log(path) as log:
        for _ in range(3):
            with pytest.raises(LogBusyError, match=rf"by process {os.getpid()} on "):
                Log(path)
        log.append({"n": 1})
    Log(path).close()
    assert read_log(path).lines == [{"n": 1}]


def test_a_failed_append_leaves_nothing_behind(tmp_path):
    """A file size limit stands in for a full disk: half of the line fits, then the system says no."""
    path = write_log(tmp_path / "a.jsonl", chained=True)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Log(path, chained=True) as log:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
        try:
            with pytest.raises(LogUnwritableError) as full:
                log.append({"n": 4, "text": "x" * 100})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert str(full.value) == f"Nothing was added to a.jsonl: File too large. It is in {tmp_path}."
        assert path.read_bytes() == before
        log.append({"n": 5})
    assert (find_break(path), read_log(path).lines[-1]["n"]) == (None, 5)


def test_the_extent_of_a_log_is_that_of_its_whole_lines(tmp_path):
    path = write_log(tmp_path / "a.jsonl")
    whole = path.read_bytes()
    assert measure_extent(path) == Extent(len(whole), hash_line(whole.splitlines()[-1]))
    assert read_log(path).head == measure_extent(path).head
    path.write_bytes(whole + b'{"n":4')
    assert measure_extent(path) == Extent(len(whole), hash_line(whole.splitlines()[-1]))
    path.write_bytes(b'{"n"')
    assert measure_extent(path) == Extent(0, "")


@pytest.mark.parametrize("replaced", [False, True])
def test_nothing_is_written_into_a_file_that_nobody_else_sees(tmp_path, replaced):
    path = write_log(tmp_path / "a.jsonl")
    with Log(path) as log:
        path.rename(tmp_path / "elsewhere")
        if replaced:
            path.write_bytes(b"")
        with pytest.raises(LogUnwritableError, match="it was replaced" if replaced else "it was removed"):
            log.append({"n": 4})
        (tmp_path / "elsewhere").rename(path)
        log.append({"n": 5})
    assert [line["n"] for line in read_log(path).lines] == [1, 2, 3, 5]


def test_a_log_that_was_put_back_from_a_copy_is_taken_up(tmp_path):
    path = write_log(tmp_path / "a.jsonl", chained=True)
    with Log(path, chained=True) as log:
        shutil.copy(path, tmp_path / "copy")
        path.unlink()
        with pytest.raises(LogUnwritableError, match=r"it was removed\. Put it back"):
            log.append({"n": 4})
        (tmp_path / "copy").rename(path)
        log.append({"n": 5})
        with pytest.raises(LogBusyError):
            Log(path)
    assert (find_break(path), [line["n"] for line in read_log(path).lines]) == (None, [1, 2, 3, 5])


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines.pop(),
        lambda lines: lines.append(lines[0]),
        lambda lines: lines.append(b'{"half'),
        lambda lines: lines.__setitem__(2, lines[2].replace(b"-0.5", b"-0.25")),
        lambda lines: lines.clear(),
    ],
)
def test_a_log_that_somebody_else_changed_is_not_added_to_until_it_is_as_it_was(tmp_path, change, in_place):
    path = write_log(tmp_path / "a.jsonl", chained=True)
    whole = path.read_bytes()
    with Log(path, chained=True) as log:
        target = path if in_place else Path(shutil.copy(path, tmp_path / "beside"))
        damage(target, change)
        changed = target.read_bytes()
        target.replace(path)
        with pytest.raises(LogUnwritableError, match="it was replaced or changed"):
            log.append({"n": 4})
        assert path.read_bytes() == changed
        path.write_bytes(whole)
        log.append({"n": 5})
    assert (find_break(path), [line["n"] for line in read_log(path).lines]) == (None, [1, 2, 3, 5])


def test_a_log_that_cannot_be_opened_says_how_to_look_on(tmp_path):
    (tmp_path / "a.jsonl").mkdir()
    with pytest.raises(LogUnwritableError, match=r"a\.jsonl cannot be written \(Is a directory\)\. To look on"):
        Log(tmp_path / "a.jsonl", advice=" To look on, add --read-only.")


def test_a_line_that_is_no_json_is_not_written_and_does_not_break_the_chain(tmp_path):
    path = tmp_path / "a.jsonl"
    with Log(path, chained=True) as log:
        with pytest.raises(ValueError, match="not JSON compliant"):
            log.append({"n": 1}, {"n": float("nan")})
        log.append({"n": 2})
    assert (find_break(path), without_prev(path)) == (None, [{"n": 2}])


def test_a_log_is_for_its_owner_alone(tmp_path):
    assert write_log(tmp_path / "a.jsonl").stat().st_mode & 0o077 == 0


def test_a_chain_goes_on_in_a_copy_of_the_log(tmp_path):
    path = write_log(tmp_path / "a.jsonl", chained=True)
    (tmp_path / "copy").mkdir()
    copy = Path(shutil.copy(path, tmp_path / "copy"))
    write_log(copy, chained=True, lines=[{"n": 4}])
    assert find_break(copy) is None
    assert json.loads(copy.read_bytes().splitlines()[3])["prev"] == hash_line(path.read_bytes().splitlines()[2])
