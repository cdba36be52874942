"""The judge card, for people and for scripts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.commands.console import number
from engine.judging.wording import ANSWERS, SHARES, UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.judging.card import Card
    from engine.judging.intervals import Estimate

WIDTH = 79


def write_card(card: Card) -> Iterator[str]:
    """Write a card in lines of at most 79 columns."""
    from engine.judging.trust import judge_the_judge

    yield f"judge card: {card.scorer}"[:WIDTH]
    yield from _wrap(judge_the_judge(card))
    yield f"  {'coverage':22} {card.coverage:6.1%}  {card.scored:,} of {card.responses:,} responses"
    for key, name in SHARES.items():
        yield _write_share(name, getattr(card, key), UNITS.get(key, ANSWERS))
    yield _write_correlation("correlation, length", card.length)
    for other, said in card.others.items():
        yield f"  with {other}"[:WIDTH]
        yield _write_correlation("  correlation", said.spearman)
        yield _write_share("  same order", said.pairs, "pairs")
    for reason, count in card.reasons.items():
        yield f"  failed: {count:,} {reason}"[:WIDTH]
    for method, count in card.methods.items():
        yield f"  read by {method}: {count / sum(card.methods.values()):.0%}"
    yield "  95 % intervals in brackets; a prompt counts as one observation."


def describe_card(card: Card) -> dict[str, Any]:
    """Give a card as JSON, with the sentence."""
    from engine.judging.trust import judge_the_judge

    plain = {key: _plain(value) for key, value in asdict(card).items()}
    plain["others"] = {name: {key: _plain(value) for key, value in other._asdict().items()}
                       for name, other in card.others.items()}  # fmt: skip
    return {"sentence": judge_the_judge(card), "coverage": card.coverage, **plain}


def _plain(value: Any) -> Any:
    return value._asdict() if hasattr(value, "_asdict") else value


def _write_share(name: str, one: Estimate | None, unit: str) -> str:
    if one is None:
        return f"  {name:22} not measured"
    return f"  {name:22} {one.value:6.1%}  [{one.low:.1%}, {one.high:.1%}]  of {one.of:,} {unit}"


def _write_correlation(name: str, one: Estimate | None) -> str:
    if one is None:
        return f"  {name:22} not measured"
    return f"  {name:22} {number(one.value, 2):>6}  [{number(one.low, 2)}, {number(one.high, 2)}]  {one.of:,} responses"


def _wrap(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, WIDTH - 2, initial_indent="  ", subsequent_indent="  ")
