"""A few faults of each kind of deployment; `python -m tests.faults` strikes hundreds of times."""

import random
from typing import Any

import pytest

from tests.faults import play
from tests.tools import find_rabbitmq, has_servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def survive(stage: Any, deployment: Any, count: Any) -> None:
    """Let so many faults loose, and find every job as if there had been none."""
    stage.prepare()
    struck = play.let_loose(stage, play.choices(stage, deployment), count, say=print)
    stage.finish()
    verdict = stage.judge()
    assert verdict.complaints == []
    assert struck.total() == count
    assert verdict.jobs > 0


def test_no_job_is_lost_or_done_twice_on_the_embedded_default() -> None:
    with play.embedded(random.Random(5), steps=100) as stage:
        survive(stage, "embedded", 6)


@pytest.mark.services
@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
def test_no_job_is_lost_or_done_twice_with_real_servers(broker: Any) -> None:
    if not has_servers():
        pytest.skip("PostgreSQL, Redis or rclone is not on this machine")
    if broker == "rabbitmq" and find_rabbitmq() is None:
        pytest.skip("RabbitMQ is not on this machine")
    with play.deployed(random.Random(6), broker=broker, steps=100) as stage:
        survive(stage, broker, 6)
