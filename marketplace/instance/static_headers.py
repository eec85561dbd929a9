"""Headers for static files, which have no policy from the pages."""

from collections.abc import MutableMapping
from typing import Final

WORKER: Final = "/js/device/worker."
# The worker that sees the pictures may compile the runtime, but not make any request.
WORKER_POLICY: Final = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'"


def add_headers(headers: MutableMapping[str, str], path: str, url: str) -> None:
    """Add the headers of one file. WhiteNoise calls this for every file with its path and URL."""
    del path
    if WORKER in url:
        headers["Content-Security-Policy"] = WORKER_POLICY
