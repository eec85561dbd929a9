"""Jobs as JSON."""

from typing import Any
from uuid import uuid4

import pytest

from marketplace.api.serializers.jobs import MAX_SETTINGS, JobLaunchSerializer, JobSerializer
from marketplace.jobs.models import Job
from marketplace.jobs.services import MAX_SEED
from marketplace.learners.models import MetaLearner

PK = str(uuid4())


def launch(**changes: Any) -> JobLaunchSerializer:
    return JobLaunchSerializer(data={"pool": PK, "algorithm": "free", **changes})


def test_a_job_names_its_learner_once_there_is_one(job: Job) -> None:
    shown = JobSerializer(job).data
    assert (shown["learner"], shown["algorithm_title"]) == (None, "FREE")
    assert not {"snapshot_secret", "idempotency_key"} & set(shown)


def test_a_job_that_succeeded_names_its_learner(learner: MetaLearner) -> None:
    assert JobSerializer(learner.job).data["learner"] == learner.pk


def test_settings_and_seed_may_be_left_out() -> None:
    shape = launch()
    assert shape.is_valid()
    assert (shape.validated_data["settings"], shape.validated_data["seed"]) == ({}, 0)


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 0.5, "9" * 5000])
def test_a_seed_that_cannot_be_is_answered_with_the_range(seed: Any) -> None:
    shape = launch(seed=seed)
    assert not shape.is_valid()
    assert shape.errors["seed"] == [f"Give a whole number from 0 to {MAX_SEED}."]


@pytest.mark.parametrize(
    "given",
    [{"schrittä": 1}, {"a\nb": 1}, {"x" * 61: 1}, {f"s{n}": 1 for n in range(MAX_SETTINGS + 1)}],
    ids=["letters", "lines", "length", "number"],
)
def test_names_of_settings_that_cannot_be_are_refused(given: dict[str, int]) -> None:
    shape = launch(settings=given)
    assert not shape.is_valid() and set(shape.errors) == {"settings"}
