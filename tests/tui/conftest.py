"""What the tests of the screens share."""

import pytest
from small_maps import NAN, make_cloud


@pytest.fixture
def small():
    """Nine samples, three in each region, and a tenth without a place."""
    return make_cloud(
        variability=[0.0, 0.01, 0.01, 0.0, 0.01, 0.01, 0.16, 0.25, 0.36, NAN],
        quality=[0.9, 0.8, 0.7, 0.1, 0.2, 0.3, 0.5, 0.6, 0.2, 0.5],
        suspicion=[0.1, 0.1, 0.1, 0.1, 0.1, NAN, 0.3, 0.95, 0.5, NAN],
        verdicts=["keep", "", "", "", "", "", "skip", "flip", "drop", ""],
    )
