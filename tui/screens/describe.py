"""What the review screen says, in words: pure functions from records to text that is fit to be sent."""

from collections.abc import Sequence
from dataclasses import replace

from engine.records import Message
from engine.verdicts.auditing import Audit
from engine.verdicts.steps import Outcome, Step
from tui.looks import DIFF, LOOKS
from tui.page import STACKED_COLUMNS, Block, View
from tui.shown import Progress, Shown
from tui.terminal import Charset
from tui.text import cell_width

SHOWN_DIGITS = 8
NO_VALUE = "--"
MARKDOWN_SIGNS = ("#", "-", "*", "+", ">", "`", "~", "|", "1.")

FLAGS_OF_TEXT = ("no prompt", "contexts differ", "roles do not alternate", "empty response", "identical responses")
"""Flags that say nothing of the label, so that a blind reviewer may see them."""


def fraction(value: float | None, digits: int = 2) -> str:
    """Write a number in [0, 1] without its leading zero: `.91`."""
    if value is None:
        return NO_VALUE
    text = f"{value:.{digits}f}"
    return text.removeprefix("0") if value >= 0 else text


def join_fitting(words: Sequence[str], width: int) -> str:
    """Join words until the width is full; a word that does not fit is left out whole."""
    line = ""
    for word in words:
        if word and cell_width(line) + 2 + cell_width(word) <= width:
            line += f"  {word}" if line else word
    return line


def describe_reason(shown: Shown, charset: Charset, width: int) -> str:
    """Say why this sample is here. `~` marks a suspicion that no verdict has confirmed yet.

    Its rank is left to `v`: 783 in place of 1 would tell that it is a control.
    """
    entry = shown.entry
    is_wide = width >= STACKED_COLUMNS
    name = f"id {shown.sample.sample_id[:SHOWN_DIGITS]}"
    if shown.mode == "blind" and not shown.is_revealed:
        return " " + join_fitting(["why  shown after the verdict" if is_wide else "blind", name], width - 1)
    suspicion = f"~{fraction(entry.suspicion)}"
    margin = NO_VALUE if entry.margin is None else f"{entry.margin:+.1f}"
    words = [
        f"{'why  ' if is_wide else ''}suspicion {suspicion}",
        f"{entry.against}/{entry.scorers} {'scorers ' if is_wide else ''}against",
        f"{'margin ' if is_wide else ''}z {margin}",
        name,
        "flagged" if shown.is_flagged else "",
        entry.region or "",
        charset.show(shown.sample.source),
    ]
    return " " + join_fitting(words, width - 1)


def describe_scores(shown: Shown, charset: Charset) -> str:
    """Say the rank by suspicion, and what each scorer gives each response."""
    parts = []
    for name, values in shown.scores.items():
        numbered = sorted((shown.number(index), said) for index, said in enumerate(values))
        each = "  ".join(f"[{number}] {_value(*said)}" for number, said in numbered)
        parts.append(f"{charset.show(name)}: {each}")
    return f" rank {shown.rank:,}   scores  " + ("   ".join(parts) or "none yet")


def _value(value: float | None, reason: str) -> str:
    return f"{NO_VALUE} ({reason})" if value is None else f"{value:.3f}"


def describe_step(what: str, step: Step) -> str:
    return f"{what}: {step.act} {step.sample_id[:SHOWN_DIGITS]}"


def describe_choice(shown: Shown, outcome: Outcome) -> str:
    """Say what a blind verdict came to, now that the label may be known: what was preferred, and who agrees."""
    pair = shown.sample.pair
    chosen = next((n for n, one in enumerate(shown.sample.responses) if one.response_id == outcome.preferred), None)
    if chosen is None:
        return f"you: {outcome.verdict} {outcome.sample_id[:SHOWN_DIGITS]}"
    label = "the label is a tie" if pair is None else f"the label says [{shown.number(pair.chosen)}]"
    agree = shown.entry.scorers - shown.entry.against if outcome.verdict == "keep" else shown.entry.against
    with_you = f".  {agree}/{shown.entry.scorers} scorers agree with you" if shown.entry.scorers and pair else ""
    said = f"you prefer [{shown.number(chosen)}], {label} -> {outcome.verdict} {outcome.sample_id[:SHOWN_DIGITS]}"
    return said + with_you


def describe_progress(progress: Progress, saved_at: str, width: int) -> str:
    """Say how far the sitting is."""
    words = [f"read {progress.read:,}/{progress.target:,}"]
    if progress.flip_share is not None:
        words.append(f"flips {progress.flip_share:.0%}")
    if progress.audit:
        words += _describe_audit(progress.audit)
    if progress.seconds is not None:
        words.append(f"{progress.seconds:.0f} s each")
    left = (progress.target - progress.read) * (progress.seconds or 0)
    if left > 0:
        words.append(f"{_duration(left)} to go")
    if saved_at:
        words.append(f"saved {saved_at}")
    return " " + join_fitting(words, width - 1)


def _describe_audit(audit: Audit) -> list[str]:
    """Say what controls and repeats said, and whether it is time to stop."""
    found, error = audit.found, audit.error
    return [
        f"controls {found.controls.value:.0%}" if found.controls else "",
        f"self {error.repeats - error.changed}/{error.repeats}" if error.repeats else "",
        "the queue is dry: f5" if found.is_dry else "",
    ]


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{max(minutes, 1)} min"


def make_view(shown: Shown, *, scores: bool = False, look: str = LOOKS[0]) -> View:
    """Make blocks of a sample: the prompt, the first two responses in their order on the screen, then the others."""
    responses = [_response_block(shown, index, scores=scores) for index in shown.order]
    others = "  ".join(_other(shown, index) for index in shown.order[2:])
    prompt = replace(_prompt_block(shown), look=LOOKS[0] if look == DIFF else look)
    return View(prompt, _with_look(responses, look), f"also {others}  (tab)" if others else "")


def _with_look(responses: Sequence[Block], look: str) -> list[Block]:
    """Draw all responses in one way; the diff compares the first with the second, and the others with the first."""
    against = [responses[0 if n else 1].text for n in range(len(responses))]
    return [
        replace(block, look=look, against=other, sign="-" if n else "+")
        for n, (block, other) in enumerate(zip(responses, against, strict=True))
    ]


def describe_look(look: str) -> str:
    """Say what the marks of a look mean."""
    return {
        DIFF: "{+only in the first+}  {-only in the other-}  d ends it",
        "raw": "raw: what cannot be seen is marked.  r renders",
        "rendered": "rendered Markdown.  r shows it as it stands",
    }.get(look, "")


def _prompt_block(shown: Shown) -> Block:
    turns = shown.sample.prompt
    text = "\n\n".join(say_turn(turn) for turn in turns[-1:])
    folded = len(turns) - 1
    earlier = f"{folded} earlier turn{'s' if folded > 1 else ''} folded (o)" if folded > 0 else ""
    flags = [flag for flag in shown.sample.flags if shown.is_revealed or flag in FLAGS_OF_TEXT]
    title = "  ".join(("prompt", *(f"! {flag}" for flag in flags)))
    return Block(title, text or "(the row has none)", note=earlier)


def say_turn(turn: Message) -> str:
    """Write one turn; what starts with a sign of Markdown has a line of its own, to be one."""
    return f"{turn.role}:{chr(10) if turn.content.startswith(MARKDOWN_SIGNS) else ' '}{turn.content}"


def _response_block(shown: Shown, index: int, *, scores: bool) -> Block:
    response = shown.sample.responses[index]
    text = "\n".join(part for part in (response.text, response.extra) if part)
    if response.turns or response.system:
        own = [f"({turn.role}: {turn.content})" for turn in response.turns]
        system = [f"(system: {response.system})"] if response.system else []
        text = "\n".join([*system, *own, text])
    name, style = _standing(shown, index)
    values = [value for value, _ in (given[index] for given in shown.scores.values())] if scores else []
    said = "  ".join(NO_VALUE if value is None else f"{value:.3f}" for value in values)
    title = f"[{shown.number(index)}] {name}".rstrip() + (f"  {said}" if said else "")
    return Block(title, text, style, size=f"{len(response.text):,} chars")


def _standing(shown: Shown, index: int) -> tuple[str, str]:
    """Say what label and verdict make of a response."""
    pair, outcome = shown.sample.pair, shown.outcome
    if not shown.is_revealed:
        return "", "title"
    label = shown.sample.responses[index].label
    rated = f" {label:g}" if label is not None and len(shown.sample.responses) > 2 else ""
    name = "no label" if label is None else f"tie{rated}" if pair is None else f"label{rated}"
    style = "title"
    if pair and index == pair.chosen:
        name, style = f"CHOSEN by the label{rated}", "chosen"
    elif pair and index == pair.rejected:
        name, style = f"rejected{rated}", "rejected"
    if outcome and outcome.preferred == shown.sample.responses[index].response_id:
        name += "  <- yours is better"
    elif outcome and outcome.preferred is None and index == (pair.chosen if pair else 0):
        name += f"  ({outcome.verdict} by you)"
    return name, style


def _other(shown: Shown, index: int) -> str:
    label = shown.sample.responses[index].label
    if not shown.is_revealed:
        return f"[{shown.number(index)}]"
    return f"[{shown.number(index)}] {NO_VALUE if label is None else f'{label:g}'}"
