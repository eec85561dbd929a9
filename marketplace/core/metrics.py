"""Prometheus metrics of the web processes. Queues and jobs are counted from rows instead.

Each web process writes its own files in `settings.METRICS_DIR` (see `marketplace/wsgi.py`). The
process that answers `/metrics` adds them up.
"""

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "freehold_http_requests", "Requests by view, method and status.", ["view", "method", "status"]
)
REQUEST_SECONDS = Histogram(
    "freehold_http_request_seconds",
    "Time to the first byte of the response, by view.",
    ["view"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
)
UPLOADED_BYTES = Counter("freehold_uploaded_bytes", "Bytes of models received.", ["kind"])
ADAPTATIONS = Counter(
    "freehold_adaptations",
    "Adaptations and checks with pictures on the server, by outcome.",
    ["outcome"],
)
ADAPTATION_SECONDS = Histogram(
    "freehold_adaptation_seconds",
    "Time of an adaptation or check on the server, including the wait for a worker.",
    buckets=(0.1, 0.3, 1, 3, 10, 30, 60),
)
