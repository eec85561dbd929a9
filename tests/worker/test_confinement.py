"""What a machine lacks is told once a worker starts, and stays beside its pulse."""

import os
import subprocess
import sys

from marketplace.core.models import WorkerPulse
from worker.clock import show_pulse
from worker.confinement import missing_confinement, show_confinement


def test_what_is_missing_is_found_out_without_confining_this_process():
    before = os.getpid()
    missing = missing_confinement()
    assert set(missing) <= {"Landlock", "seccomp"}
    assert os.getpid() == before
    # A confined process could start no other one.
    assert subprocess.run([sys.executable, "-c", ""], check=False).returncode == 0


def test_what_is_missing_stands_beside_the_pulse_and_outlives_the_next_one(db, monkeypatch):
    monkeypatch.setattr("worker.confinement.missing_confinement", lambda: ["Landlock", "seccomp"])
    show_confinement()
    show_pulse("quick")
    (pulse,) = WorkerPulse.objects.all()
    assert (pulse.queue, pulse.unconfined) == ("quick", "Landlock and seccomp")
    monkeypatch.setattr("worker.confinement.missing_confinement", list)
    show_confinement()
    assert WorkerPulse.objects.get().unconfined == ""
