"""A request to stop reaches every child of a worker."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORK = """
import os, sys
import worker.app
from worker import shutdown

reader, writer = os.pipe()
child = os.fork()
if not child:
    # As Celery's: it is deaf at first, and prepares itself after the request.
    os.read(reader, 1)
    shutdown.remember_parent()
    os._exit(3 if shutdown.requested() else 4)
if {requested}:
    worker.app._shut_down_children()
os.write(writer, b".")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize(("requested", "status"), [(True, 3), (False, 4)])
def test_a_child_hears_a_request_that_came_before_it_could_listen(
    requested: bool, status: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK.format(requested=requested)],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
