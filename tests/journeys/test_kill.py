"""`kill -9` of a child or of a whole worker: the job goes on and ends with the same weights."""

import hashlib
import signal
from collections.abc import Iterator

import psutil
import pytest

from tests.journeys.conftest import TINY
from tests.journeys.instance import Instance

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

LONG = {**TINY, "outer_steps": 30, "replay_steps": 0}


class WithModels(Instance):
    """An instance that knows the models it was given."""

    checkpoints: list[str]


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithModels]:
    """Notices a dead worker within seconds and saves after every step, so that no test waits."""
    environment = {
        "FREEHOLD_LEASE_S": "6",
        "FREEHOLD_HEARTBEAT_S": "1",
        "FREEHOLD_SNAPSHOT_EVERY_S": "0",
        "FREEHOLD_CLOCK_EVERY_S": "1",
        "FREEHOLD_WAKE_AGAIN_S": "5",
        "FREEHOLD_MAX_RESTART_PAUSE_S": "1",
        "FREEHOLD_MAX_LOST_ATTEMPTS": "10",
    }
    with WithModels(tmp_path_factory.mktemp("impatient"), environment) as instance:
        instance.sign_up("alice")
        instance.checkpoints = instance.upload_demo_models(2)
        yield instance


def job_process(instance: Instance, job: str) -> psutil.Process:
    """The child that runs the job: the gpu worker's only one."""
    parents = instance.processes("-Q gpu")
    return max(parents, key=lambda process: process.create_time())


def weights_of(instance: Instance, job: str) -> str:
    learner = instance.wait_for_job(job, ("succeeded",), seconds=240)["learner"]
    data = instance.call("GET", f"learners/{learner}/files/model.safetensors")
    return hashlib.sha256(data).hexdigest()


def wait_for_steps(instance: Instance, job: str, steps: int) -> int:
    def look() -> int:
        row = instance.call("GET", f"jobs/{job}/")
        assert row["state"] in ("queued", "running"), f"too fast to be killed: {row}"
        return row["steps_done"] if row["state"] == "running" and row["steps_done"] >= steps else 0

    return instance.wait(look, seconds=90, what=f"{steps} steps")


@pytest.fixture(scope="module")
def undisturbed(impatient: WithModels) -> str:
    """The weights of a run that nothing disturbs."""
    return weights_of(impatient, impatient.launch(impatient.checkpoints, LONG))


def events_of(instance: Instance, job: str) -> list[str]:
    return [event["text"] for event in instance.call("GET", f"jobs/{job}/events/")["results"]]


def wait_until_it_goes_on(instance: Instance, job: str, times: int) -> int:
    """The step it has reached once another worker has taken it up for so many times."""

    def look() -> bool:
        return sum("Continues after step" in text for text in events_of(instance, job)) >= times

    instance.wait(look, seconds=90, what=f"the job to go on {times} times")
    return wait_for_steps(instance, job, 1)


def test_a_killed_run_ends_with_the_weights_of_one_that_was_never_killed(
    impatient: WithModels, undisturbed: str
) -> None:
    job = impatient.launch(impatient.checkpoints, LONG)
    wait_for_steps(impatient, job, 2)  # so that there is a snapshot
    job_process(impatient, job).send_signal(signal.SIGKILL)
    done = wait_until_it_goes_on(impatient, job, 1)
    wait_for_steps(impatient, job, done + 1)
    for process in impatient.processes("-Q gpu"):  # the whole worker
        process.send_signal(signal.SIGKILL)
    wait_until_it_goes_on(impatient, job, 2)
    assert weights_of(impatient, job) == undisturbed
    assert not any("Continues after step 0;" in text for text in events_of(impatient, job))


def test_a_stopped_instance_puts_the_job_back_and_goes_on_after_its_start(
    impatient: WithModels, undisturbed: str
) -> None:
    job = impatient.launch(impatient.checkpoints, LONG)
    wait_for_steps(impatient, job, 2)
    impatient.stop()
    impatient.start()
    assert weights_of(impatient, job) == undisturbed
    events = events_of(impatient, job)
    assert any("is shutting down" in text for text in events), events
