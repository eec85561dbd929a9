"""What a machine lacks is found out without confining the process that asks."""

import os
import subprocess
import sys

from tests.worker.sandbox.calling import call
from worker.sandbox.client import Sandbox
from worker.sandbox.confinement import missing_confinement


def test_what_is_missing_is_found_out_without_confining_this_process() -> None:
    before = os.getpid()
    missing = missing_confinement()
    assert set(missing) <= {"Landlock", "seccomp"}
    assert os.getpid() == before
    # A confined process could start no other one.
    assert subprocess.run([sys.executable, "-c", ""], check=False).returncode == 0


def test_a_child_has_no_capabilities_even_as_root(sandbox: Sandbox) -> None:
    held = call(sandbox, "capabilities").answer
    assert set(held) == {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}
    if os.geteuid() != 0:
        del held["CapBnd"]  # only a process with CAP_SETPCAP can lower it
    assert {int(value, 16) for value in held.values()} == {0}
