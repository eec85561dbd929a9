"""What people are told before a run starts."""

import pytest
import torch

from metalearn.planning.forecast import Forecast, Plan
from metalearn.pool.pool import Pool
from metalearn.registry import algorithm_named

CPU = torch.device("cpu")


def forecast(seconds: float) -> Forecast:
    return Forecast(1_234, 20, 3, 1e9, seconds)


@pytest.mark.parametrize(
    ("seconds", "time"),
    [
        (0.0, "less than a minute"),
        (30.0, "less than a minute"),
        (100.0, "1.2 to 2.5 minutes"),
        (3_600.0, "42 to 90 minutes"),
        (10_000.0, "1.9 to 4.2 hours"),
        (400_000.0, "3.2 to 6.9 days"),
    ],
)
def test_time_is_a_range_in_a_unit_that_suits(seconds: float, time: str) -> None:
    assert forecast(seconds).time == time


def test_snapshots_count_on_the_disk_where_there_are_any() -> None:
    assert "1,234 MB of memory and 20 MB of disk" in forecast(1).line(snapshots=False)
    assert "23 MB of disk" in forecast(1).line(snapshots=True)


def test_a_plan_counts_what_the_process_has_beside_its_models(tiny_pool: Pool) -> None:
    kind = algorithm_named("random_init")
    plan = Plan.of(kind, tiny_pool, kind.Config(learner_width=4), CPU)
    # Python with torch.
    assert 100 < plan.libraries_mb < 20_000
    told = plan.forecast()
    assert told.memory_mb == plan.memory_mb() == plan.libraries_mb + plan.needs().memory_mb
    assert told.seconds == 0
