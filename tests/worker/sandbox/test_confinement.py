"""What a machine lacks is found out without confining the process that asks."""

import os
import subprocess
import sys

from worker.sandbox.confinement import missing_confinement


def test_what_is_missing_is_found_out_without_confining_this_process() -> None:
    before = os.getpid()
    missing = missing_confinement()
    assert set(missing) <= {"Landlock", "seccomp"}
    assert os.getpid() == before
    # A confined process could start no other one.
    assert subprocess.run([sys.executable, "-c", ""], check=False).returncode == 0
