"""Pages that take the place of the sample for a while: the whole conversation, who said what, the guidelines."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from engine.commands.audit_lines import write_audit
from engine.verdicts.auditing import Audit
from engine.verdicts.steps import Outcome
from engine.verdicts.stopping import REFRESH
from engine.verdicts.working import Work
from tui.page import Block
from tui.screens.describe import NO_VALUE, say_turn
from tui.shown import Shown

Aside = Literal["", "conversation", "history", "guidelines", "progress"]

NO_AUDIT = f"These figures come with the first {REFRESH} verdicts, and anew with each {REFRESH} more."
AFTER_VERDICT = "shown after the verdict"
NO_GUIDELINES = "The project has no guidelines: write them into guidelines.md in its folder."


def conversation(shown: Shown) -> Block:
    """Write every turn before the responses, with its role, and the tools that could be called."""
    turns = "\n\n".join(say_turn(turn) + _more(turn.extra) for turn in shown.sample.prompt)
    tools = f"\n\ntools: {shown.sample.tools}" if shown.sample.tools else ""
    return Block("the whole conversation", turns + tools or "(the row has none)", note="o back")


def _more(extra: str) -> str:
    return f"\n{extra}" if extra else ""


def history(shown: Shown, said: Sequence[Outcome] | None, rationales: Mapping[str, Sequence[str]]) -> Block:
    """Write who said what of a sample; while blind and unread, nothing. said: None while a conflict is undecided."""
    sample = shown.sample
    lines = [f"{sample.sample_id}   {sample.file}, row {sample.row:,}   {sample.source}".rstrip(), ""]
    if not shown.is_revealed:
        return Block("history", "\n".join([*lines, AFTER_VERDICT]), note="i back")
    verdicts = [AFTER_VERDICT] if said is None else [_describe_verdict(shown, one) for one in said]
    lines += _list("verdicts", verdicts)
    votes = [f"{name}: {_vote(shown, index)}" for name, index in sample.votes.items()]
    lines += _list("votes in the dataset", votes) if votes else []
    for scorer, values in shown.scores.items():
        each = [
            f"[{shown.number(index)}] {NO_VALUE if value is None else f'{value:.3f}'}"
            + (f" ({reason})" if value is None and reason else "")
            + (f"\n    {text}" if text else "")
            for index, ((value, reason), text) in enumerate(
                zip(values, rationales.get(scorer, [""] * len(values)), strict=True)
            )
        ]
        lines += _list(scorer, each)
    return Block("history", "\n".join(lines), note="i back")


def _list(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines or ["none"]), ""]


def _describe_verdict(shown: Shown, one: Outcome) -> str:
    numbers = {each.response_id: shown.number(n) for n, each in enumerate(shown.sample.responses)}
    choice = f" [{numbers[one.preferred]}]" if one.preferred in numbers else ""
    note = f'  "{one.note}"' if one.note else ""
    return f"{one.time[:19].replace('T', ' ')}  {one.reviewer}  {one.act}{choice}{note}"


def _vote(shown: Shown, index: int | None) -> str:
    return "tie" if index is None else f"[{shown.number(index)}]"


def proof(audit: Audit | None, others: Mapping[str, Work]) -> Block:
    """Write what the reading so far has proved, as `report` does, and how far the other reviewers are."""
    lines = NO_AUDIT if audit is None else "\n\n".join(line.strip() for line in write_audit(audit))
    team = _list("the other reviewers, as of now", [_describe_work(name, work) for name, work in others.items()])
    return Block("when to stop", "\n".join([lines, "", *team] if others else [lines]), note="f5 back")


def _describe_work(name: str, work: Work) -> str:
    flips = f", {work.flips / work.read:.0%} flipped" if work.read else ""
    return f"{name}: {work.read:,} read, {work.today:,} of them today{flips}; last verdict {_when(work.last)}"


def _when(time: str) -> str:
    """Write a time of a log as that of the clock here; what is no time, as it stands."""
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return time


def guidelines(text: str) -> Block:
    return Block("guidelines", text or NO_GUIDELINES, note="f4 back", look="rendered")


def write_sample(shown: Shown) -> str:
    """Write a sample as plain text, raw, for the clipboard or a pager; while blind, without the label."""
    parts = [f"{turn.role}: {turn.content}{_more(turn.extra)}" for turn in shown.sample.prompt]
    for index in shown.order:
        response = shown.sample.responses[index]
        own = [f"{turn.role}: {turn.content}" for turn in response.turns]
        label = f"  label {response.label:g}" if shown.is_revealed and response.label is not None else ""
        text = "\n".join([*own, response.text, *([response.extra] if response.extra else [])])
        parts.append(f"--- [{shown.number(index)}]{label}\n{text}")
    return "\n\n".join(parts) + "\n"
