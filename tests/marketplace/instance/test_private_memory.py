"""Pictures in a process's memory end in no core dump."""

import os
import resource
import subprocess
import sys

import pytest


def test_every_process_of_the_instance_writes_no_core_dump_and_lets_no_other_in() -> None:
    code = (
        "import resource, ctypes, django; django.setup();"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(0, 0) 0"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have the limit alone")
def test_a_program_that_it_starts_inherits_the_limit() -> None:
    # This process has the settings of the tests, which are the instance's.
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
    done = subprocess.run(["sh", "-c", "ulimit -c"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
