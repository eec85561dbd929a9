"""A run is looked at in evenly spread steps."""

from metalearn.bench.training import curve_steps


def test_the_points_of_a_curve_end_with_the_last_step() -> None:
    assert curve_steps(100, 4) == {25, 50, 75, 100}
    assert curve_steps(1, 8) == {1}
    assert curve_steps(5, 0) == set()
