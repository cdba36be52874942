"""Find what two lists of words share: a patience diff, in a time that hardly depends on what they hold."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

MOST_COMPARED = 2_500
"""Pairs of words that are compared one by one, where no word is unique."""

MOST_ROUNDS = 24


class Match(NamedTuple):
    """So many words that are the same from one place in each list on."""

    left: int
    right: int
    size: int


class _Stretch(NamedTuple):
    """A part of each list, from its first place to the one after its last."""

    left: int
    left_end: int
    right: int
    right_end: int
    rounds: int


def match(left: Sequence[str], right: Sequence[str]) -> list[Match]:
    """List the matches in order, each as long as it can be; exchanging the lists exchanges the places."""
    if list(left) > list(right):
        return [Match(one.right, one.left, one.size) for one in match(right, left)]
    found: list[Match] = []
    waiting = [_Stretch(0, len(left), 0, len(right), 0)]
    while waiting:
        stretch = _trim(waiting.pop(), left, right, found)
        anchors = _find_anchors(left, right, stretch) if stretch.rounds < MOST_ROUNDS else []
        if anchors:
            found += [Match(i, j, 1) for i, j in anchors]
            waiting += _between(anchors, stretch)
        else:
            found += _compare(left, right, stretch)
    return _join(sorted(found))


def _trim(stretch: _Stretch, left: Sequence[str], right: Sequence[str], found: list[Match]) -> _Stretch:
    """Take the words off that a stretch has in common at its start and end."""
    i, i_end, j, j_end, rounds = stretch
    while i < i_end and j < j_end and left[i] == right[j]:
        i, j = i + 1, j + 1
    while i < i_end and j < j_end and left[i_end - 1] == right[j_end - 1]:
        i_end, j_end = i_end - 1, j_end - 1
    found += [Match(stretch.left, stretch.right, i - stretch.left), Match(i_end, j_end, stretch.left_end - i_end)]
    return _Stretch(i, i_end, j, j_end, rounds)


def _find_anchors(left: Sequence[str], right: Sequence[str], stretch: _Stretch) -> list[tuple[int, int]]:
    """The longest rising row of words that both sides of a stretch have exactly once."""
    i, i_end, j, j_end, _ = stretch
    if i == i_end or j == j_end:
        return []
    once_left, once_right = Counter(left[i:i_end]), Counter(right[j:j_end])
    places = {word: n for n, word in enumerate(right[j:j_end], start=j) if once_right[word] == 1}
    words = enumerate(left[i:i_end], start=i)
    return _rising([(n, places[word]) for n, word in words if once_left[word] == 1 and word in places])


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Choose as many pairs as rise on both sides (patience sorting)."""
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for n, (_, place) in enumerate(pairs):
        pile = bisect_left(tops, place)
        before.append(ends[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [place]
        ends[pile : pile + 1] = [n]
    chosen = []
    n = ends[-1] if ends else -1
    while n >= 0:
        chosen.append(pairs[n])
        n = before[n]
    return chosen[::-1]


def _between(anchors: Sequence[tuple[int, int]], stretch: _Stretch) -> Iterator[_Stretch]:
    i, j = stretch.left, stretch.right
    for left, right in (*anchors, (stretch.left_end, stretch.right_end)):
        if i < left and j < right:
            yield _Stretch(i, left, j, right, stretch.rounds + 1)
        i, j = left + 1, right + 1


def _compare(left: Sequence[str], right: Sequence[str], stretch: _Stretch) -> list[Match]:
    i, i_end, j, j_end, _ = stretch
    if (i_end - i) * (j_end - j) > MOST_COMPARED:
        return []
    matcher = SequenceMatcher(None, left[i:i_end], right[j:j_end], autojunk=False)
    return [Match(i + a, j + b, size) for a, b, size in matcher.get_matching_blocks()]


def _join(found: Sequence[Match]) -> list[Match]:
    joined: list[Match] = []
    for one in found:
        last = joined[-1] if joined else Match(-1, -1, 0)
        if one.size == 0:
            continue
        if (last.left + last.size, last.right + last.size) == (one.left, one.right):
            joined[-1] = Match(last.left, last.right, last.size + one.size)
        else:
            joined.append(one)
    return joined
