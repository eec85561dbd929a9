"""Real instances, one for each deployment."""

import uuid
from collections.abc import Iterator

import pytest

from tests.journeys.instance import Instance
from tests.tools import has_servers, servers


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """SQLite, local files, the embedded broker."""
    with Instance(tmp_path_factory.mktemp("embedded")) as instance:
        instance.sign_up("alice")
        yield instance


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """PostgreSQL, Redis and an S3 store, all real."""
    if not has_servers():
        pytest.skip("PostgreSQL, Redis or rclone is not on this machine")
    with servers() as environment:
        environment["FREEHOLD_SECRET_KEY"] = uuid.uuid4().hex * 2
        with Instance(tmp_path_factory.mktemp("deployed"), environment) as instance:
            instance.sign_up("alice")
            yield instance


@pytest.fixture(
    params=["embedded", pytest.param("deployed", marks=[pytest.mark.services, pytest.mark.long])]
)
def instance(request: pytest.FixtureRequest) -> Instance:
    """Every deployment in turn."""
    return request.getfixturevalue(request.param)


TINY = {
    "warm_up_steps": 2,
    "outer_steps": 4,
    "replay_steps": 2,
    "teachers_per_step": 2,
    "n_way": 3,
    "images_per_class": 4,
    "agreement_every": 0,
    "generator_width": 16,
    "generator_steps": 2,
    "learner_width": 8,
    "replay_batches": 1,
    "replay_episodes": 2,
    "k_shot": 1,
    "n_query": 2,
    "precision": "fp32",
}
"""FREE's real steps, few and small."""
