"""What a review holds of the memory that it used."""

import platform
import subprocess
import sys

import pytest

HELD = """
import numpy as np
{first}
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
before, pins = resident(), []
for _ in range(2):
    arrays = []
    for _ in range(20):
        arrays.append(np.ones(500_000))
        pins.append(bytes(100_000))
    arrays.clear()
print((resident() - before) / 80e6)
"""
"""The share of 20 arrays of 4 MB, made and freed twice, that stays; what is kept between them holds a pool together."""


def share_held(first: str) -> float:
    done = subprocess.run([sys.executable, "-c", HELD.format(first=first)], capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_large_arrays_go_back_when_they_are_freed():
    kept = share_held("pass")
    left = share_held("from tui.memory import give_back_freed; give_back_freed()")
    assert left < 0.2 < kept
