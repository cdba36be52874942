"""Who reads what: a queue shared out among reviewers by hashes, so that nobody has to be asked.

Each content goes to the reviewer whose hash of it is the greatest (rendezvous hashing): one who joins takes a part from
each of the others, and what they keep stays theirs. A part, chosen by a hash of its own, goes to all.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from engine.errors import ConfigError
from engine.project import Project, replacing
from engine.records import content_of
from engine.verdicts.shuffling import Contents, scramble

Mask = npt.NDArray[np.bool_]

DEFAULT_OVERLAP = 0.1


@dataclass(frozen=True, slots=True)
class Assignment:
    """How a project's samples are shared out."""

    reviewers: tuple[str, ...]
    overlap: float = DEFAULT_OVERLAP
    """Share of the contents that all reviewers read, to see how they agree."""

    def __post_init__(self) -> None:
        if len(set(self.reviewers)) != len(self.reviewers) or not all(self.reviewers):
            raise ConfigError("Each reviewer of an assignment needs a name of his or her own.")
        if not 0 <= self.overlap <= 1:
            raise ConfigError(f"The overlap is a share from 0 to 1, not {self.overlap}.")

    @classmethod
    def read(cls, project: Project) -> Self | None:
        """Read the assignment of a project; None where nothing is assigned. Raises ConfigError."""
        path = project.assignment
        if not path.exists():
            return None
        try:
            found = json.loads(path.read_bytes())
            if not isinstance(found["reviewers"], list):
                raise TypeError("reviewers is no list")
            return cls(tuple(map(str, found["reviewers"])), float(found["overlap"]))
        except (ValueError, KeyError, TypeError, ConfigError) as error:
            raise ConfigError(
                f"{path} is no assignment ({error}). Make it anew: prefmap assign {project.path} --reviewers A,B"
            ) from error

    def write(self, project: Project) -> None:
        """Assign the samples of a project; what was assigned before ends."""
        with replacing(project.assignment, private=True) as beside:
            beside.write_text(json.dumps(self.describe(), ensure_ascii=False) + "\n", encoding="utf-8")

    def describe(self) -> dict[str, object]:
        """Give it as JSON has it."""
        return {"reviewers": list(self.reviewers), "overlap": self.overlap}

    def tell(self, reviewer: str) -> str:
        """Tell a reviewer what is his or hers."""
        if reviewer in self.reviewers:
            return f"share of {reviewer}, one of {len(self.reviewers)}"
        return f"no share is assigned to {reviewer}, who reads all; shares are those of {', '.join(self.reviewers)}"

    def shared(self, contents: Contents) -> Mask:
        """Say which contents go to all reviewers."""
        return scramble(contents, "overlap") < np.uint64(min(int(self.overlap * 2**64), 2**64 - 1))

    def of(self, reviewer: str, contents: Contents) -> Mask:
        """Say which contents a reviewer reads; one who has no part in it reads all."""
        if reviewer not in self.reviewers:
            return np.ones(len(contents), dtype=bool)
        drawn = np.stack([scramble(contents, f"reviewer {name}") for name in self.reviewers])
        mine: Mask = drawn.argmax(axis=0) == self.reviewers.index(reviewer)
        return mine | self.shared(contents)

    def share(self, reviewer: str, sample_ids: Iterable[str]) -> Mask:
        """Say the same of samples: those of one content go together."""
        return self.of(reviewer, [content_of(one) for one in sample_ids])
