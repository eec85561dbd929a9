"""Uploads in pieces over real sockets that break, ten times each."""

import hashlib
import http.client
import json
import os
import socket
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django.live_server_helper import LiveServer

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.accounts.services import token_create
from marketplace.checkpoints.models import Checkpoint
from marketplace.uploads.models import Upload
from tests.marketplace.api.tus import PIECE, SAID


class TusClient:
    """As simple as a client can be; it breaks its connections on purpose."""

    def __init__(self, server: str, token: str) -> None:
        self.place = urlsplit(server)
        self.headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str | Iterable[bytes] | None = None,
        **headers: Any,
    ) -> tuple[int, Any]:
        """Status and headers of an answer."""
        connection = http.client.HTTPConnection(self.place.netloc, timeout=60)
        connection.request(method, path, body, {**self.headers, **headers})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.headers

    def begin(self, length: int) -> str:
        """Where the pieces go."""
        said = {"Content-Type": "application/json", "Upload-Length": str(length)}
        status, headers = self.ask("POST", "/api/v1/uploads/", json.dumps(SAID), **said)
        assert status == 201
        return urlsplit(headers["Location"]).path

    def offset(self, path: str) -> int:
        """How far the server is."""
        status, headers = self.ask("HEAD", path)
        assert status == 200
        return int(headers["Upload-Offset"])

    def send_and_break(self, path: str, offset: int, length: int, pieces: Iterable[bytes]) -> None:
        """Announce all of the rest, send some of it, and hang up without a word."""
        connection = http.client.HTTPConnection(self.place.netloc, timeout=60)
        connection.putrequest("PATCH", path)
        said = {"Content-Type": PIECE, "Upload-Offset": offset, "Content-Length": length - offset}
        for name, value in {**self.headers, **said}.items():
            connection.putheader(name, str(value))
        connection.endheaders()
        for piece in pieces:
            connection.send(piece)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    def go_on(self, path: str, piece: bytes) -> int:
        """Send the last piece, once the server has noticed that the other connection broke."""
        for _ in range(100):
            at = self.offset(path)
            headers = {"Content-Type": PIECE, "Upload-Offset": str(at)}
            status, _ = self.ask("PATCH", path, piece[at:], **headers)
            if status not in {409, 423}:
                return status
            time.sleep(0.3)
        raise AssertionError("the server never let go of the broken connection")


@pytest.mark.django_db(transaction=True)
def test_ten_broken_connections_lose_nothing_that_was_counted(
    alice: User, live_server: LiveServer
) -> None:
    client = TusClient(live_server.url, token_create(user=alice, name="test")[1])
    content = os.urandom(2_000_000)
    path = client.begin(len(content))
    seen = [0]
    for _ in range(10):
        at = client.offset(path)
        client.send_and_break(path, at, len(content), [content[at : at + 150_000]])
        for _ in range(200):
            if not Upload.objects.get().lease:
                break
            time.sleep(0.02)
        seen.append(client.offset(path))
    assert seen == sorted(seen) and seen[-1] > 0
    assert client.go_on(path, content) == 204
    with storage.local_copy(storage.incoming_key(Checkpoint.objects.get().pk)) as file:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
    assert found == hashlib.sha256(content).hexdigest()
