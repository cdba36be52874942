"""The one table of keys: bindings, footer, help and README are made from it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from textual.binding import Binding, BindingType

from engine.errors import ConfigError
from tui.page import Span


@dataclass(frozen=True, slots=True)
class Key:
    """What a key does on one kind of screen."""

    id: str
    """By which it is remapped: `review.flip`."""

    keys: str
    """Textual's key names, joined by commas; the first one is shown in the footer."""

    action: str
    """What the screen calls: `flip`."""

    does: str
    """For the help screen."""

    footer: str = ""
    """For the footer; empty: only in the help."""

    is_minor: bool = False
    """Whether it leaves the footer before others where that is narrow."""


class Group(NamedTuple):
    """The keys of one kind of screen, under the heading of the help."""

    title: str
    keys: tuple[Key, ...]


VERDICTS = Group(
    "Verdicts",
    (
        Key("review.keep", "y,enter", "give('keep')", "the label is right", "keep"),
        Key("review.flip", "f", "give('flip')", "the label is wrong: exchange its pair", "flip"),
        Key("review.choose", "1,2,3,4,5,6,7,8,9", "choose", "this response is better (K > 2: then the worse one)"),
        Key("review.tie", "t", "give('tie')", "neither is better", "tie"),
        Key("review.drop", "x", "give('drop')", "unusable: leave it out of exports", "drop"),
        Key("review.skip", "s", "give('skip')", "not now: to the end of the queue", "skip"),
        Key("review.note", "a", "note", "a note on this sample"),
        Key("review.flag", "b", "flag", "flag it, to come back to; or take the flag away"),
        Key("bulk.open", "f8", "bulk", "one verdict for all of a filtered queue, after a preview"),
        Key("review.undo", "u,z", "undo", "take the last step back, however old it is", "undo"),
        Key("review.redo", "ctrl+r", "redo", "do again what was taken back"),
    ),
)

READING = Group(
    "Reading",
    (
        Key("text.down", "j,down", "scroll(1)", "one line down"),
        Key("text.up", "k,up", "scroll(-1)", "one line up"),
        Key("text.page", "space,pagedown,ctrl+d", "page(1)", "one page down"),
        Key("text.back", "pageup,ctrl+u", "page(-1)", "one page up"),
        Key("text.top", "g,home", "top", "to the top"),
        Key("text.end", "G,end", "end", "to the end"),
        Key("text.diff", "d", "diff", "mark what only one of the two responses has", "diff"),
        Key("review.evidence", "v", "evidence", "what each scorer says", "scores"),
        Key("text.raw", "r", "look", "the texts raw, rendered, or as they stand", "raw", True),
        Key("text.focus", "tab", "focus_next_response", "both responses, then each alone", "one", True),
        Key("text.unfold", "o", "turn_to('conversation')", "the whole conversation before the responses"),
        Key("review.history", "i", "turn_to('history')", "who said what of this sample: verdicts, votes, judges"),
        Key("review.progress", "f5", "turn_to('progress')", "what was found, whether the queue is dry, what is left"),
        Key("app.guidelines", "f4", "turn_to('guidelines')", "the guidelines of the project"),
        Key("text.copy", "c", "copy", "send the sample to the terminal's clipboard (OSC 52)"),
        Key("text.pager", "e", "pager", "read the sample in $PAGER"),
        Key("text.file", "f9", "file", "write the sample to a file next to the project"),
    ),
)

MOVING = Group(
    "Moving",
    (
        Key("review.next", "l,right", "move(1)", "next sample, no verdict"),
        Key("review.previous", "h,left", "move(-1)", "previous sample"),
        Key("queue.filter", "w", "filter", "where: only the samples that fit, suspicion>.8 source:flan, say"),
        Key("queue.search", "slash", "search", "go to the next sample that contains a text"),
        Key("queue.match", "n", "next_match(1)", "next match"),
        Key("queue.back_match", "p", "next_match(-1)", "previous match"),
        Key("queue.goto", "ctrl+g", "goto", "go to a rank or an id"),
        Key("queue.list", "f2", "list", "the queue as a list"),
        Key("queue.like", "f6", "like", "the samples most like this one; once more: of its source, the label alike"),
        Key("queue.mode", "f3", "mode", "sighted or blind: with or without label, scores and reasons"),
        Key("app.map", "m", "map", "the map of all samples", "map"),
        Key("app.quit", "q", "quit", "quit; everything is saved already"),
    ),
)

ANYWHERE = Group(
    "Anywhere",
    (
        Key("app.leave", "ctrl+c", "quit", "quit; everything is saved already"),
        Key("app.suspend", "ctrl+z", "app.suspend_process", "put prefmap into the background; `fg` brings it back"),
        Key("app.help", "question_mark,f1", "help", "this help", "help"),
    ),
)

BACK = Key("screen.back", "q,escape", "back", "back to the review", "back")

LIST = Group(
    "List",
    (
        Key("list.down", "j,down", "move(1)", "one down"),
        Key("list.up", "k,up", "move(-1)", "one up"),
        Key("list.page", "space,pagedown,ctrl+d", "page(1)", "one page down"),
        Key("list.back", "pageup,ctrl+u", "page(-1)", "one page up"),
        Key("list.top", "g,home", "top", "to the top"),
        Key("list.end", "G,end", "end", "to the end"),
        Key("list.open", "enter", "open", "read this sample", "read"),
        BACK,
    ),
)

MAP = Group(
    "Map",
    (
        Key("map.left", "h,left", "move(-1, 0)", "cursor left", "hjkl move"),
        Key("map.down", "j,down", "move(0, 1)", "cursor down"),
        Key("map.up", "k,up", "move(0, -1)", "cursor up"),
        Key("map.right", "l,right", "move(1, 0)", "cursor right"),
        Key("map.here", "g,home", "here", "cursor to the sample that is being read"),
        Key("map.box", "space", "box", "begin a box at the cursor, hjkl stretch it; once more: end it", "box"),
        Key("map.open", "enter", "open", "read the likeliest mislabel under the cursor, or the box as the queue",
            "read"),
        Key("map.filter", "w", "filter", "where: filter by the edges of the box, or change the filter"),
        Key("map.in", "equals_sign,plus", "zoom(2.0)", "closer, around the cursor", "= - zoom"),
        Key("map.out", "minus", "zoom(0.5)", "further away"),
        Key("map.whole", "0", "whole", "the whole map"),
        Key("map.axes", "a", "axes", "next x axis: variability, margin, correlation", "axes"),
        Key("map.colour", "c", "colour", "next colour: none, suspicion, region, source, verdict", "colour"),
        Key("map.export", "e", "export", "write the view to a file: SVG, and PNG where matplotlib is there", "export"),
        Key("screen.back", "q,escape", "back", "leave the box first, then back to the review", "back"),
    ),
)  # fmt: skip

HELP = Group(
    "Help",
    (
        Key("help.down", "j,down,space,pagedown", "scroll(5)", "further down"),
        Key("help.up", "k,up,pageup", "scroll(-5)", "further up"),
        Key("help.back", "q,escape,question_mark,f1", "back", "back", "back"),
    ),
)

NO_KEYMAP: Mapping[str, str] = {}

REVIEW_SCREEN = (VERDICTS, READING, MOVING, ANYWHERE)
SCREENS = (REVIEW_SCREEN, (LIST, ANYWHERE), (MAP, ANYWHERE))
ALL = (*REVIEW_SCREEN, LIST, MAP)

SHOWN_NAMES = {
    "question_mark": "?",
    "equals_sign": "=",
    "plus": "+",
    "minus": "-",
    "slash": "/",
    "pagedown": "pgdn",
    "pageup": "pgup",
}


Keymap = Mapping[str, str]
"""Keys by the id of what they do, joined by commas, where they are not those of the table."""


def check_keymap(keymap: Keymap) -> Keymap:
    """Refuse ids that do not exist, and a key that would mean two things on one screen."""
    known = {key.id: key for group in ALL for key in group.keys if key.action != "choose"}
    for name, keys in keymap.items():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else " See: prefmap review, then ?"
            raise ConfigError(f"[keys]: there is no key of the id {name!r}.{hint}")
        if not all(keys.split(",")):
            raise ConfigError(f"[keys]: {name} is {keys!r}; it must name a key, or several with commas between.")
    for groups in SCREENS:
        taken: dict[str, str] = {}
        for key in (key for group in groups for key in group.keys):
            for name in _names(key, keymap):
                if taken.setdefault(name, key.id) != key.id:
                    raise ConfigError(f"[keys]: {shown_name(name)} would mean both {taken[name]} and {key.id}.")
    return keymap


def _names(key: Key, keymap: Keymap) -> list[str]:
    return keymap.get(key.id, key.keys).split(",")


def bind(*groups: Group) -> list[BindingType]:
    """Make Textual's bindings, each with the id by which the app's keymap finds it."""
    return [
        Binding(name, f"choose({name})", key.does, show=False, id=f"{key.id}.{name}")
        if key.action == "choose"
        else Binding(name, key.action, key.does, show=False, id=key.id)
        for group in groups
        for key in group.keys
        for name in key.keys.split(",")
    ]


def shown_name(name: str) -> str:
    """Write a key as people know it."""
    return SHOWN_NAMES.get(name, name)


def key_table(*groups: Group) -> str:
    """Write the keys as a Markdown table, for the README."""
    rows = [f"| {_key_names(key)} | {key.does} | `{key.id}` |" for group in groups for key in group.keys]
    return "\n".join(["| keys | what they do | id |", "|---|---|---|", *rows])


def _key_names(key: Key) -> str:
    names = ["1", "9"] if key.action == "choose" else [shown_name(name) for name in key.keys.split(",")]
    return (" .. " if key.action == "choose" else " ").join(f"`{name}`" for name in names)


def footer(
    *groups: Group,
    width: int,
    keymap: Keymap = NO_KEYMAP,
    dim: Collection[str] = (),
    instead: Mapping[str, str] = NO_KEYMAP,
) -> list[Span]:
    """Write the footer of a screen: first key and word of each; the last one, the way out, stays where it is narrow.

    `dim` names the ids of keys that do nothing now; pressed, they say why. `instead` gives other words, or none, by id.
    """
    keys = [key for group in groups for key in group.keys if instead.get(key.id, key.footer)]
    word_of = {key.id: instead.get(key.id) or _footer_word(key, keymap) for key in keys}
    while len(keys) > 1 and len("  ".join(word_of[key.id] for key in keys)) > width - 1:
        keys.remove(next((key for key in reversed(keys) if key.is_minor), keys[-2]))
    words = [(word_of[key.id], key.id) for key in keys]
    row = [Span(" ")]
    for place, (word, name) in enumerate(words):
        row += [Span("  ")] if place else []
        row.append(Span(word, "faint" if name in dim else "strong"))
    return row


def _footer_word(key: Key, keymap: Keymap) -> str:
    if " " in key.footer and key.id not in keymap:
        return key.footer
    return f"{shown_name(_names(key, keymap)[0])} {key.footer.rpartition(' ')[2]}"
