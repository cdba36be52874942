"""Small clouds to be drawn in tests."""

import numpy as np

from engine.statistics import divide_regions
from engine.store import Cut, MapPoints
from engine.verdicts.outcomes import VERDICTS
from tui.cloud import Cloud
from tui.map_view import MapView
from tui.plot import fit
from tui.terminal import Charset

NAN = float("nan")
UTF8 = Charset(has_frames=True, has_unicode=True)
PLAIN = Charset(has_frames=False, has_unicode=False)


def make_cloud(variability, quality, suspicion=None, verdicts=None, sources=None, margin=None):
    """Lay a small map out, with the cuts that its samples have."""
    variability, quality = np.array(variability, dtype=np.float64), np.array(quality, dtype=np.float64)
    count = len(quality)
    suspicion = np.full(count, 0.1) if suspicion is None else np.array(suspicion, dtype=np.float64)
    regions = divide_regions(quality, variability, np.arange(count))
    cuts = [
        Cut("crossfit", axis, value, "", "", count, 0)
        for axis, value in (("variability", regions.variability_cut), ("quality", regions.quality_cut))
    ]
    verdict = np.full(count, -1) if verdicts is None else np.array([VERDICTS.index(v) if v else -1 for v in verdicts])
    source = np.array(sources or [""] * count, dtype=object)
    margin = np.full(count, NAN) if margin is None else np.array(margin, dtype=np.float64)
    points = MapPoints(quality, variability, suspicion, margin, np.full(count, NAN), regions.region, source)
    return Cloud.of(points, cuts, verdict)


def open_view(cloud, width, height, *, ordinal=None):
    return fit(cloud, MapView(cloud.whole, cloud.place(ordinal), columns=1, rows=1), width, height)


def texts(rows):
    return ["".join(span.text for span in row).rstrip() for row in rows]


def styled(rows, style):
    return [span.text for row in rows for span in row if span.style == style]
