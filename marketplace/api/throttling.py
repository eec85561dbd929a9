"""Rate limits of the API, per person, or per address without one."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from marketplace.core.addresses import client_address, counted_by
from marketplace.core.rate_limits import Policy, Usage, take

if TYPE_CHECKING:
    from rest_framework.views import APIView

_NOTED = "freehold.rate_limit"


class RequestsThrottle(BaseThrottle):
    """Counts every call. Response headers say how many are left."""

    usage: Usage | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        self.usage = _count(request)
        return self.usage is None or self.usage.allowed

    def wait(self) -> float | None:
        return self.usage.reset_s if self.usage else None


class ReportsThrottle(RequestsThrottle):
    """A low limit per address for reports of leaked tokens, which need no account."""

    policy = Policy("reports", quota=30, window_s=60)

    def allow_request(self, request: Request, view: "APIView") -> bool:
        self.usage = take(self.policy, address_of(request))
        note(request, self.usage)
        return self.usage.allowed


def count_refused(request: Request) -> Throttled | None:
    """Count a call that was refused before the throttles ran. Return Throttled if over the limit.

    The framework runs throttles last, so a client without a token or scope would not be counted.
    """
    if _NOTED in _plain(request).META:
        return None
    usage = _count(request)
    return None if usage is None or usage.allowed else Throttled(wait=usage.reset_s)


def _count(request: Request) -> Usage | None:
    quota = settings.API_REQUESTS_PER_MINUTE
    if not quota:
        return None
    usage = take(Policy("requests", quota, window_s=60), who(request))
    note(request, usage)
    return usage


def who(request: Request) -> str:
    """Return the key under which the calls of a person or address are counted."""
    user = request.user
    return f"person-{user.pk}" if user.is_authenticated else address_of(request)


def address_of(request: Request) -> str:
    """Return the address as a key to count by."""
    address = client_address(_plain(request))
    return f"address-{counted_by(address) if address else 'unknown'}"


def _plain(request: Request) -> HttpRequest:
    return request._request


def note(request: Request, usage: Usage) -> None:
    """Store the usage for `RateLimitMiddleware`."""
    _plain(request).META[_NOTED] = usage
