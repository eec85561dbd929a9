"""Headers of static files, which the policy for pages does not reach."""

from collections.abc import MutableMapping
from typing import Final

WORKER: Final = "/js/device/worker."
# The worker that sees the pictures: it may compile the runtime, and make no request.
WORKER_POLICY: Final = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'"


def add_headers(headers: MutableMapping[str, str], path: str, url: str) -> None:
    """WhiteNoise calls it once for every file; `path` is the file, `url` where it is served."""
    del path
    if WORKER in url:
        headers["Content-Security-Policy"] = WORKER_POLICY
