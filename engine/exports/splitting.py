"""Splitting: an export in two files, one to train on and one held out, with no prompt in both."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.errors import ExportRefusedError
from engine.records import Sample, content_hash

Mask = npt.NDArray[np.bool_]
Reasons = npt.NDArray[np.object_]

TRAIN, HELD_OUT = "train", "heldout"


class Part(NamedTuple):
    """One file of an export."""

    output: Path

    absent: Reasons
    """Why each sample is not in it; empty: it is."""

    name: str = ""
    """`train` or `heldout`; empty where the export is one file."""

    other: Path | None = None
    """The file of the other part, where there are two."""


def heldout_of(output: Path) -> Path:
    """Name the file beside an export that holds what is held out of it."""
    return output.with_name(f"{output.stem}.{HELD_OUT}{output.suffix}")


def split(output: Path, absent: Reasons, is_held_out: Mask) -> tuple[Part, Part]:
    """Give each sample that is exported to one of two parts."""
    here = absent == ""
    train, held_out = absent.copy(), absent.copy()
    train[here & is_held_out] = "held out"
    held_out[here & ~is_held_out] = "not held out"
    beside = heldout_of(output)
    return Part(output, train, TRAIN, beside), Part(beside, held_out, HELD_OUT, output)


def hold_out(groups: Sequence[str], share: float, seed: int) -> Mask:
    """Say which samples are held out: whole groups, about this share of all.

    Each group is drawn by its own hash, so neither the order of the rows, nor what else is imported, nor the policy
    moves it; a larger share holds out the same and more.
    """
    if not 0 < share < 1:
        raise ExportRefusedError(f"--holdout is {share:g}; it must be above 0 and below 1.")
    drawn = {group: int(content_hash(str(seed), group), 16) < share * 2**64 for group in set(groups)}
    return np.array([drawn[group] for group in groups], dtype=bool)


def group_of(sample: Sample) -> str:
    """Name what must not be cut: all samples of one prompt. A sample without a prompt stands alone."""
    return sample.prompt_id if sample.prompt else sample.content_id
