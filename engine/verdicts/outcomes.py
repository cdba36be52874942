"""What reviewers decided: read from their logs, settled between them, applied to samples."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self, get_args

from engine.errors import VerdictRefusedError
from engine.records import Pair, Sample, Verdict
from engine.verdicts.steps import History, Outcome, Remark, RemarkKind

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


class Decision(NamedTuple):
    """What becomes of a sample in an export."""

    pair: Pair | None
    """The chosen and the rejected response; None: there is no pair, and `reason` says why."""

    reason: str = ""
    """`tie`, `no label`, `dropped`, `conflict`, ..."""

    changed: bool = False
    """Whether a verdict made it differ from the label."""


class Settlement(NamedTuple):
    """What reviewers settled of one content."""

    outcome: Outcome | None
    """What stands; None: nobody said anything, or they differ."""

    is_open: bool = False
    """Whether they differ, and nobody adjudicated."""

    is_read: bool = False
    """Whether all on whom it rests read the sample; a bulk verdict may stand without."""


def settle(said: Sequence[Outcome], *, by_majority: bool = False) -> Settlement:
    """Settle what reviewers say: as adjudicated, by the last who did; else where all agree; else it is open.

    by_majority: more than half of the verdicts settle it, too.
    """
    if not said:
        return Settlement(None)
    if len(said) == 1:
        return Settlement(said[0], is_read=not said[0].is_bulk)
    rulings = [one for one in said if one.adjudicates]
    if rulings:
        last = max(rulings, key=_rank)
        return Settlement(last, is_read=not last.is_bulk)
    meaning, votes = Counter(one.meaning for one in said).most_common(1)[0]
    if votes == len(said) or (by_majority and 2 * votes > len(said)):
        agreed = [one for one in said if one.meaning == meaning]
        return Settlement(agreed[0], is_read=not any(one.is_bulk for one in agreed))
    return Settlement(None, is_open=True)


class Outcomes:
    """The standing verdicts, notes and flags of all reviewers, by content."""

    def __init__(
        self,
        each: Iterable[Mapping[str, Outcome]],
        remarks: Iterable[Mapping[tuple[str, RemarkKind], Remark]] = (),
        *,
        by_majority: bool = False,
    ) -> None:
        self._by_majority = by_majority
        self._by_content: dict[str, dict[str, Outcome]] = defaultdict(dict)
        self._remarks: dict[str, dict[tuple[str, RemarkKind], Remark]] = defaultdict(dict)
        for standing in each:
            for content_id, outcome in standing.items():
                self._add(content_id, outcome)
        for last in remarks:
            for (content_id, _), remark in last.items():
                self._add_remark(content_id, remark)

    @classmethod
    def of(cls, histories: Sequence[History], *, by_majority: bool = False) -> Self:
        """Settle what logs say, in whatever order they come."""
        standing, remarks = ([each.standing() for each in histories], [each.remarks() for each in histories])
        return cls(standing, remarks, by_majority=by_majority)

    @classmethod
    def read(cls, logs: Iterable[Path]) -> Self:
        """Read review logs, in whatever order they come."""
        return cls.of([History.read(path) for path in logs])

    def _add(self, content_id: str, outcome: Outcome) -> None:
        """A reviewer who worked on two machines: the later verdict stands, but one that adjudicates before others."""
        known = self._by_content[content_id].get(outcome.reviewer)
        if known is None or _rank(known) < _rank(outcome):
            self._by_content[content_id][outcome.reviewer] = outcome

    def _add_remark(self, content_id: str, remark: Remark) -> None:
        known = self._remarks[content_id].get((remark.reviewer, remark.kind))
        if known is None or (known.time, known.text) < (remark.time, remark.text):
            self._remarks[content_id][remark.reviewer, remark.kind] = remark

    def __iter__(self) -> Iterator[Outcome]:
        for content_id in sorted(self._by_content):
            yield from (outcome for _, outcome in sorted(self._by_content[content_id].items()))

    def by(self, reviewer: str) -> dict[str, Outcome]:
        """Give the standing verdicts of one reviewer, by content."""
        return {key: said[reviewer] for key, said in self._by_content.items() if reviewer in said}

    def remarks_by(self, reviewer: str) -> dict[tuple[str, RemarkKind], Remark]:
        """Give the notes and flags of one reviewer, by content and kind; those taken away, too."""
        return {
            (key, kind): remark
            for key, said in self._remarks.items()
            for (name, kind), remark in said.items()
            if name == reviewer
        }

    def reviewers(self) -> list[str]:
        """Name those who gave a verdict."""
        return sorted({name for said in self._by_content.values() for name in said})

    def where(self, test: Callable[[Outcome], bool], reviewer: str | None = None) -> list[str]:
        """List the contents on which a reviewer, or anybody, has a verdict that passes a test."""
        return [
            key
            for key, said in self._by_content.items()
            if any(reviewer in (None, name) and test(outcome) for name, outcome in said.items())
        ]

    def where_remark(self, test: Callable[[Remark], bool], reviewer: str | None = None) -> list[str]:
        """List the contents on which a reviewer, or anybody, has a note or flag that passes a test."""
        return [
            key
            for key, said in self._remarks.items()
            if any(remark.text and reviewer in (None, name) and test(remark) for (name, _), remark in said.items())
        ]

    def decided_by(self, reviewer: str | None = None) -> list[str]:
        """List the contents that a reviewer, or anybody, gave a verdict other than skip, one by one or in bulk."""
        return self.where(lambda outcome: outcome.verdict != "skip", reviewer)

    def on(self, content_id: str) -> list[Outcome]:
        """List what reviewers say of one content; who skipped says nothing."""
        said = self._by_content.get(content_id, {})
        return [outcome for _, outcome in sorted(said.items()) if outcome.verdict != "skip"]

    def settle(self, content_id: str) -> Settlement:
        """Say what stands of one content."""
        return settle(self.on(content_id), by_majority=self._by_majority)

    def conflicts(self) -> list[str]:
        """List the contents on which reviewers differ and nobody adjudicated."""
        return [content_id for content_id in self._by_content if self.settle(content_id).is_open]

    def remarks_on(self, content_id: str) -> list[Remark]:
        """List the notes and flags on one content."""
        said = self._remarks.get(content_id, {})
        return [remark for _, remark in sorted(said.items(), key=lambda item: item[0]) if remark.text]

    def note(self, content_id: str, reviewer: str) -> str:
        """Give the note of one reviewer on one content; empty where there is none."""
        notes = (one.text for one in self.remarks_on(content_id) if (one.kind, one.reviewer) == ("note", reviewer))
        return next(notes, "")

    def all_remarks(self) -> list[Remark]:
        """List all notes and flags that stand, by content."""
        return [remark for content_id in sorted(self._remarks) for remark in self.remarks_on(content_id)]

    def decide(self, sample: Sample) -> Decision:
        """Settle a sample: by its reviewers, else by its label."""
        if not self._by_content:
            return decide(sample, None)
        settled = self.settle(sample.content_id)
        return Decision(None, "conflict between reviewers") if settled.is_open else decide(sample, settled.outcome)


def _rank(outcome: Outcome) -> tuple[bool, str, tuple[str, ...]]:
    """Of two verdicts of one reviewer on one content, the one that ranks higher stands."""
    return outcome.adjudicates, outcome.time, outcome.meaning


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
