"""What reviewers decided: read from their logs, settled between them, applied to samples."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self, get_args

from engine.errors import LogDamagedError, VerdictRefusedError
from engine.logs import Line, read_log
from engine.records import Pair, Sample, Verdict, content_of
from engine.serving import SERVED, Served

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


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
    mode: str = ""
    """`blind` or `sighted`; empty where it was given without a screen."""

    served: Served = "queue"
    """Why the sample was read: as the queue had it, as a control, or once more."""

    @property
    def meaning(self) -> tuple[str, ...]:
        """What two outcomes must share to agree, whatever they are called."""
        return (self.preferred, self.rejected or "") if self.preferred else (self.verdict,)


class Decision(NamedTuple):
    """What becomes of a sample in an export."""

    pair: Pair | None
    """The chosen and the rejected response; None: there is no pair, and `reason` says why."""

    reason: str = ""
    """`tie`, `no label`, `dropped`, `conflict`, ..."""

    changed: bool = False
    """Whether a verdict made it differ from the label."""


@dataclass
class History:
    """What one log says: the steps that stand, and those taken back that can be done again."""

    steps: list[Outcome] = field(default_factory=list)
    undone: list[Outcome] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read one review log. Raises LogDamagedError where a verdict in it is none."""
        history = cls()
        for number, line in enumerate(read_log(path).lines, start=1):
            try:
                history.apply(line)
            except (KeyError, TypeError, ValueError) as error:
                raise LogDamagedError(f"{path}, line {number} is no verdict ({error!r}). Mend or remove it.") from error
        return history

    def apply(self, line: Line) -> None:
        """Do what one line says; kinds of lines of a later version are passed over."""
        if line.get("kind") == "verdict":
            self.steps.append(_read_outcome(line))
            self.undone.clear()
        elif line.get("kind") == "undo" and self.steps:
            self.undone.append(self.steps.pop())
        elif line.get("kind") == "redo" and self.undone:
            self.steps.append(self.undone.pop())

    def standing(self) -> dict[str, Outcome]:
        """Give the last verdict on each content."""
        return {content_of(outcome.sample_id): outcome for outcome in self.steps}


def _read_outcome(line: Line) -> Outcome:
    preferred, rejected = (str(line[name]) if line.get(name) else None for name in ("preferred", "rejected"))
    if line["verdict"] not in VERDICTS or (not preferred and line["verdict"] in ("keep", "flip")):
        raise ValueError(line["verdict"])
    return Outcome(
        sample_id=str(line["sample_id"]),
        verdict=line["verdict"],
        preferred=preferred,
        rejected=rejected,
        reviewer=str(line["reviewer"]),
        time=str(line["time"]),
        seconds=float(line.get("seconds") or 0.0),  # type: ignore[arg-type]
        note=str(line.get("text") or ""),
        mode=str(line.get("mode") or ""),
        served=line["served"] if line.get("served") in SERVED else "queue",  # type: ignore[arg-type]
    )


class Outcomes:
    """The standing verdicts of all reviewers, by content."""

    def __init__(self, each: Sequence[Mapping[str, Outcome]]) -> None:
        self._by_content: dict[str, dict[str, Outcome]] = defaultdict(dict)
        for standing in each:
            for content_id, outcome in standing.items():
                self._add(content_id, outcome)

    @classmethod
    def read(cls, logs: Iterable[Path]) -> Self:
        """Read review logs, in whatever order they come."""
        return cls([History.read(path).standing() for path in logs])

    def _add(self, content_id: str, outcome: Outcome) -> None:
        """A reviewer who worked on two machines: the later verdict stands."""
        known = self._by_content[content_id].get(outcome.reviewer)
        if known is None or (known.time, known.meaning) < (outcome.time, outcome.meaning):
            self._by_content[content_id][outcome.reviewer] = outcome

    def __iter__(self) -> Iterator[Outcome]:
        for content_id in sorted(self._by_content):
            yield from (outcome for _, outcome in sorted(self._by_content[content_id].items()))

    def by(self, reviewer: str) -> dict[str, Outcome]:
        """Give the standing verdicts of one reviewer, by content."""
        return {key: said[reviewer] for key, said in self._by_content.items() if reviewer in said}

    def read_by(self, reviewer: str | None = None) -> list[str]:
        """List the contents that a reviewer, or anybody, gave a verdict other than skip."""
        return [
            key
            for key, said in self._by_content.items()
            if any(o.verdict != "skip" and reviewer in (None, o.reviewer) for o in said.values())
        ]

    def on(self, content_id: str) -> list[Outcome]:
        """List what reviewers say of one content; who skipped says nothing."""
        said = self._by_content.get(content_id, {})
        return [outcome for _, outcome in sorted(said.items()) if outcome.verdict != "skip"]

    def decide(self, sample: Sample) -> Decision:
        """Settle a sample: by its reviewers where they agree, else by its label."""
        if not self._by_content:
            return decide(sample, None)
        said = self.on(sample.content_id)
        if len({outcome.meaning for outcome in said}) > 1:
            return Decision(None, "conflict between reviewers")
        return decide(sample, said[0] if said else None)


def decide(sample: Sample, outcome: Outcome | None) -> Decision:
    """Apply an outcome to a sample; none leaves the label as it is."""
    label = sample.pair
    if outcome is None or outcome.verdict == "skip":
        return Decision(label) if label else Decision(None, "no label" if "no label" in sample.flags else "tie")
    if outcome.preferred is None:
        return Decision(None, {"tie": "tie by verdict", "drop": "dropped by verdict"}[outcome.verdict], changed=True)
    positions = {response.response_id: index for index, response in reversed(list(enumerate(sample.responses)))}
    if outcome.preferred not in positions or outcome.rejected not in positions:
        return decide(sample, None)
    pair = Pair(positions[outcome.preferred], positions[outcome.rejected])
    labelled = [sample.responses[index].response_id for index in (label.chosen, label.rejected)] if label else []
    return Decision(pair, changed=labelled != [outcome.preferred, outcome.rejected])


def name_choice(sample: Sample, outcome: Outcome) -> str:
    """Say which response was preferred over which, numbered from 1 as on the screen; empty where none was."""
    numbers = {response.response_id: n for n, response in reversed(list(enumerate(sample.responses, start=1)))}
    if outcome.preferred not in numbers or outcome.rejected not in numbers:
        return ""
    return f": [{numbers[outcome.preferred]}] over [{numbers[outcome.rejected]}]"


def weigh(sample: Sample, verdict: Verdict, preferred: int | None = None, rejected: int | None = None) -> Pair | None:
    """Work out the pair that a verdict means; None for tie, drop and skip. Raises VerdictRefusedError."""
    if verdict in ("tie", "drop", "skip"):
        return None
    label = sample.pair
    if preferred is not None and rejected is not None:
        return _check_pair(sample, verdict, Pair(preferred, rejected))
    if label is None:
        raise VerdictRefusedError(
            f"The label of {sample.sample_id} has no direction, so there is nothing to {verdict}: "
            "say which response is better, or tie."
        )
    return label if verdict == "keep" else Pair(label.rejected, label.chosen)


def _check_pair(sample: Sample, verdict: Verdict, pair: Pair) -> Pair:
    last = len(sample.responses) - 1
    if not (0 <= pair.chosen <= last and 0 <= pair.rejected <= last) or pair.chosen == pair.rejected:
        raise VerdictRefusedError(
            f"{sample.sample_id} has responses 0 to {last}: {pair.chosen} over {pair.rejected} is no choice of two."
        )
    if verdict == "keep" and pair != sample.pair:
        raise VerdictRefusedError(
            f"The label of {sample.sample_id} does not prefer {pair.chosen} over {pair.rejected}, so that is a flip."
        )
    return pair
