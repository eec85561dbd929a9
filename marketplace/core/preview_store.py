"""Preview grids: recovered images that may be shown. They are kept in RAM, never on disk.

With `PREVIEW_URL=redis://…` they are in that Redis, unless it writes to a disk. With `http://…`
they are in the memory of the process that runs web and workers together: it serves `MemoryStore` on
the loopback interface with a bearer secret. Without a URL there are no previews.
"""

import hmac
import logging
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

import redis
from django.conf import settings

from marketplace.core.whole_numbers import whole_number

log = logging.getLogger(__name__)

MAX_PREVIEW_BYTES = 2 * 2**20
MAX_PREVIEWS = 64
_TIMEOUT_S = 2.0

STORE_ERRORS = (OSError, redis.RedisError)
"""Raised by the functions below if the store is unavailable. No run or page fails for it."""


class WritesToDisk(redis.RedisError):
    """The Redis for previews keeps its data on a disk, or does not say whether it does."""


def preview_put(job_id: str, png: bytes) -> None:
    """Set the job's grid. Does nothing if previews are not configured.

    Raise WritesToDisk for a Redis with persistence: recovered images never reach a disk.
    """
    if settings.PREVIEW_URL.startswith("redis"):
        client = redis.Redis.from_url(settings.PREVIEW_URL, socket_timeout=_TIMEOUT_S)
        _check_memory_only(client)
        client.set(f"preview:{job_id}", png, ex=settings.PREVIEW_TTL_S)
    elif settings.PREVIEW_URL:
        _call("PUT", job_id, png)


def preview_get(job_id: str) -> bytes | None:
    if settings.PREVIEW_URL.startswith("redis"):
        client = redis.Redis.from_url(settings.PREVIEW_URL, socket_timeout=_TIMEOUT_S)
        return client.get(f"preview:{job_id}")  # type: ignore[return-value]
    return _call("GET", job_id) if settings.PREVIEW_URL else None


def preview_or_none(job_id: str) -> bytes | None:
    """Return the grid for a page, which is shown without it if the store is unavailable."""
    try:
        return preview_get(job_id)
    except STORE_ERRORS:
        log.warning("the preview store does not answer")
        return None


def preview_delete(job_id: str) -> None:
    if settings.PREVIEW_URL.startswith("redis"):
        redis.Redis.from_url(settings.PREVIEW_URL, socket_timeout=_TIMEOUT_S).delete(
            f"preview:{job_id}"
        )
    elif settings.PREVIEW_URL:
        _call("DELETE", job_id)


def preview_problem() -> str:
    """Return why the store takes no previews, in one sentence, or an empty string."""
    if not settings.PREVIEW_URL.startswith("redis"):
        return ""
    try:
        _check_memory_only(redis.Redis.from_url(settings.PREVIEW_URL, socket_timeout=_TIMEOUT_S))
    except STORE_ERRORS as error:
        return (
            str(error) if isinstance(error, WritesToDisk) else "the preview store does not answer"
        )
    return ""


def _check_memory_only(client: redis.Redis) -> None:
    try:
        found = {**client.config_get("save"), **client.config_get("appendonly")}
    except redis.ResponseError as error:
        raise WritesToDisk(
            "the preview store does not say whether it writes to a disk; allow CONFIG GET"
        ) from error
    if found.get("save") or found.get("appendonly") != "no":
        raise WritesToDisk(
            'the preview store writes to a disk; start its Redis with --save "" --appendonly no'
        )


def preview_secret() -> str:
    """Return a secret shared by one instance's web and worker processes."""
    return hmac.new(settings.SECRET_KEY.encode(), b"previews", "sha256").hexdigest()


def _call(method: str, job_id: str, body: bytes | None = None) -> bytes | None:
    request = urllib.request.Request(  # noqa: S310 - the operator's own URL
        f"{settings.PREVIEW_URL}/{job_id}",
        data=body,
        method=method,
        headers={"Authorization": f"Bearer {preview_secret()}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
            answer: bytes = response.read()
            return answer
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            return None
        raise


class MemoryStore:
    """A bounded dictionary of grids that expire."""

    def __init__(self, ttl_s: float) -> None:
        self._ttl_s = ttl_s
        self._grids: dict[str, tuple[float, bytes]] = {}
        self._lock = Lock()

    def put(self, key: str, png: bytes) -> None:
        """Store the grid. Drops the oldest ones if there are too many."""
        with self._lock:
            self._grids.pop(key, None)
            self._grids[key] = (time.monotonic() + self._ttl_s, png)
            while len(self._grids) > MAX_PREVIEWS:
                del self._grids[next(iter(self._grids))]

    def get(self, key: str) -> bytes | None:
        with self._lock:
            until, png = self._grids.get(key, (0.0, b""))
            if until < time.monotonic():
                self._grids.pop(key, None)
                return None
            return png

    def forget(self, key: str) -> None:
        with self._lock:
            self._grids.pop(key, None)


class _Handler(BaseHTTPRequestHandler):
    """GET, PUT and DELETE of one grid each, protected by the secret."""

    store: MemoryStore
    secret: str

    def do_GET(self) -> None:
        if self._allowed():
            png = self.store.get(self.path)
            self._answer(HTTPStatus.OK if png else HTTPStatus.NOT_FOUND, png or b"")

    def do_PUT(self) -> None:
        if not self._allowed():
            return
        length = whole_number(self.headers.get("Content-Length", "")) or 0
        if not 0 < length <= MAX_PREVIEW_BYTES:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        self.store.put(self.path, self.rfile.read(length))
        self._answer(HTTPStatus.NO_CONTENT)

    def do_DELETE(self) -> None:
        if self._allowed():
            self.store.forget(self.path)
            self._answer(HTTPStatus.NO_CONTENT)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Do nothing: previews are not logged."""

    def _allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {self.secret}".encode()):
            return True
        self._answer(HTTPStatus.FORBIDDEN)
        return False

    def _answer(self, status: HTTPStatus, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve_previews(ttl_s: float) -> ThreadingHTTPServer:
    """Return a server on a free loopback port. The caller runs `serve_forever` in a thread."""
    own = {"store": MemoryStore(ttl_s), "secret": preview_secret()}
    return ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), own))
