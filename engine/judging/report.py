"""Judging report: measure the scorers of a project from their logs and the map."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np

from engine.errors import ConfigError
from engine.judging.card import Answers, Calls, Card, make_card
from engine.logs import stream_log
from engine.project import Project
from engine.scores.score_logs import HEADER, find_logs
from engine.sources import SourceReader, fingerprint
from engine.store import Store

UNPARSED = ("unparsable", "out of range", "empty answer")
"""How the reasons of answers begin that came, and hold no score."""

REASON_SHOWN = 60
"""Characters of a reason by which failures are counted together."""


def make_cards(project: Project, scorer: str = "") -> list[Card]:
    """Measure a scorer, known by the beginning of its name, or all of them."""
    with closing(Store.open(project.map)) as store:
        columns = store.answers()
        names = list(store.scorers())
        scores = {name: store.aligned_scores(name) for name in names}
    chosen = [scorer] if scorer in names else [name for name in names if name.startswith(scorer)]
    if not chosen or (scorer and len(chosen) > 1):
        raise ConfigError(f"No scorer of the map is called {scorer!r}: there are {', '.join(names) or 'none'}.")
    prompt = np.unique(columns["prompt_id"].astype(str), return_inverse=True)[1]
    answers = Answers(
        columns["response_id"],
        columns["ordinal"].astype(np.int64),
        prompt,
        columns["length"].astype(np.float64),
        columns["label"],
    )
    prompts = dict(zip(answers.response_id, prompt.tolist(), strict=True))
    logs, _ = find_logs(project, fingerprint(SourceReader(project)))
    paths = {log.name: log.paths for log in logs}
    return [make_card(name, answers, scores, _read_calls(paths.get(name, ()), prompts)) for name in chosen]


def _read_calls(paths: tuple[Path, ...], prompts: Mapping[str, int]) -> Calls:
    calls = Calls()
    for line in (line for path in paths for line in stream_log(path)):
        response = str(line.get("response"))
        if line.get("kind") == HEADER or response not in prompts or line.get("final"):
            continue
        calls.lines += 1
        calls.prompts.add(prompts[response])
        value = line.get("value")
        if isinstance(value, int | float):
            _add_answer(calls, line, response, float(value))
        else:
            reason = str(line.get("reason") or "no reason")
            calls.failed[reason.partition(":")[0][:REASON_SHOWN]] += 1
            calls.unparsed += reason.startswith(UNPARSED)
    return calls


def _add_answer(calls: Calls, line: Mapping[str, object], response: str, value: float) -> None:
    if method := line.get("method"):
        calls.methods[str(method)] += 1
    part, number, of = str(line.get("part") or ""), line.get("number"), line.get("of")
    if isinstance(of, int) and of > 1:
        calls.repeats.setdefault((response, part), {})[number if isinstance(number, int) else 0] = value
    for opponent, was_first in _find_game(line, part):
        low, high = sorted((response, opponent))
        is_low = response == low
        calls.games.setdefault((low, high), {})[was_first == is_low] = value if is_low else 1 - value


def _find_game(line: Mapping[str, object], part: str) -> Iterator[tuple[str, bool]]:
    """Read whom a response was compared with, and whether it was shown first."""
    if isinstance(opponent := line.get("opponent"), str):
        yield opponent, line.get("order") in (0, "first")
    elif part.startswith(("first:", "second:")):
        place, _, opponent = part.partition(":")
        yield opponent, place == "first"
