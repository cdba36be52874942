"""Which samples fit a filter: each condition becomes a mask over the samples, and numpy joins the masks."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import numpy.typing as npt

from engine.querying.filtering import BY_NAME, COLUMNS, Condition, Either, Every, Filter, Not, parse
from engine.schema import CONTAINING, TEXTS
from engine.store import Floats, Ints, Store
from engine.verdicts.outcomes import Outcomes
from engine.verdicts.steps import Outcome, Remark

Mask = npt.NDArray[np.bool_]

COMPARE: Mapping[str, Callable[[Floats, float], Mask]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ":": operator.eq,
    "!=": operator.ne,
}


@dataclass
class Matcher:
    """Finds samples of one map. Columns of numbers are kept, so that a filter can be tried at every key."""

    store: Store
    outcomes: Callable[[], Outcomes]
    """Asked at every use, since verdicts go on."""

    reviewer: str | None = None
    """Whose verdicts, notes and flags count; None: anybody's. `by:NAME` is asked of all."""

    _numbers: dict[str, Floats] = field(default_factory=dict)
    _known: dict[str, list[str]] = field(default_factory=dict)

    def find(self, text: str) -> Mask:
        """Say which samples fit a filter, by ordinal. Raises FilterError."""
        return self.fit(parse(text))

    def fit(self, part: Filter) -> Mask:
        """Say which samples fit a part of a filter."""
        match part:
            case Condition():
                return self._test(part)
            case Not():
                return ~self.fit(part.part)
            case Every():
                return reduce(operator.and_, map(self.fit, part.parts), np.ones(self._count, dtype=bool))
            case Either():
                return reduce(operator.or_, map(self.fit, part.parts))

    def values(self) -> dict[str, list[str]]:
        """List what is known to stand in the columns of text, to complete a filter with."""
        if not self._known:
            self._known = {name: self.store.values(name) for name in TEXTS}
        chosen = {column.name: list(column.words) for column in COLUMNS if column.words}
        return self._known | chosen | {"by": self.outcomes().reviewers()}

    def replace(self, column: str, numbers: Floats) -> None:
        """Put other numbers in the place of those of the map."""
        self._numbers[column] = numbers

    @property
    def _count(self) -> int:
        return self.store.count("sample")

    def _test(self, one: Condition) -> Mask:
        if BY_NAME[one.column].kind == "number":
            return self._compare(one)
        is_negated = one.operator == "!="
        fits = self._find_text(one) if one.column in (*TEXTS, *CONTAINING) else self._find_reviewed(one)
        return ~fits if is_negated else fits

    def _compare(self, one: Condition) -> Mask:
        if one.column not in self._numbers:
            self._numbers[one.column] = self.store.numbers(one.column)
        numbers = self._numbers[one.column]
        missing = np.isnan(numbers)
        if one.value is None:
            return ~missing if one.operator == "!=" else missing
        return COMPARE[one.operator](numbers, float(one.value)) & ~missing

    def _find_text(self, one: Condition) -> Mask:
        word = str(one.value)
        if one.column in CONTAINING:
            return self._mask(self.store.containing(word, one.column))
        return self._mask(self.store.fitting(one.column, word, exactly=one.operator != ":"))

    def _find_reviewed(self, one: Condition) -> Mask:
        word = str(one.value or "").casefold()
        if one.column in ("note", "flagged"):
            return self._mask(self.store.ordinals(self.outcomes().where_remark(_remark_test(one, word), self.reviewer)))
        if one.column == "conflict":
            return self._mask(self.store.ordinals(self.outcomes().conflicts()))
        reviewer = None if one.column == "by" else self.reviewer
        found = self._mask(self.store.ordinals(self.outcomes().where(_outcome_test(one.column, word), reviewer)))
        return ~found if (one.column, word) == ("verdict", "none") else found

    def _mask(self, ordinals: Ints) -> Mask:
        mask = np.zeros(self._count, dtype=bool)
        mask[ordinals] = True
        return mask


def _remark_test(one: Condition, word: str) -> Callable[[Remark], bool]:
    if one.column == "flagged":
        return lambda remark: remark.kind == "flag"
    if one.operator == ":":
        return lambda remark: remark.kind == "note" and word in remark.text.casefold()
    return lambda remark: remark.kind == "note" and word == remark.text.casefold()


def _outcome_test(column: str, word: str) -> Callable[[Outcome], bool]:
    if column == "by":
        return lambda outcome: word in ("", outcome.reviewer.casefold())
    if column == "reviewed":
        return lambda outcome: outcome.verdict != "skip"
    if column == "bulk":
        return lambda outcome: outcome.is_bulk
    return lambda outcome: word in ("none", outcome.verdict)
