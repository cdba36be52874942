"""The one table of keys: bindings, footer, help and README are made from it."""

from dataclasses import dataclass
from typing import NamedTuple

from textual.binding import Binding, BindingType


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
        Key("review.undo", "u,z", "undo", "take the last verdict back, however old it is", "undo"),
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
        Key("text.raw", "r", "look", "the texts raw, rendered, or as they stand", "raw"),
        Key("text.focus", "tab", "focus_next_response", "both responses, then each alone", "one"),
        Key("text.unfold", "o", "unfold", "the whole conversation before the responses"),
    ),
)

MOVING = Group(
    "Moving",
    (
        Key("review.next", "l,right", "move(1)", "next sample, no verdict"),
        Key("review.previous", "h,left", "move(-1)", "previous sample"),
        Key("queue.goto", "ctrl+g", "goto", "go to a rank or an id"),
        Key("queue.list", "f2", "list", "the queue as a list"),
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
        Key("map.in", "equals_sign,plus", "zoom(2.0)", "closer, around the cursor", "= - 0 zoom"),
        Key("map.out", "minus", "zoom(0.5)", "further away"),
        Key("map.whole", "0", "whole", "the whole map"),
        Key("map.colour", "c", "colour", "next colour: none, suspicion, region, verdict", "colour"),
        Key("map.open", "enter", "open", "read the likeliest mislabel under the cursor", "enter read worst"),
        BACK,
    ),
)

HELP = Group(
    "Help",
    (
        Key("help.down", "j,down,space,pagedown", "scroll(5)", "further down"),
        Key("help.up", "k,up,pageup", "scroll(-5)", "further up"),
        Key("help.back", "q,escape,question_mark,f1", "back", "back", "back"),
    ),
)

REVIEW_SCREEN = (VERDICTS, READING, MOVING, ANYWHERE)
ALL = (*REVIEW_SCREEN, LIST, MAP)

SHOWN_NAMES = {
    "question_mark": "?",
    "equals_sign": "=",
    "plus": "+",
    "minus": "-",
    "pagedown": "pgdn",
    "pageup": "pgup",
}


def bind(*groups: Group) -> list[BindingType]:
    """Make Textual's bindings; priority keeps keys from being taken by a widget with the focus."""
    return [
        Binding(name, _action(key, name), key.does, show=False, id=f"{key.id}.{name}")
        for group in groups
        for key in group.keys
        for name in key.keys.split(",")
    ]


def _action(key: Key, name: str) -> str:
    return f"choose({name})" if key.action == "choose" else key.action


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


def footer(*groups: Group, width: int) -> str:
    """Write the footer of a screen: first key and word of each; the last one, the way out, stays where it is narrow."""
    words = [_footer_word(key) for group in groups for key in group.keys if key.footer]
    while len(words) > 1 and len("  ".join(words)) > width - 1:
        del words[-2]
    return " " + "  ".join(words)


def _footer_word(key: Key) -> str:
    if " " in key.footer:
        return key.footer
    return f"{shown_name(key.keys.split(',')[0])} {key.footer}"
