"""Reads a project as the review serves it, without a screen."""

from contextlib import closing

import numpy as np

from engine.project import Project
from engine.reviewing import Review
from engine.sources import SourceReader
from engine.store import Store
from engine.verdicts.auditing import Labels
from engine.verdicts.serving import READ, UNREAD, Reading, Server


def read_labels(project: Project) -> Labels:
    with closing(Store.open(project.map)) as store:
        return Labels.read(store)


def sit(project: Project, reviewer: str, turns: int, is_wrong, mode: str = "blind") -> None:
    """Go through a review as it is served; `is_wrong` says of a sample and a turn whether the reviewer flips it."""
    labels, samples = read_labels(project), list(SourceReader(project))
    server = Server(labels.permute(reviewer), reviewer)
    state, readings = np.full(len(labels.ordinals), UNREAD, dtype=np.int8), []
    order = np.argsort(-labels.suspicion, kind="stable").tolist()
    with closing(Review(project, reviewer)) as opened:
        for number in range(turns):
            turn = server.next(next((one for one in order if state[one] == UNREAD), None), state, readings)
            sample = samples[labels.ordinals[turn.ordinal]]
            verdict = "flip" if is_wrong(sample, number) else "keep"
            opened.give(sample, verdict, served=turn.served, mode=mode)
            state[turn.ordinal] = READ
            readings.append(Reading(turn.ordinal, turn.served))
