"""What goes away by itself is waited for; what does not is not."""

from typing import Any

import pytest
import torch
from botocore.exceptions import ClientError, EndpointConnectionError
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError

from worker import retry, shutdown
from worker.retry import is_out_of_memory, is_transient, retry_transient


def answer_of_s3(status: int) -> Any:
    return ClientError({"ResponseMetadata": {"HTTPStatusCode": status}, "Error": {}}, "PutObject")


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("the database system is starting up"),
        InterfaceError("connection already closed"),
        DatabaseError("error with status PGRES_TUPLES_OK and no message from the libpq"),
        OSError(28, "No space left on device"),
        ConnectionRefusedError(),
        EndpointConnectionError(endpoint_url="http://store"),
        answer_of_s3(500),
        answer_of_s3(503),
        answer_of_s3(429),
    ],
    ids=repr,
)
def test_what_goes_away_by_itself(error: OSError) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        IntegrityError("once"),
        FileNotFoundError("gone for good"),
        answer_of_s3(403),
        ValueError("a bug"),
    ],
    ids=repr,
)
def test_what_does_not(error: ValueError) -> None:
    assert not is_transient(error)


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """One second to each pause, none of them real."""
    now = [0.0]
    monkeypatch.setattr(retry.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(retry.time, "sleep", lambda s: now.__setitem__(0, now[0] + s))
    return now


def broken() -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.django_db(transaction=True)
def test_the_time_to_wait_ends(no_time_passes: list[float]) -> None:
    with pytest.raises(OSError, match="No space"):
        retry_transient(broken, timeout_s=5)()
    assert 5 <= no_time_passes[0] < 8


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_to_stop_waits_no_longer(
    no_time_passes: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "requested", lambda: True)
    with pytest.raises(OSError, match="No space"):
        retry_transient(broken)()
    assert no_time_passes[0] == 0


def test_a_bug_is_not_tried_again() -> None:
    calls = []

    def bug() -> None:
        calls.append(1)
        raise ValueError

    with pytest.raises(ValueError):
        retry_transient(bug)()
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
    ids=repr,
)
def test_torch_says_in_several_ways_that_there_is_no_memory(
    error: RuntimeError | ValueError, is_memory: bool
) -> None:
    assert is_out_of_memory(error) is is_memory
