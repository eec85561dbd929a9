"""What a web process counts as it goes, for Prometheus; queues and jobs are counted from rows.

The web runs in several processes. Each keeps its numbers in files of its own below
`settings.METRICS_DIR` (by `marketplace/wsgi.py`), and whichever answers `/metrics` adds them up.
"""

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "freehold_http_requests", "Requests by view, method and status.", ["view", "method", "status"]
)
REQUEST_SECONDS = Histogram(
    "freehold_http_request_seconds",
    "Time until the answer began, by view.",
    ["view"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
)
UPLOADED_BYTES = Counter("freehold_uploaded_bytes", "Bytes of models received.", ["kind"])
ADAPTATIONS = Counter(
    "freehold_adaptations",
    "Adaptations and checks with pictures on the server by their outcome.",
    ["outcome"],
)
ADAPTATION_SECONDS = Histogram(
    "freehold_adaptation_seconds",
    "Time of one adaptation or check on the server, waiting for a worker included.",
    buckets=(0.1, 0.3, 1, 3, 10, 30, 60),
)
