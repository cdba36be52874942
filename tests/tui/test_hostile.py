"""Text in the data cannot drive the terminal: what is sent for hostile samples is sent for harmless ones too."""

import json
import re
import sys
from pathlib import Path

from terminal import Terminal

from engine.importing import import_file
from engine.mapping import build_map
from engine.project import Project
from engine.reviewing import Review
from engine.score_importing import import_scores
from engine.store import Store

SEQUENCE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    rb"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC
    rb"|\x1b[PX^_][^\x1b]*\x1b\\"  # DCS, SOS, PM, APC
    rb"|\x1b[ -/]*[0-~]"
)
COLOUR = re.compile(rb"[34]8;2;\d+;\d+;\d+")
CONTROLS = "".join(map(chr, [*range(0x01, 0x20), *range(0x7F, 0xA0)]))
"""All of C0 and C1 but NUL; a row with one is refused."""

UNSEEN = (
    "\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\U000e0041"
)
HOSTILE = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[3;199H\x1b[38;5;199mpink\x1b[8m\x1b[2J\x1b[?1049l\x1b[6n\x1b[21t\x1bc",
    "\x9b31m\x9d0;title\x9c",
    "\x1bP$q\x1b\\\x1b_evil\x1b\\\x1b^evil\x1b\\",
    "a" + "\u0301" * 400 + "\u200d" * 9,
    UNSEEN,
    CONTROLS,
]
MARKUP = "[/red][@click=app.quit]x[/][link=http://evil]y[/link][bold"
EVIL = MARKUP + "".join(HOSTILE)
EVIL_NAME = "[@click=app.quit]\x1b]0;t\x07\x9b31m\u202e\u200b"
PLAIN = (
    "# A title\n\nsome *plain* text with `code`, a [link](http://x) and\n\n```python\nx = 1  # one\n```\n\n> quoted\n"
)
LONG = 1_000_000

KEYS = (
    *(
        "d",
        "d",
        "r",
        "r",
        "r",
        "v",
        "v",
        "i",
        "i",
        "o",
        "o",
        "tab",
        "tab",
        "tab",
        "space",
        "f4",
        "f4",
        "c",
        "e",
        "f9",
        "?",
        "q",
        "G",
        "g",
    ),
    *("f3", "1", "f3", "u", "b", "l", "i", "i", "l", "r", "r", "d", "d", "G", "g", "h", "h"),
    *("f2", "j", "q", "m", "c", "c", "c", "c", "space", "l", "j", "q", "q"),
)


def paste(text: str) -> str:
    """Paste as terminals do, which keep ESC out of it."""
    return f"\x1b[200~{text.replace(chr(27), '')}\x1b[201~"


def make_project(folder: Path, text: str, long: str, name: str) -> Project:
    """Make a project that has a text in each place that a stranger can write to, and 1 MB of it on one line."""
    turns = [{"role": "system", "content": text}, {"role": "user", "content": text}]
    tool = {"type": "function", "function": {"name": text, "description": text, "parameters": {"x": text}}}
    call = {"type": "function", "function": {"name": text, "arguments": {"x": text}}}
    good, bad = (
        [{"role": "assistant", "content": f"{text} {which}", "tool_calls": [call]}] for which in ("good", "bad")
    )
    rows = [{"prompt": turns, "chosen": good, "rejected": bad, "tools": [tool], "source": text}]
    rows += [
        {"prompt": text, "chosen": f"{text} better {n}", "rejected": f"{text} worse {n}", "source": text}
        for n in range(3)
    ]
    rows += [{"prompt": f"{long} ?", "chosen": f"{long} yes", "rejected": f"{long} no", "source": long[:5000]}]
    file = folder / f"{name}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    project = Project(folder / f"{name}.prefmap")
    import_file(project, file)
    scores = folder / "scores.jsonl"
    given = [{"row": row, "response": n, "value": n * row} for row in range(1, len(rows)) for n in (0, 1)]
    scores.write_text("".join(json.dumps(line) + "\n" for line in given), encoding="utf-8")
    import_scores(project, scores, name="by hand")
    say_in_scores(project.scores / "by hand.jsonl", text)
    build_map(project)
    (project.path / "guidelines.md").write_text(text, encoding="utf-8")
    review = Review(project, text)
    store = Store.open(project.map)
    for ordinal in range(len(rows)):
        sample = store.sample(ordinal)
        review.note(sample.sample_id, text)
    review.give(store.sample(0), "flip", note=text)
    store.close()
    review.close()
    return project


def say_in_scores(log: Path, text: str) -> None:
    """Name the scorer of a log so, and let it explain each score so, as a judge does."""
    header, *lines = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
    told = [header | {"scorer": text}, *(line | {"rationale": text} for line in lines)]
    log.write_text("".join(json.dumps(line) + "\n" for line in told), encoding="utf-8")


def drive(project: Project, reviewer: str, text: str) -> Terminal:
    """Go through every screen and dialog, and quit; the terminal knows all that was sent."""
    command = [sys.executable, "-m", "tui", "review", str(project.path), "--reviewer", reviewer]
    dialogs = (
        *("w", paste(f"source:{text}"), "escape", "w", "source:", "tab", "escape", "w", "len>0", "enter"),
        *("f8", "f", "escape", "/", paste(text), "enter", "n", "p", "ctrl+g", paste(text), "enter"),
        *("a", paste(text), "enter", "a", "escape", "ctrl+p", paste(text), "escape"),
    )
    with Terminal(command, env={"PAGER": "true"}) as terminal:
        terminal.wait_for("read ")
        for key in (*KEYS, *dialogs):
            terminal.press(key)
            if key == "e":
                terminal.wait_for(lambda _: terminal.raw.count(b"\x1b[?1049h") > 1)
            if key == "m":
                terminal.wait_for("x variability")
            terminal.settle(0.25 if key == "escape" else 0.1)
        terminal.press("q")
        terminal.wait()
    return terminal


def sequences(raw: bytes) -> set[bytes]:
    """List the escape sequences that were sent: colours by their kind, places on the screen as one."""
    found = set()
    for one in SEQUENCE.findall(raw):
        if one.endswith(b"m") and re.fullmatch(rb"\x1b\[[0-9;]*m", one):
            found |= {b"SGR " + word for word in COLOUR.sub(b"colour", one[2:-1]).split(b";")}
        elif place := re.fullmatch(rb"\x1b\[(\d+);(\d+)H", one):
            found.add(b"place" if int(place[1]) <= 24 and int(place[2]) <= 80 else one)
        elif re.fullmatch(rb"\x1b\]52;c;[A-Za-z0-9+/]*=*\x07", one):
            found.add(b"clipboard, which gets no text but in base64")
        else:
            found.add(one)
    return found


def test_hostile_text_cannot_act_on_the_terminal(tmp_path):
    for folder in ("plain", "evil"):
        (tmp_path / folder).mkdir()
    plain = make_project(tmp_path / "plain", PLAIN, "word " * 2000, "pairs")
    evil = make_project(tmp_path / "evil", EVIL, re.sub(r"[\r\n]", "", EVIL) * (LONG // len(EVIL)), EVIL_NAME)
    known = drive(plain, "kim", "plain").raw
    terminal = drive(evil, EVIL, EVIL)
    assert sequences(terminal.raw) - sequences(known) == set()
    left = SEQUENCE.sub(b"", terminal.raw).decode()
    controls = {one for one in left if one in CONTROLS} - set(SEQUENCE.sub(b"", known).decode())
    assert controls == set()
    assert {one for one in left if one in UNSEEN} == set()
    assert not re.search("\u0301{9}", left)
    assert b"\x1b]52;c;" in terminal.raw
    assert "<U+001B>" in left
    assert "[@click=app.quit]x[/]" in left
