"""The embedded broker hands on every message once, whole, whoever writes and reads beside it."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kombu.connection import Connection
from kombu.entity import Exchange, Queue

from marketplace.instance import embedded_broker

QUEUE = Queue("quick", Exchange("quick"), routing_key="quick")


@pytest.fixture
def connect(tmp_path: Path) -> Callable[..., Any]:
    embedded_broker.register()
    # A process remembers what it has declared, and this one declares into many folders.
    embedded_broker.Transport.global_state.clear()
    (tmp_path / "messages").mkdir()
    options = {
        "data_folder_in": str(tmp_path / "messages"),
        "data_folder_out": str(tmp_path / "messages"),
        "control_folder": str(tmp_path / "control"),
        "polling_interval": 0.01,
    }
    return lambda: Connection("embedded://localhost", transport_options=options)


def put(connection: Connection, numbers: range) -> None:
    with connection.Producer() as producer:
        for number in numbers:
            producer.publish(
                {"number": number}, exchange=QUEUE.exchange, routing_key="quick", declare=[QUEUE]
            )


def take(connection: Connection, count: int) -> list[int]:
    channel = connection.default_channel
    bound = QUEUE(channel)
    bound.declare()
    taken: list[Any] = []
    until = time.monotonic() + 30
    while len(taken) < count and time.monotonic() < until:
        message = bound.get()
        if message is not None:
            taken.append(message.payload["number"])
            message.ack()
    return taken


def test_messages_survive_the_process_and_come_in_order(connect: Callable[..., Any]) -> None:
    with connect() as connection:
        put(connection, range(3))
    with connect() as connection:
        assert take(connection, 3) == [0, 1, 2]
        assert QUEUE(connection.default_channel).get() is None


def test_nobody_reads_half_a_message(connect: Callable[..., Any], tmp_path: Path) -> None:
    taken, errors = [], []

    def read() -> None:
        try:
            with connect() as connection:
                taken.extend(take(connection, 100))
        except (OSError, ValueError) as error:
            errors.append(error)

    # The threads share what this process believes to be declared, so it is declared before them.
    with connect() as connection:
        QUEUE(connection.default_channel).declare()
    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [
        threading.Thread(target=lambda part=part: put(connect(), range(part, part + 100)))
        for part in (0, 100)
    ]
    for thread in (*readers, *writers):
        thread.start()
    for thread in (*readers, *writers):
        thread.join(timeout=60)
    assert errors == []
    assert sorted(taken) == list(range(200))
    assert not list((tmp_path / "messages").iterdir())


def test_a_message_that_finds_no_room_leaves_nothing_behind(
    connect: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, text: str) -> None:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(embedded_broker.Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        embedded_broker._write_whole(tmp_path / "message", {"a": 1})
    assert not list(tmp_path.glob("*.part"))
