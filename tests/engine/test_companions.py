import numpy as np
import pytest

from engine.suspicion.companions import agree_with_labels, correlate_scorers

NAN = float("nan")
MARGINS = np.array([[1.0, 2.0, NAN], [-1.0, -2.0, NAN], [0.0, 0.0, NAN], [3.0, NAN, NAN]])


def test_a_tie_agrees_half_and_what_is_missing_not_at_all():
    assert agree_with_labels(MARGINS) == pytest.approx([2.5 / 4, 0.5, NAN], nan_ok=True)


def test_scorers_correlate_on_what_both_have():
    expected = [[1, 1, NAN], [1, 1, NAN], [NAN, NAN, NAN]]
    assert correlate_scorers(MARGINS) == pytest.approx(np.array(expected), nan_ok=True)


def test_an_exchanged_label_changes_no_correlation():
    margins = np.random.default_rng(0).normal(1, 1, (50, 3))
    turned = margins * np.where(np.arange(50) % 3, 1, -1)[:, None]
    assert correlate_scorers(turned) == pytest.approx(correlate_scorers(margins))
