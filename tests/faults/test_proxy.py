"""The proxy fails as often as it is told, and passes everything else on unchanged."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests

from tests.faults.proxy import FaultyProxy


class Echo(BaseHTTPRequestHandler):
    """Answers with what was sent."""

    def do_PUT(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("ETag", self.headers["X-Tag"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silence."""


@pytest.fixture
def proxy() -> Iterator[FaultyProxy]:
    server = HTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with FaultyProxy(server.server_address[1], seed=3) as proxy:
        yield proxy
    server.shutdown()
    server.server_close()


def put(proxy: FaultyProxy) -> requests.Response:
    url = f"http://127.0.0.1:{proxy.port}/key?a=b"
    return requests.put(url, data=b"content", headers={"X-Tag": "tag"}, timeout=10)


def test_what_is_passed_on_comes_back_as_it_went(proxy: FaultyProxy) -> None:
    answer = put(proxy)
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (201, b"content", "tag")


def test_one_request_in_five_fails(proxy: FaultyProxy) -> None:
    proxy.rate = 0.2
    statuses = [put(proxy).status_code for _ in range(100)]
    assert set(statuses) == {201, 500}
    assert 10 <= statuses.count(500) == proxy.faults <= 30
