"""A job learns from the operator's pictures where the worker has some, and says so."""

import pytest
from PIL import Image

from marketplace.learners.models import MetaLearner
from tests.worker.test_forecasts import chorus_job, log_of  # noqa: F401 - a fixture
from worker.pools import build_algorithm
from worker.runner import run_job


@pytest.fixture
def asking_job(chorus_job):  # noqa: F811
    chorus_job.settings |= {"own_pictures": True}
    chorus_job.save(update_fields=["settings"])
    return chorus_job


def ended(job):
    run_job(str(job.pk), build=build_algorithm)
    job.refresh_from_db()
    return job


def test_a_job_learns_from_them_and_its_log_and_card_have_their_number_alone(
    asking_job, settings, tmp_path
):
    folder = tmp_path / "secret place"
    folder.mkdir()
    for index in range(3):
        Image.new("RGB", (20, 20), (50 * index,) * 3).save(folder / f"holiday {index}.png")
    settings.WORKER_PICTURES = str(folder)
    assert ended(asking_job).state == "succeeded", asking_job.error
    learner = MetaLearner.objects.get()
    assert learner.config["made_by"]["operator_pictures"] == 3
    log = "\n".join(log_of(asking_job))
    assert "3 pictures of the operator's own folder" in log
    assert not any(word in log + learner.card for word in ("holiday", "secret place"))


def test_where_the_worker_has_no_folder_the_job_says_what_to_do(asking_job):
    assert ended(asking_job).state == "failed"
    assert "set own_pictures to false" in asking_job.error
    assert "FREEHOLD_WORKER_PICTURES" in asking_job.error


def test_an_empty_folder_is_told_without_its_path(asking_job, settings, tmp_path):
    settings.WORKER_PICTURES = str(tmp_path)
    assert ended(asking_job).state == "failed"
    assert "has none that can be read" in asking_job.error and str(tmp_path) not in asking_job.error
