"""How often the API may be called: counted for a person, or for an address without one."""

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
    """Every call counts. The answer's headers say how many are left."""

    usage: Usage | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Count this call."""
        self.usage = _count(request)
        return self.usage is None or self.usage.allowed

    def wait(self) -> float | None:
        """Seconds until the next call may come."""
        return self.usage.reset_s if self.usage else None


class ReportsThrottle(RequestsThrottle):
    """Reports of leaked tokens need no account, so an address may send few."""

    policy = Policy("reports", quota=30, window_s=60)

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Count this report."""
        self.usage = take(self.policy, address_of(request))
        note(request, self.usage)
        return self.usage.allowed


def count_refused(request: Request) -> Throttled | None:
    """Count a call that was refused before any throttle was asked; Throttled when it is too many.

    The framework asks them last: a client without a token, or without the scope, would never be
    counted.
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
    """Whose calls are counted together."""
    user = request.user
    return f"person-{user.pk}" if user.is_authenticated else address_of(request)


def address_of(request: Request) -> str:
    """The address, as a name to count by."""
    address = client_address(_plain(request))
    return f"address-{counted_by(address) if address else 'unknown'}"


def _plain(request: Request) -> HttpRequest:
    return request._request


def note(request: Request, usage: Usage) -> None:
    """For `RateLimitMiddleware`, which puts it onto whatever the answer becomes."""
    _plain(request).META[_NOTED] = usage
