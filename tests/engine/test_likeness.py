"""The search for samples like one."""

from contextlib import closing

import numpy as np
import pytest

from engine.errors import SearchAbandonedError
from engine.querying.likeness import Likeness
from engine.store import Store


def test_a_search_that_is_given_up_reads_no_further(sample_project):
    asked = []

    def is_given_up() -> bool:
        asked.append(True)
        return len(asked) > 10

    with closing(Store.open(sample_project.map)) as store, pytest.raises(SearchAbandonedError):
        Likeness.read(store, np.arange(400), is_given_up=is_given_up)
    assert len(asked) == 11
