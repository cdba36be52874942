import numpy as np
import pytest

from engine.pages.composition import Coding, Group, Reads, associate, code_names, code_sizes, part
from engine.store import MapPoints

NAN = float("nan")


def test_association_is_cramers_v():
    a = np.array([0, 0, 1, 1])
    assert associate(a, a) == 1
    assert associate(a, np.array([0, 1, 0, 1])) == 0
    # 30 of 40 on the diagonal: chi squared is 10, and sqrt(10 / 40) is .5
    first, second = np.repeat([0, 0, 1, 1], [15, 5, 5, 15]), np.repeat([0, 1, 0, 1], [15, 5, 5, 15])
    assert associate(first, second) == pytest.approx(0.5)
    assert np.isnan(associate(a, np.zeros(4, dtype=np.int64)))


def test_names_are_numbered_the_commonest_first_and_the_rare_ones_share_a_number():
    coding = code_names(np.array(["b", "a", "b", "", None], dtype=object))
    assert (coding.codes.tolist(), coding.names) == ([0, 2, 0, 1, 1], ["b", "none", "a"])
    many = code_names(np.array([f"n{number:02}" for number in range(20)], dtype=object))
    assert many.names == [*(f"n{number:02}" for number in range(11)), "others"]
    assert many.codes.tolist() == [*range(11), *[11] * 9]


def test_sizes_are_numbered_by_stretches_and_empty_ones_are_left_out():
    coding = code_sizes(np.array([1.0, 3, 4, 1000, 2]), (1, 3))
    assert (coding.codes.tolist(), coding.names) == ([0, 1, 2, 2, 1], ["to 1", "2 to 3", "over 3"])
    assert code_sizes(np.array([5.0, 6]), (1, 3)).names == ["over 3"]


def test_groups_tell_margins_and_flips():
    margin = np.array([1.0, -2.0, 0.01, NAN])
    none = np.full(4, NAN)
    region = np.array(["high_average", "high_average", "low_average", None], dtype=object)
    points = MapPoints(none, none, none, margin, none, region, np.full(4, "", dtype=object))
    reads = Reads(np.array([True, True, False, False]), np.array([False, True, False, False]))
    kinds = {"half": Coding(np.array([0, 0, 1, 1]), ["first", "second"]), "all": Coding(np.zeros(4, dtype=int), ["x"])}
    by_region, by_half = part(points, kinds, reads)
    assert by_region.groups[0] == Group("high_average", 2, 0.5, -0.5, 0.0, 0.5, 2, 1)
    assert [one.name for one in by_region.groups] == ["high_average", "low_average", "none"]
    assert np.isnan(by_region.association)
    assert by_half.groups[1] == Group("second", 2, 0.5, 0.01, 1.0, 0.0, 0, 0)
    assert by_half.association == 1
