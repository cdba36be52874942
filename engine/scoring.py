"""Score: run a scorer over the responses that have no score yet, and log each result."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from engine.errors import ScorerRefusedError
from engine.logs import Line, Log, is_empty, read_header
from engine.project import Project
from engine.records import Score
from engine.scorers.catalog import NamedScorer
from engine.scores.score_logs import HEADER, read_ledger, write_line
from engine.scores.wanted import Shard, Wanted
from engine.sources import SourceReader, fingerprint

FLUSH_LINES = 256
"""Scores of a scorer on this machine are written together; a kill -9 loses no more than these."""

MEASURED_AFTER = 50
"""Responses scored in a run before its whole cost is foretold."""

Progress = Callable[[int, int, str], None]
"""Told how many responses of how many are scored, and what else there is to say: failures, cost."""

Runner = Callable[[NamedScorer, Wanted], Iterator[Score]]
"""Runs a scorer somewhere and brings its scores here, as they come."""

Tell = Callable[[str], None]
"""Told a sentence for the person."""

Agree = Callable[[str], bool]
"""Told what the work will cost; says whether to do it."""


class Coverage(NamedTuple):
    """What a scorer has for a dataset."""

    log: Path
    responses: int
    scored: int
    final: int
    """Responses that can never be scored, such as empty ones; they do not count as missing."""

    asked: int
    """How many scores and failures were logged in this run."""

    @property
    def missing(self) -> int:
        return self.responses - self.scored - self.final


class Terms(NamedTuple):
    """How much of the work is to be done now."""

    limit: int | None = None
    """Score no more than so many responses."""

    shard: Shard | None = None
    """Score one of several parts, into a log of its own."""

    budget: float | None = None
    """Spend no more than so many USD."""

    batch: bool = False
    """Leave the calls with the server as a batch, and collect what earlier runs left."""


ALL = Terms()


def run_here(named: NamedScorer, wanted: Wanted) -> Iterator[Score]:
    """Run a scorer in this process."""
    return named.scorer(wanted)


def score(
    project: Project,
    named: NamedScorer,
    terms: Terms = ALL,
    *,
    runner: Runner = run_here,
    progress: Progress = lambda *_: None,
    tell: Tell = lambda _: None,
    agree: Agree = lambda _: True,
) -> Coverage:
    """Score what is missing, and log it as it comes; the log says afterwards all that is needed to run it again."""
    samples = SourceReader(project)
    if named.depends_on_dataset and (terms.limit is not None or terms.shard is not None):
        raise ScorerRefusedError(f"{named.kind} depends on the whole dataset: it takes no --limit and no --shard.")
    if terms.batch and not named.has_batches:
        raise ScorerRefusedError(f"{named.kind} knows no batches; run it without --batch.")
    data = fingerprint(samples) if named.depends_on_dataset else ""
    identity = named.identify(data)
    path = _find_log(project, named, identity)
    ledger = read_ledger(project, identity)
    if terms.shard:
        path = path.with_name(f"{path.stem}.{terms.shard}.jsonl")
    with Log(path) as log:
        if path.stat().st_size == 0:
            log.append(_header(named, identity, data))
        wanted = Wanted(
            samples,
            ledger,
            limit=terms.limit,
            shard=terms.shard,
            is_whole=named.depends_on_dataset or named.compares_responses,
            budget=terms.budget,
            folder=project.scores,
            batch=terms.batch,
            agree=agree,
            tell=tell,
        )
        return _Run(wanted, named, log, progress).score(runner)


def _find_log(project: Project, named: NamedScorer, identity: str) -> Path:
    """Name the log of a scorer; one of the same name with another configuration is put away until that comes back."""
    project.scores.mkdir(exist_ok=True)
    if not named.from_table:
        return project.scores / f"{named.name}-{identity[:8]}.jsonl"
    path = project.scores / f"{named.name}.jsonl"
    if path.exists() and not is_empty(path):
        earlier = str(read_header(path).get("identity"))
        if earlier != identity:
            path.rename(_name_old(path, earlier))
    if not path.exists() and _name_old(path, identity).exists():
        _name_old(path, identity).rename(path)
    return path


def _name_old(path: Path, identity: str) -> Path:
    return path.with_name(f"{path.stem}-{identity[:8]}.jsonl.old")


def _header(named: NamedScorer, identity: str, data: str) -> Line:
    return {
        "kind": HEADER,
        "scorer": named.name,
        "type": named.kind,
        "identity": identity,
        "fingerprint": data,
        "parameters": named.parameters,
        "facts": named.facts,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "versions": _versions(named.packages),
    }


def _versions(packages: Sequence[str]) -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("prefmap", "numpy", *packages)}


class _Run:
    """One run of a scorer: scores come in, lines go out."""

    def __init__(self, wanted: Wanted, named: NamedScorer, log: Log, progress: Progress) -> None:
        self.wanted, self.named, self.log, self.progress = wanted, named, log, progress
        self.responses = self._list_responses()
        self.waiting: list[Score] = []
        self.tally = Tally(is_costly=named.is_costly)

    def _list_responses(self) -> set[str]:
        shard = self.wanted.shard
        mine = (sample for sample in self.wanted.samples if shard is None or shard.holds(sample.prompt_id))
        return {response.response_id for sample in mine for response in sample.responses}

    def score(self, runner: Runner) -> Coverage:
        ledger, wanted = self.wanted.ledger, self.wanted
        self._report()
        if any(wanted.is_missing(one) for one in self.responses):
            at_once = 1 if self.named.is_costly else FLUSH_LINES
            try:
                for one in runner(self.named, wanted):
                    if one.response_id in self.responses and wanted.lacks(one.response_id, one.part, one.number):
                        self.waiting.append(_check(one))
                        ledger.add(self.waiting[-1])
                        if len(self.waiting) >= at_once:
                            self._keep()
            finally:
                self._keep()
                self.log.append()
        done, final = len(self.responses & ledger.scored), len(self.responses & ledger.final)
        return Coverage(self.log.path, len(self.responses), done, final, self.tally.asked)

    def _keep(self) -> None:
        with _uninterrupted():
            self.log.write(map(write_line, self.waiting))
            for one in self.waiting:
                self.tally.count(one)
            self.waiting.clear()
        self._report()

    def _report(self) -> None:
        ledger = self.wanted.ledger
        done = len(ledger.scored) + len(ledger.final)
        self.progress(done, len(self.responses), self.tally.describe(done, len(self.responses)))


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until what was written is also known to be written."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass
class Tally:
    """What a run has done so far."""

    is_costly: bool = False
    """Rate, cost and time left are worth telling."""

    asked: int = 0
    """Scores and failures that were logged."""

    failed: int = 0
    cost: float = 0.0
    """In USD, where the scorer knows its price."""

    began: float = field(default_factory=time.monotonic)
    had: int | None = None
    """How many responses were done before."""

    def count(self, one: Score) -> None:
        self.asked += 1
        self.failed += one.value is None and not one.final
        cost = one.details.get("cost")
        self.cost += cost if isinstance(cost, float) else 0.0

    def describe(self, done: int, total: int) -> str:
        """Say what there is to say beside done and total: failures, cost now and in the end, rate, time left."""
        if self.had is None:
            self.had = done
        said = [f"{self.failed:,} failed"] if self.failed else []
        seconds, fresh = time.monotonic() - self.began, done - self.had
        if self.cost:
            in_all = f" of ~${self.cost * (total - self.had) / fresh:,.2f}" if fresh >= MEASURED_AFTER else ""
            said.append(f"${self.cost:,.2f}{in_all}")
        if self.is_costly and self.asked and seconds > 1:
            left = f", {timedelta(seconds=round(seconds * (total - done) / fresh))} left" if fresh else ""
            said.append(f"{self.asked / seconds:,.1f}/s{left}")
        return ", ".join(said)


def _check(one: Score) -> Score:
    """Turn NaN and infinities, which are no scores, into a missing value."""
    if one.value is None or isfinite(one.value):
        return one
    return replace(one, value=None, reason=f"the scorer gave {one.value}")
