"""Walk through a review inside tmux as a person would, and check that log, screen and export agree.

It gives verdicts, takes steps back and does them again, notes, flags, filters, decides a selection at once, reads a box
of the map, turns to blind and back, quits and comes back, and loses its connection (SIGHUP). Coming
back, it must find the sample that was on the screen, a control or a repeat included. It keeps its own account of what
it did; after each step the figures on the screen must agree with that, and in the end the log and the export.

Example: python scripts/walk_review.py --verdicts 200 --seed 0
"""

import argparse
import json
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tmux import Tmux

from engine.commands.build import build_project
from engine.exporting import export
from engine.exports.manifests import ExportPlan
from engine.project import Project
from engine.store import Store
from engine.verdicts.steps import Batch, History, Outcome, Step

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "sample_data" / "helpful_pairs.jsonl"
VERDICTS = {"y": "keep", "f": "flip", "t": "tie", "x": "drop", "s": "skip"}
BLIND_KEYS = ("1", "2", "t", "x")
RECENT = 100
"""Verdicts over which the screen takes the share of flips."""


@dataclass(frozen=True)
class Done:
    """A step: its name on the screen, and the samples that it is about."""

    act: str
    ids: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The verdict of one sample or of many; empty for notes and flags."""
        word = self.act.removeprefix("bulk ").split()[0]
        return word if word in VERDICTS.values() else ""

    @property
    def is_read(self) -> bool:
        return self.act in VERDICTS.values() and self.act != "skip"


@dataclass
class Account:
    """What was done, as the walker remembers it."""

    steps: list[Done] = field(default_factory=list)
    undone: list[Done] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    """How often what was done."""

    def do(self, act: str, *ids: str) -> None:
        self.steps.append(Done(act, ids))
        self.undone.clear()

    def standing(self) -> dict[str, Done]:
        """Give the last verdict on each sample, by the beginning of its id."""
        return {sample: step for step in self.steps if step.verdict for sample in step.ids}

    def figures(self) -> tuple[int, str]:
        """How many are read, and the share of flips, as the screen should have them."""
        recent = [step.verdict == "flip" for step in self.steps if step.is_read][-RECENT:]
        share = f"{sum(recent) / len(recent):.0%}" if recent else ""
        return sum(step.is_read for step in self.standing().values()), share


class Walker:
    """Drives the review, and keeps account."""

    def __init__(self, tmux: Tmux, project: Project, draw: random.Random) -> None:
        self.tmux, self.project, self.draw = tmux, project, draw
        self.account = Account()
        self.is_blind = False
        with closing(Store.open(project.map)) as store:
            self.samples = {each.sample_id[:8]: each for each in map(store.sample, range(store.count("sample")))}

    def open(self) -> None:
        self.tmux.type(f"{sys.executable} -m tui review {self.project.path} --reviewer walker")
        self.tmux.press("Enter")
        self.tmux.wait_for(r"\bread \d")
        self.is_blind = False

    @property
    def shown(self) -> str:
        """The id on the screen; empty where all is read."""
        found = re.search(r"\bid ([0-9a-f]{8})", self.tmux.text)
        return found[1] if found else ""

    def check(self) -> None:
        """Compare the figures on the screen with the account."""
        read, share = self.account.figures()
        read += self.count_repeats()
        self.tmux.wait_for(rf"^ read {read:,}/" + (rf".* flips {share}( |$)" if share else ""))

    def count_repeats(self) -> int:
        """Count the verdicts on repeats, which the log alone can tell from others."""
        steps = [step for log in self.project.review_logs() for step in History.read(log).steps]
        return sum(isinstance(step, Outcome) and step.served == "repeat" and step.is_read for step in steps)

    def give(self) -> None:
        """Give a verdict on the sample at hand."""
        if not (sample := self.shown):
            return
        key = self.draw.choice(BLIND_KEYS if self.is_blind else [*VERDICTS])
        self.tmux.press(key)
        said = self.tmux.wait_for(rf"last: .*{sample}")
        act = VERDICTS.get(key) or re.search(rf"(keep|flip) {sample}", said)[1]  # type: ignore[index]
        self.account.do(act, sample)
        self.account.tally["verdicts"] += 1
        self.check()

    def undo(self) -> None:
        """Take up to three steps back, and do some of them again."""
        for _ in range(min(self.draw.randint(1, 3), len(self.account.steps))):
            step = self.account.steps.pop()
            self.account.undone.append(step)
            self.tmux.press("u")
            self.tmux.wait_for(f"taken back: {step.act} ({'|'.join(step.ids)})")
            self.account.tally["undone"] += 1
        for _ in range(self.draw.randint(0, len(self.account.undone[-3:]))):
            step = self.account.undone.pop()
            self.account.steps.append(step)
            self.tmux.press("C-r")
            self.tmux.wait_for(f"done again: {step.act} ({'|'.join(step.ids)})")
            self.account.tally["redone"] += 1
        self.check()

    def note(self) -> None:
        sample, text = self.shown, f"thought {len(self.account.steps)}"
        if sample:
            self.answer("a", text, "noted")
            self.account.do("note", sample)
            self.account.tally["notes"] += 1

    def flag(self) -> None:
        if sample := self.shown:
            before = sum(step.act == "flag" for step in self.account.steps if sample in step.ids)
            before -= sum(step.act == "no flag" for step in self.account.steps if sample in step.ids)
            self.tmux.press("b")
            self.tmux.wait_for("not flagged any more" if before else "flagged: w flag")
            self.account.do("no flag" if before else "flag", sample)
            self.account.tally["flags"] += 1

    def answer(self, key: str, text: str, shown: str) -> str:
        """Open a line with a key, write a text into it in place of what is there, and wait for what it comes to."""
        self.tmux.press(key)
        self.tmux.type("@@")
        self.tmux.wait_for("@@ *$")
        self.tmux.press("C-e", "C-u")
        self.tmux.wait_for(r"(?s)\A(?!.*@@)")
        self.tmux.type(text)
        if text:
            self.tmux.wait_for(rf"^ {re.escape(text)} *$")
        self.tmux.press("Enter")
        return self.tmux.wait_for(shown)

    def filter_and_decide(self) -> None:
        """Read some of a source, decide the rest of it at once, and go back to the whole queue."""
        source = self.draw.choice(sorted({each.source for each in self.samples.values()}))
        self.answer("w", f"source:{source} not reviewed", r"\d+ samples fit")
        for _ in range(2):
            self.give()
        rest = [key for key, one in self.samples.items() if one.source == source and not self.is_decided(key)]
        self.answer("w", f"source:{source} not reviewed", f" {len(rest)} samples fit")
        verdict = self.draw.choice(["keep", "flip", "tie", "drop"])
        self.tmux.press("F8")
        self.tmux.wait_for("Which verdict for all")
        self.tmux.press(next(key for key, name in VERDICTS.items() if name == verdict))
        self.tmux.wait_for(f"Type {len(rest)} and press enter to {verdict}")
        self.tmux.type(str(len(rest)))
        self.tmux.press("Enter")
        self.tmux.wait_for(f"last: bulk {verdict} of {len(rest)}")
        self.account.do(f"bulk {verdict} of {len(rest)}", *rest)
        self.account.tally["bulk verdicts"] += len(rest)
        self.check()
        self.answer("w", "", "the whole queue again")

    def is_decided(self, sample: str) -> bool:
        step = self.account.standing().get(sample)
        return step is not None and step.verdict != "skip"

    def box(self) -> None:
        """Frame a part of the map around the sample at hand, and read some of it."""
        self.tmux.press("m")
        self.tmux.wait_for("map of")
        self.tmux.press("g", *"hhhhkkk", "space", *"llllllllljjjjjj")
        self.tmux.wait_for(r"box: [1-9]\d* sample")
        self.tmux.press("Enter")
        self.tmux.wait_for("of the box")
        for _ in range(2):
            self.give()
        self.answer("w", "", "the whole queue again")
        self.account.tally["boxes"] += 1

    def turn(self) -> None:
        """From sighted to blind, or back."""
        self.is_blind = not self.is_blind
        self.tmux.press("F3")
        self.tmux.wait_for(f"{'blind' if self.is_blind else 'sighted'} from here on")
        self.account.tally["turns of the mode"] += 1

    def restart(self) -> None:
        """Quit, and come back."""
        self.give()
        expected = self.shown
        self.tmux.press("q")
        self.tmux.wait_for("prefmap export")
        self.account.tally["restarts"] += 1
        self.reopen(expected)

    def lose_connection(self) -> None:
        """End the tmux session right after a verdict: the app gets SIGHUP."""
        self.give()
        expected = self.shown
        self.tmux.hang_up()
        self.account.tally["hang-ups"] += 1
        self.reopen(expected)

    def reopen(self, expected: str) -> None:
        """Come back to the same turn, a control or a repeat included."""
        self.check_log()
        self.open()
        self.check()
        if expected:
            self.tmux.wait_for(rf"\bid {expected}")

    def check_log(self) -> None:
        """Compare the log with the account."""
        (log,) = self.project.review_logs()
        logged = [Done(step.act, _ids(step)) for step in History.read(log).steps]
        if [(step.act, sorted(step.ids)) for step in logged] != [(s.act, sorted(s.ids)) for s in self.account.steps]:
            raise AssertionError(f"the log says {logged[-3:]}, the walk {self.account.steps[-3:]}")

    def check_export(self, output: Path) -> int:
        """Compare an export with the account: flips exchanged, ties and drops left out, all else as it was."""
        export(self.project, output, ExportPlan())
        lines = map(json.loads, output.read_text(encoding="utf-8").splitlines())
        rows = Counter((_text(line["chosen"]), _text(line["rejected"])) for line in lines)
        standing = self.account.standing()
        expected: Counter[tuple[str, str]] = Counter()
        for key, sample in self.samples.items():
            verdict = standing[key].verdict if key in standing else ""
            if sample.pair is not None and verdict not in ("tie", "drop"):
                pair = (sample.responses[sample.pair.chosen].text, sample.responses[sample.pair.rejected].text)
                expected[pair[::-1] if verdict == "flip" else pair] += 1
        if rows != expected:
            raise AssertionError(f"export and walk differ: {(rows - expected) + (expected - rows)}")
        return sum(rows.values())

    def walk(self, verdicts: int) -> None:
        """Give so many verdicts, with all else in between."""
        events = [self.filter_and_decide, self.turn, self.turn, self.restart, self.box, self.lose_connection]
        due = {(n + 1) * verdicts // (len(events) + 1): event for n, event in enumerate(events)}
        self.open()
        for _ in range(verdicts):
            for at in [at for at in due if at <= self.account.tally["verdicts"]]:
                due.pop(at)()
            self.give()
            for act, chance in ((self.undo, 0.15), (self.note, 0.08), (self.flag, 0.08)):
                if self.draw.random() < chance:
                    act()
        for event in due.values():
            event()
        self.check_log()


def _ids(step: Step) -> tuple[str, ...]:
    return tuple(one.sample_id[:8] for one in (step.outcomes if isinstance(step, Batch) else (step,)))


def _text(side: object) -> str:
    return str(side[-1]["content"]) if isinstance(side, list) else str(side)


def main() -> int:
    """Walk; the exit code is 1 where something does not agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verdicts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true", help="14 verdicts")
    args = parser.parse_args()
    if not shutil.which("tmux"):
        print("The walk needs tmux, and there is none on this machine.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "walk.prefmap"
        build_project([str(DATA)], path)
        with Tmux(ROOT) as tmux:
            walker = Walker(tmux, Project.open(path), random.Random(args.seed))
            walker.walk(14 if args.smoke else args.verdicts)
            rows = walker.check_export(Path(folder) / "walked.jsonl")
            told = ", ".join(f"{count} {name}" for name, count in walker.account.tally.items())
    print(f"{told}; {rows} rows exported: screen, log and export agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
