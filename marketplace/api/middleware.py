"""Rate limit headers (draft-ietf-httpapi-ratelimit-headers)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from marketplace.core.rate_limits import Usage


class RateLimitMiddleware:
    """Adds `RateLimit` and `RateLimit-Policy` to the response to every counted request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        usage = request.META.get("freehold.rate_limit")
        if isinstance(usage, Usage):
            response["RateLimit"] = usage.header()
            response["RateLimit-Policy"] = usage.policy.header()
        return response
