"""A sandbox with functions that misbehave."""

from collections.abc import Iterator

import pytest

from worker.sandbox.client import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(preload="tests.worker.sandbox.misbehaving:load")
    yield sandbox
    sandbox.close()
