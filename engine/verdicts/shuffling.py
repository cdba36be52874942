"""An order of samples that looks like chance, and follows from their contents and a seed."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.records import content_hash

Words = npt.NDArray[np.uint64]


Contents = Sequence[str] | Words
"""Ids of contents, or the numbers that they are written for: a million of those take 8 MB."""


def number(contents: Contents) -> Words:
    """Give ids as numbers."""
    if isinstance(contents, np.ndarray):
        return contents
    return np.frombuffer(bytes.fromhex("".join(contents)), dtype=">u8").astype(np.uint64)


def scramble(contents: Contents, seed: str) -> Words:
    """Draw a number for each content; those of other contents have no part in it."""
    return _mix(number(contents) ^ np.uint64(int(content_hash(seed), 16)))


def _mix(words: Words) -> Words:
    """Scramble 64-bit words one to one (the finaliser of splitmix64)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
