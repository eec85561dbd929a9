"""Rate limits: counts in fixed windows, exact across all processes.

The cache's `incr` and `add` are atomic, both in Redis and in the embedded cache. Around the border
of two windows up to twice the quota is allowed, within one never more than the quota.
"""

import logging
import math
import sqlite3
import time
from dataclasses import dataclass

from django.core.cache import cache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Policy:
    """At most `quota` times in `window_s` seconds. A quota of 0 means no limit."""

    name: str
    quota: int
    window_s: int

    def header(self) -> str:
        """Return the value for `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers)."""
        return f'"{self.name}";q={self.quota};w={self.window_s}'


@dataclass(frozen=True)
class Usage:
    policy: Policy
    allowed: bool
    remaining: int
    reset_s: int

    def header(self) -> str:
        """Return the value for `RateLimit`."""
        return f'"{self.policy.name}";r={self.remaining};t={self.reset_s}'


def take(policy: Policy, who: str) -> Usage:
    """Count a request of `who`. Return its usage, which tells whether it is within the quota."""
    now = time.time()
    window = int(now // policy.window_s)
    reset_s = max(1, math.ceil((window + 1) * policy.window_s - now))
    count = _count(f"rate:{policy.name}:{who}:{window}", 2 * policy.window_s)
    remaining = max(0, policy.quota - count)
    return Usage(policy, policy.quota == 0 or count <= policy.quota, remaining, reset_s)


def _count(key: str, timeout: int) -> int:
    try:
        return _incr(key, timeout)
    except (RedisError, sqlite3.Error, OSError):
        # The site must work without its cache, which is back before anyone can guess a password.
        log.warning("the cache does not answer, so nothing is counted", exc_info=True)
        return 0


def _incr(key: str, timeout: int) -> int:
    try:
        return cache.incr(key)
    except ValueError:
        if cache.add(key, 1, timeout):
            return 1
        # Another process has started the window meanwhile.
        return cache.incr(key)
