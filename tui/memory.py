"""What of the memory that was used goes back to the system."""

import ctypes

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""Parameters of mallopt(3)."""

LARGE = 1 << 20
"""Bytes from which an array has pages of its own, which go back when it is freed."""

POOLS = 2
"""Of small memory; more threads share them. What is free in one is of no use in another."""


def give_back_freed() -> None:
    """Keep glibc from keeping what a million samples leave free: at most the largest array again, for each thread.

    It learns from large arrays that are freed to take the next one from a pool, where it stays. Other C libraries do
    not, and have no such setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, LARGE)
        mallopt(M_ARENA_MAX, POOLS)
