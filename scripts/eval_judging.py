"""Judge answers through prefmap's judge: each alone from 1 to 10, or two in both orders. Every call is logged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from eval_files import Answers, Question

from engine.errors import ConfigError
from engine.logs import Log, read_log
from engine.records import Message, Sample
from engine.scorers.catalog import NamedScorer, make_scorer
from engine.scores.score_logs import read_line, write_line
from engine.scores.wanted import Ledger, Wanted

RUBRIC = Path(__file__).with_name("eval_rubric.toml")
LOWEST = 1.0
"""The grade of an empty answer, which no judge reads."""

Said = dict[tuple[str, str], float]
"""What the judge said, by response id and part."""


class Grade(NamedTuple):
    """What one turn of an answer earned, 1 to 10. None: the judge gave no grade."""

    question: Question
    turn: int
    value: float | None


class Duel(NamedTuple):
    """How an answer did against the other one."""

    question: Question
    first: float | None
    """What it won when it stood first: 1, 0 or between them. None: the judge did not say."""

    second: float | None
    lengths: tuple[int, int]
    """In characters: its own, the other's."""

    @property
    def value(self) -> float | None:
        """The mean over both orders; a judge that changes its mind with the order says nothing: one half."""
        return None if self.first is None or self.second is None else (self.first + self.second) / 2

    @property
    def is_swayed(self) -> bool:
        """Whether the order decided."""
        return self.first is not None and self.second is not None and (self.first - 0.5) * (self.second - 0.5) < 0


def grade(
    questions: Sequence[Question], answers: Answers, spec: str, log: Path, tell: Callable[[str], None]
) -> list[Grade]:
    """Have each turn graded with the conversation before it."""
    asked = [(one, turn, _write_turn(one, answers.turns[one.key], turn)) for one in questions for turn in _places(one)]
    said = _ask([sample for *_, sample in asked], _complete(spec, "pointwise"), log, tell)
    return [
        Grade(one, turn, LOWEST if sample.responses[0].is_empty else _first(said, sample.responses[0].response_id))
        for one, turn, sample in asked
    ]


def _places(question: Question) -> range:
    return range(len(question.turns))


def _write_turn(question: Question, said: tuple[str, ...], turn: int) -> Sample:
    before = [
        message
        for place in range(turn)
        for message in (Message("user", question.turns[place]), Message("assistant", said[place]))
    ]
    return Sample.of(prompt=[*before, Message("user", question.turns[turn])], texts=[said[turn]], labels=[None])


def _first(said: Said, response_id: str) -> float | None:
    return next((value for (known, _), value in said.items() if known == response_id), None)


def duel(
    questions: Sequence[Question], one: Answers, other: Answers, spec: str, log: Path, tell: Callable[[str], None]
) -> list[Duel]:
    """Have each answer compared with that of another model, in both orders. The same text is a tie, no text loses."""
    samples = [
        Sample.of(
            prompt=[Message("user", question.turns[0])],
            texts=[each.turns[question.key][0] for each in (one, other)],
            labels=[None, None],
        )
        for question in questions
    ]
    said = _ask([sample for sample in samples if _settle(sample) is None], _complete(spec, "pairwise"), log, tell)
    return [_read_duel(question, sample, said) for question, sample in zip(questions, samples, strict=True)]


def _settle(sample: Sample) -> float | None:
    """Say who wins where nobody needs to be asked; None elsewhere."""
    mine, other = sample.responses
    if mine.text == other.text or (mine.is_empty and other.is_empty):
        return 0.5
    return 0.0 if mine.is_empty else 1.0 if other.is_empty else None


def _read_duel(question: Question, sample: Sample, said: Said) -> Duel:
    mine, other = sample.responses
    lengths = len(mine.text), len(other.text)
    settled = _settle(sample)
    if settled is not None:
        return Duel(question, settled, settled, lengths)
    first, second = (said.get((mine.response_id, f"{place}:{other.response_id}")) for place in ("first", "second"))
    return Duel(question, first, second, lengths)


def _complete(spec: str, mode: str) -> NamedScorer:
    """Make the judge of a SPEC, with the rubric of this script unless it names another one."""
    rubric = "" if "rubric=" in spec else f"&rubric={RUBRIC}"
    named = make_scorer(f"{spec}{'&' if '?' in spec else '?'}mode={mode}{rubric}", {})
    if named.kind != "judge":
        raise ConfigError(f"{spec} is no judge: give judge:MODEL?base_url=URL.")
    return named


def _ask(samples: Iterable[Sample], named: NamedScorer, path: Path, tell: Callable[[str], None]) -> Said:
    """Ask for what the log lacks; a failed call is asked again by the next run."""
    identity = named.identify("")
    with Log(path) as log:
        header, *lines = read_log(path).lines or [{"kind": "header", "scorer": named.name, "identity": identity}]
        if header.get("identity") != identity:
            raise ConfigError(f"{path} was judged in another way. Give another --output, or remove the file.")
        if not lines:
            log.append(*([] if read_log(path).lines else [header]))
        ledger = Ledger()
        for line in lines:
            ledger.add(read_line(line))
        whole = named.compares_responses
        wanted = Wanted(list(samples), ledger, is_whole=whole, folder=path.parent, tell=tell)
        for one in named.scorer(wanted) if _is_wanting(wanted) else ():
            ledger.add(one)
            log.append(write_line(one))
    return dict(_read_values(path))


def _is_wanting(wanted: Wanted) -> bool:
    return any(wanted.is_missing(one.response_id) for sample in wanted.samples for one in sample.responses)


def _read_values(path: Path) -> Iterator[tuple[tuple[str, str], float]]:
    for line in read_log(path).lines[1:]:
        one = read_line(line)
        if one.value is not None:
            yield (one.response_id, one.part), one.value
