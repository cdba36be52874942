"""Findings in review logs: half lines, broken chains, clocks that went back, and verdicts on what is not there."""

import json
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.errors import LogDamagedError
from engine.extents import find_change
from engine.findings.finding import Finding
from engine.logs import explain_damage, hash_line
from engine.project import Project
from engine.records import content_of
from engine.sources import SourceReader
from engine.verdicts.steps import History, Outcome, check_version, explain_refusal

JUMP = timedelta(seconds=2)
"""Clocks that are corrected all the time go back by less."""


MOST_TOLD = 5
"""Findings of one kind in one log; the rest is counted."""


@dataclass
class _Walk:
    """What is known of a log while it is read line by line."""

    path: Path
    history: History = field(default_factory=History)
    hashes: dict[str, int] = field(default_factory=dict)
    """Lines by their hash."""

    previous: str = ""
    latest: datetime | None = None
    """The time of the line before."""

    def check(self, number: int, data: bytes) -> Iterator[Finding]:
        """Look at one line."""
        place = f"{self.path}, line {number}"
        if number == 1 and data.startswith(BOM_UTF8):
            yield Finding("editor", f"{place} begins with a byte order mark, which an editor put there. Remove it.")
            data = data.removeprefix(BOM_UTF8)
        line = _read(data)
        if line is None:
            yield Finding("damaged line", f"{place} {explain_damage(data)}")
        else:
            if line.get("prev") != self.previous:
                yield Finding("broken chain", f"{place} {self._explain(line.get('prev'))}")
            yield from self._check_act(place, number, line)
        self.previous = hash_line(data)
        self.hashes[self.previous] = number

    def _explain(self, named: object) -> str:
        if named is None:
            return "does not name the line before, as all that prefmap writes do: it was written by hand."
        known = self.hashes.get(str(named))
        if known:
            return f"was written after line {known}: two copies of this log were joined. Give each a file of its own."
        if not named and self.hashes:
            return "begins a log: two logs were joined. Give each a file of its own."
        return "does not follow the line before: that was changed, or lines are gone. Bring the log back from a copy."

    def _check_act(self, place: str, number: int, line: Mapping[str, object]) -> Iterator[Finding]:
        try:
            check_version(self.path, number, line)
            self.history.apply(line)
        except LogDamagedError as error:
            yield Finding("version", str(error))
            return
        except (KeyError, TypeError, ValueError) as error:
            yield Finding("damaged line", f"{place} {explain_refusal(error)}")
        yield from self._check_clock(place, str(line.get("time")))

    def _check_clock(self, place: str, said: str) -> Iterator[Finding]:
        try:
            time = datetime.fromisoformat(said)
            time = time if time.tzinfo else time.replace(tzinfo=UTC)
        except ValueError:
            yield Finding("clock", f"{place} says no time that can be read ({said!r}).", is_wrong=False)
            return
        if self.latest and self.latest - time > JUMP:
            jump = timedelta(seconds=round((self.latest - time).total_seconds()))
            text = f"{place} is {jump} older than the line before it: the clock was set back."
            yield Finding("clock", f"{text} Within a log the order of its lines counts.", is_wrong=False)
        if time - datetime.now(UTC) > JUMP:
            text = f"{place} was written at {said}, which is still to come: a clock is wrong."
            yield Finding("clock", f"{text} Among logs of one reviewer the latest time counts.", is_wrong=False)
        self.latest = time


def _read(data: bytes) -> dict[str, object] | None:
    try:
        line = json.loads(data)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def check_log(path: Path, history: History) -> Iterator[Finding]:
    """Look at every line of one log; `history` takes in what it says. Of each kind a few findings are told."""
    found: Counter[str] = Counter()
    for one in _check_lines(path, history):
        found[one.kind] += 1
        if found[one.kind] <= MOST_TOLD:
            yield one
    for kind, count in found.items():
        if count > MOST_TOLD:
            yield Finding(kind, f"{path} has {count - MOST_TOLD:,} more findings of this kind.", kind != "clock")


def _check_lines(path: Path, history: History) -> Iterator[Finding]:
    walk = _Walk(path, history)
    with path.open("rb") as file:
        for number, data in enumerate(file, start=1):
            if data.endswith(b"\n"):
                yield from walk.check(number, data)
            else:
                text = f"{path} ends in half a line ({len(data):,} bytes): a write was cut short. It counts for nothing"
                yield Finding("torn line", f"{text}; the next review under that name sets it aside.")
    history.drop_waiting()
    if history.cut_short:
        text = f"{path} holds {history.cut_short:,} lines of a bulk verdict that was cut short. They count for nothing."
        yield Finding("bulk cut short", text, is_wrong=False)


def check_extents(project: Project, recorded: Mapping[str, Mapping[str, object]]) -> Iterator[Finding]:
    """Find logs that had more lines, or other ones, when the map was built."""
    for name, one in recorded.items():
        path = project.reviews / name
        try:
            problem = find_change(path, int(str(one["lines"])), str(one["head"]))
        except LogDamagedError:
            continue  # said of that line already
        if problem and "chain" not in problem:
            text = f"{path} is not what the map was built from: {problem}. Bring it back from a copy."
            yield Finding("lost lines", text)


def check_copies(project: Project) -> Iterator[Finding]:
    """Find logs that begin with the same act: what is taken back in one still stands in the other."""
    known: dict[str, Path] = {}
    for path in project.review_logs():
        with path.open("rb") as file:
            first = hash_line(file.readline().removeprefix(BOM_UTF8))
        other = known.setdefault(first, path)
        if path == other or first == hash_line(b""):
            continue
        short, long = sorted((path, other), key=lambda one: one.stat().st_size)
        if long.read_bytes().startswith(short.read_bytes()):
            yield Finding("copy", f"{short} is a copy of {long}, and an undo in one is none in the other. Remove it.")
        else:
            text = f"{path} and {other} begin alike and then part. Both count; of two verdicts the later stands."
            yield Finding("parted logs", text, is_wrong=False)


def check_verdicts(project: Project, histories: Sequence[History]) -> Iterator[Finding]:
    """Find verdicts on samples, or on responses, that no source holds any more."""
    standing = [outcome for history in histories for outcome in history.standing().values()]
    if not standing:
        return
    wanted = {content_of(outcome.sample_id) for outcome in standing}
    known = {
        sample.content_id: {response.response_id for response in sample.responses}
        for sample in SourceReader(project)
        if sample.content_id in wanted
    }
    of = len(standing)
    found = Counter(_judge(outcome, known) for outcome in standing)
    first = {_judge(outcome, known): outcome.sample_id for outcome in reversed(standing)}
    if found["orphan"]:
        text = f"{found['orphan']:,} of {of:,} verdicts are on samples that no source holds (first: {first['orphan']})"
        yield Finding("orphan verdicts", f"{text}; they count again when the file is imported that had them.")
    if found["stale"]:
        text = f"{found['stale']:,} of {of:,} verdicts name responses that are not of their sample"
        text += f" (first: {first['stale']})"
        yield Finding("stale verdicts", f"{text}; they are not applied. Review those samples again.")


def _judge(outcome: Outcome, known: Mapping[str, set[str]]) -> str:
    responses = known.get(content_of(outcome.sample_id))
    if responses is None:
        return "orphan"
    return "stale" if {outcome.preferred, outcome.rejected} - {None} - responses else ""
