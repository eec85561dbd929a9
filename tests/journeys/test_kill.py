"""`kill -9` of a child or of a whole worker: the job goes on and ends with the same weights."""

import hashlib
import signal
import time

import psutil
import pytest

from tests.journeys.conftest import TINY
from tests.journeys.instance import Instance

pytestmark = pytest.mark.timeout(400)

LONG = {**TINY, "outer_steps": 150, "replay_steps": 0}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """Notices a dead worker within seconds, where the real one takes half a minute."""
    environment = {
        "FREEHOLD_LEASE_S": "4",
        "FREEHOLD_HEARTBEAT_S": "1",
        "FREEHOLD_SNAPSHOT_EVERY_S": "1",
        "FREEHOLD_MAX_LOST_ATTEMPTS": "10",
    }
    with Instance(tmp_path_factory.mktemp("impatient"), environment) as instance:
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
    def look():
        row = instance.call("GET", f"jobs/{job}/")
        assert row["state"] in ("queued", "running"), f"too fast to be killed: {row}"
        return row["steps_done"] if row["state"] == "running" and row["steps_done"] >= steps else 0

    return instance.wait(look, seconds=60, what=f"{steps} steps")


def test_a_killed_run_ends_with_the_weights_of_one_that_was_never_killed(impatient):
    undisturbed = weights_of(impatient, impatient.launch(impatient.checkpoints, LONG))
    job = impatient.launch(impatient.checkpoints, LONG)

    done = wait_for_steps(impatient, job, 20)
    time.sleep(1.5)  # so that there is a snapshot
    job_process(impatient, job).send_signal(signal.SIGKILL)
    done = wait_for_steps(impatient, job, done + 15)
    time.sleep(1.5)
    for process in impatient.processes("-Q gpu"):  # the whole worker
        process.send_signal(signal.SIGKILL)
    wait_for_steps(impatient, job, done + 5)

    assert weights_of(impatient, job) == undisturbed
    events = [event["text"] for event in impatient.call("GET", f"jobs/{job}/events/")["results"]]
    assert sum("Goes on after step" in text for text in events) >= 2, events


def test_a_stopped_instance_puts_the_job_back_and_goes_on_after_its_start(impatient):
    job = impatient.launch(impatient.checkpoints, LONG, seed=2)
    wait_for_steps(impatient, job, 10)
    impatient.stop()
    impatient.start()
    row = impatient.wait_for_job(job, ("succeeded",), seconds=240)
    assert row["steps_done"] == row["total_steps"]
    events = [event["text"] for event in impatient.call("GET", f"jobs/{job}/events/")["results"]]
    assert any("is being stopped" in text for text in events), events
