"""What one reviewer did, as the log has it: verdicts, notes and flags, in steps that undo takes back whole."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self, get_args

from engine.errors import LogDamagedError
from engine.logs import Line, read_log
from engine.records import Verdict, content_of
from engine.verdicts.serving import SERVED, Served

RemarkKind = Literal["note", "flag"]

VERSION = 1
"""Of the lines of a review log; where they say none, this one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The standing verdict of one reviewer on one content. It says what is better, not what to exchange."""

    sample_id: str
    verdict: Verdict
    preferred: str | None
    """Response id of the better one; None for tie, drop and skip."""

    rejected: str | None
    reviewer: str
    time: str
    """UTC, ISO 8601."""

    seconds: float = 0.0
    """How long it took."""

    note: str = ""
    batch: str = ""
    """Of which bulk verdict it is a part; empty where a person read the sample."""

    mode: str = ""
    """`blind` or `sighted`; empty where it was given without a screen."""

    served: Served = "queue"
    """Why the sample was read: as the queue had it, as a control, or once more."""

    adjudicates: bool = False
    """Whether it settles what reviewers differ on."""

    @property
    def meaning(self) -> tuple[str, ...]:
        """What two outcomes must share to agree, whatever they are called."""
        return (self.preferred, self.rejected or "") if self.preferred else (self.verdict,)

    @property
    def is_bulk(self) -> bool:
        return bool(self.batch)

    @property
    def is_read(self) -> bool:
        """Whether a person read the sample and decided."""
        return not self.batch and self.verdict != "skip"

    @property
    def act(self) -> str:
        """What was done, in a word or two."""
        return f"adjudicated {self.verdict}" if self.adjudicates else self.verdict


@dataclass(frozen=True, slots=True)
class Remark:
    """A note or a flag of one reviewer on one content."""

    kind: RemarkKind
    sample_id: str
    text: str
    """Empty: it was taken away."""

    reviewer: str
    time: str

    @property
    def act(self) -> str:
        return self.kind if self.text else f"no {self.kind}"


@dataclass(frozen=True, slots=True)
class Batch:
    """A bulk verdict: many outcomes that nobody read one by one, given and taken back together."""

    outcomes: tuple[Outcome, ...]

    @property
    def sample_id(self) -> str:
        return self.outcomes[0].sample_id

    @property
    def act(self) -> str:
        return f"bulk {self.outcomes[0].verdict} of {len(self.outcomes):,}"


Step = Outcome | Remark | Batch


@dataclass
class History:
    """What one log says: the steps that stand, and those taken back that can be done again."""

    steps: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)
    cut_short: int = 0
    """Lines of bulk verdicts that are not whole; they count for nothing."""

    lines: int = 0
    """How many whole lines the log had when it was read."""

    head: str = ""
    """Hash of the last of them."""

    readings: list[Outcome] = field(init=False)
    """Of the steps, the verdicts that were given one by one, skips included: so many turns are over."""

    _waiting: list[Outcome] = field(default_factory=list)
    """The lines of a bulk verdict so far."""

    def __post_init__(self) -> None:
        self.readings = [step for step in self.steps if isinstance(step, Outcome)]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read one review log. Raises LogDamagedError where a verdict in it is none."""
        read = read_log(path)
        history = cls(lines=len(read.lines), head=read.head)
        for number, line in enumerate(read.lines, start=1):
            check_version(path, number, line)
            try:
                history.apply(line)
            except (KeyError, TypeError, ValueError) as error:
                raise LogDamagedError(f"{path}, line {number} {explain_refusal(error)}") from error
        history.drop_waiting()
        return history

    def apply(self, line: Line) -> None:
        """Do what one line says; kinds of lines of a later version are passed over."""
        kind = line.get("kind")
        if kind == "verdict" and line.get("batch"):
            self._gather(_read_outcome(line), int(line["of"]))  # type: ignore[call-overload]
            return
        self.drop_waiting()
        if kind == "verdict":
            self._do(_read_outcome(line))
        elif kind == "note" or kind == "flag":
            self._do(_read_remark(kind, line))
        elif kind == "undo" and self.steps:
            self.undone.append(self.steps.pop())
            if isinstance(self.undone[-1], Outcome):
                self.readings.pop()
        elif kind == "redo" and self.undone:
            self._add(self.undone.pop())

    def _do(self, step: Step) -> None:
        self._add(step)
        self.undone.clear()

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        if isinstance(step, Outcome):
            self.readings.append(step)

    def _gather(self, outcome: Outcome, size: int) -> None:
        """Take one line of a bulk verdict, which is a step when its last one is there."""
        if self._waiting and self._waiting[0].batch != outcome.batch:
            self.drop_waiting()
        self._waiting.append(outcome)
        if len(self._waiting) == size:
            self._do(Batch(tuple(self._waiting)))
            self._waiting.clear()

    def drop_waiting(self) -> None:
        """Give up a bulk verdict whose last lines were never written."""
        self.cut_short += len(self._waiting)
        self._waiting.clear()

    def verdicts(self) -> Iterator[Outcome]:
        """List all verdicts that were not taken back, oldest first; who skips a conflict leaves it as it was."""
        for step in self.steps:
            if isinstance(step, Batch):
                yield from step.outcomes
            elif isinstance(step, Outcome) and not (step.adjudicates and step.verdict == "skip"):
                yield step

    def standing(self) -> dict[str, Outcome]:
        """Give the verdict that stands on each content: the last one that adjudicates it, else the last one."""
        standing: dict[str, Outcome] = {}
        for outcome in self.verdicts():
            known = standing.get(content_of(outcome.sample_id))
            if known is None or outcome.adjudicates >= known.adjudicates:
                standing[content_of(outcome.sample_id)] = outcome
        return standing

    def votes(self) -> dict[str, Outcome]:
        """Give the last verdict on each content that does not adjudicate: by these, reviewers are compared."""
        return {content_of(outcome.sample_id): outcome for outcome in self.verdicts() if not outcome.adjudicates}

    def remarks(self) -> dict[tuple[str, RemarkKind], Remark]:
        """Give the last note and the last flag on each content; one given with a verdict counts."""
        last = {}
        for step in self.steps:
            remark = _remark_of(step)
            if remark:
                last[content_of(remark.sample_id), remark.kind] = remark
        return last


def check_version(path: Path, number: int, line: Line) -> None:
    """Refuse what a later prefmap means by a line; those of the first version do not say their version."""
    if line.get("version", VERSION) != VERSION:
        raise LogDamagedError(f"{path}, line {number} was written by a newer prefmap than this one. Update prefmap.")


def explain_refusal(error: Exception) -> str:
    """Say what is wrong with a line that could not be applied."""
    why = f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
    return f"is no verdict ({why}). Mend or remove it."


def _remark_of(step: Step) -> Remark | None:
    if isinstance(step, Outcome) and step.note:
        return Remark("note", step.sample_id, step.note, step.reviewer, step.time)
    return step if isinstance(step, Remark) else None


def _read_outcome(line: Line) -> Outcome:
    preferred, rejected = (str(line[name]) if line.get(name) else None for name in ("preferred", "rejected"))
    if line["verdict"] not in get_args(Verdict):
        raise ValueError(f"its verdict is {line['verdict']!r}")
    if not preferred and line["verdict"] in ("keep", "flip"):
        raise ValueError("it prefers no response")
    return Outcome(
        sample_id=str(line["sample_id"]),
        verdict=line["verdict"],  # type: ignore[arg-type]
        preferred=preferred,
        rejected=rejected,
        reviewer=str(line["reviewer"]),
        time=str(line["time"]),
        seconds=float(line.get("seconds") or 0.0),  # type: ignore[arg-type]
        note=str(line.get("text") or ""),
        batch=str(line.get("batch") or ""),
        mode=str(line.get("mode") or ""),
        served=line["served"] if line.get("served") in SERVED else "queue",  # type: ignore[arg-type]
        adjudicates=line.get("adjudicates") is True,
    )


def _read_remark(kind: RemarkKind, line: Line) -> Remark:
    return Remark(kind, str(line["sample_id"]), str(line["text"]), str(line["reviewer"]), str(line["time"]))
