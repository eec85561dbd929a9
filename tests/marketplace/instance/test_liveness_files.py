"""A file that a worker of this machine touches while it lives."""

import os
import time
from pathlib import Path

import pytest

from marketplace.instance.liveness_files import sign_age_s, touch_sign


def age_of(queue: str) -> float:
    """The age of the sign, which is there."""
    age = sign_age_s(queue)
    assert age is not None
    return age


def test_a_sign_has_an_age_and_touching_makes_it_young(own_files: Path) -> None:
    assert sign_age_s("gpu") is None
    touch_sign("gpu")
    (sign,) = (own_files / "alive").iterdir()
    os.utime(sign, (time.time() - 300,) * 2)
    assert 299 < age_of("gpu") < 310
    touch_sign("gpu")
    assert age_of("gpu") < 10


def test_each_queue_and_each_machine_has_its_own_sign(
    own_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch_sign("gpu")
    assert sign_age_s("quick") is None
    monkeypatch.setattr("socket.gethostname", lambda: "another-pod")
    assert sign_age_s("gpu") is None
