"""Time the map on synthetic samples: the numpy raster alone, a whole redraw, and a step of the cursor.

Example: python scripts/bench_map.py --samples 60000 1000000
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np

from engine.statistics import divide_regions
from engine.store import Cut, MapPoints
from tui.cloud import Cloud
from tui.map_view import MapView
from tui.picture import COLOURINGS, Colouring, look, paint
from tui.plot import draw, fit
from tui.raster import place
from tui.terminal import Charset

ROUNDS = 9
COLUMNS, ROWS = 80, 19
CHARSET = Charset(has_frames=True, has_unicode=True)


def main() -> None:
    """Make clouds, time what is done with them, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=[60_000, 1_000_000])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for samples in args.samples:
        cloud = make_cloud(samples, args.seed)
        view = fit(cloud, MapView(cloud.whole, cloud.place(None), columns=1, rows=1), COLUMNS, ROWS)
        print(f"{samples:,} samples on {COLUMNS} x {ROWS}, median of {ROUNDS}")
        for name, work in make_works(cloud, view).items():
            print(f"  {name:24} {1000 * median(time_once(work) for _ in range(ROUNDS)):8.1f} ms")


def make_works(cloud: Cloud, view: MapView) -> dict[str, Callable[[], object]]:
    """Name what is timed."""
    picture = paint(cloud, view, "none", CHARSET)

    def step() -> None:
        look(cloud, picture, view)
        draw(cloud, picture, view, COLUMNS, "none", CHARSET, None)

    works: dict[str, Callable[[], object]] = {
        "raster": lambda: place(cloud.x, cloud.y, columns=view.columns, rows=view.rows, bounds=view.bounds),
        "step of the cursor": step,
    }
    return works | {f"redraw, {colouring}": partial(redraw, cloud, view, colouring) for colouring in COLOURINGS}


def redraw(cloud: Cloud, view: MapView, colouring: Colouring) -> None:
    """Do what a zoom does."""
    draw(cloud, paint(cloud, view, colouring, CHARSET), view, COLUMNS, colouring, CHARSET, None)


def make_cloud(samples: int, seed: int) -> Cloud:
    """Draw samples as two noisy scores of two responses would place them."""
    draws = np.random.default_rng(seed)
    quality, variability = draws.normal(0.5, 0.2, samples), draws.exponential(0.04, samples)
    regions = divide_regions(quality, variability, np.arange(samples))
    sources = np.array(["one", "two", "three", ""], dtype=object)[draws.integers(0, 4, samples)]
    points = MapPoints(
        quality, variability, draws.random(samples) ** 3, draws.normal(size=samples), draws.random(samples),
        regions.region, sources,
    )  # fmt: skip
    cuts = [
        Cut("bench", axis, value, "", "", samples, 0)
        for axis, value in (("variability", regions.variability_cut), ("quality", regions.quality_cut))
    ]
    return Cloud.of(points, cuts, draws.integers(-1, 5, samples))


def time_once(work: Callable[[], object]) -> float:
    """Give the seconds that some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
