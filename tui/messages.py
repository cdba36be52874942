"""What happens, told upwards."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from textual.message import Message

from tui.cloud import Cloud
from tui.learning import Learnt


@dataclass
class QueueLoaded(Message):
    """The queue was read, and the session stands at its first unread sample."""


@dataclass
class VerdictsLearnt(Message):
    """What the verdicts so far teach was worked out."""

    learnt: Learnt


@dataclass
class LikeFound(Message):
    """The samples most like one were found."""

    ordinals: npt.NDArray[np.int64]


@dataclass
class CloudLoaded(Message):
    """The map was read."""

    cloud: Cloud


@dataclass
class SampleChosen(Message):
    """A person chose a sample to read, on the list or the map."""

    ordinal: int


@dataclass
class BoxChosen(Message):
    """A person chose the samples in a box on the map to be the queue."""

    ordinals: npt.NDArray[np.int64]
    name: str
    """Where the box is, in words."""


@dataclass
class FilterBegun(Message):
    """A person wants to go on with a filter."""

    text: str


@dataclass
class FigureWritten(Message):
    """An attempt to write the map as a figure ended."""

    said: str
