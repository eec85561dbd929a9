"""A proxy in front of an S3 server that answers 500 in its place, as often as it is told."""

import random
import threading
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_OWN = {"transfer-encoding", "connection", "content-length", "date", "server"}


class FaultyProxy:
    """Listens on a port of its own while the block lasts."""

    def __init__(self, target_port: int, *, seed: int = 0) -> None:
        self.rate = 0.0
        self.faults = 0
        self.requests = 0
        self._dice, self._lock = random.Random(seed), threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy, self._server.target_port = self, target_port
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> "FaultyProxy":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fails_now(self) -> bool:
        """Throw the dice for one request."""
        with self._lock:
            self.requests += 1
            fails = self._dice.random() < self.rate
            self.faults += fails
        return fails


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: FaultyProxy
    target_port: int


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _pass_on(self) -> None:
        body = _body_of(self)
        if self.server.proxy.fails_now():
            self._answer(500, [], b"<Error><Code>InternalError</Code></Error>")
            return
        try:
            upstream = HTTPConnection("127.0.0.1", self.server.target_port, timeout=30)
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            content = answer.read()
            upstream.close()
        except (OSError, HTTPException):
            self._answer(503, [], b"<Error><Code>SlowDown</Code></Error>")
            return
        self._answer(answer.status, answer.getheaders(), content)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        length = str(len(body))
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            if name.lower() not in _OWN:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """The harness has a log of its own."""


def _body_of(request: BaseHTTPRequestHandler) -> bytes:
    if "100-continue" in request.headers.get("Expect", ""):
        request.send_response_only(100)
        request.end_headers()
        del request.headers["Expect"]
    return request.rfile.read(int(request.headers.get("Content-Length") or 0))
