"""Errors that are shown to users: one sentence that says what is wrong and how to fix it."""


class DomainError(Exception):
    """A request that cannot be carried out. `fields` maps field names to error messages.

    `retry_after_s` says when the request can be repeated, if known.
    """

    status = 400
    title = "This cannot be done as asked"

    def __init__(
        self, message: str, *, fields: dict[str, str] | None = None, retry_after_s: int = 0
    ) -> None:
        super().__init__(message)
        self.fields = fields or {}
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_s)} if self.retry_after_s else {}


class Forbidden(DomainError):
    """The user may see it, but not do this with it."""

    status = 403
    title = "You may not do that"


class Conflict(DomainError):
    """The request is valid, but the object's state does not allow it."""

    status = 409
    title = "Not possible in the present state"


class TooLarge(DomainError):
    """The request has more bytes than allowed."""

    status = 413
    title = "Too large"


class TooMany(DomainError):
    """The user has too many requests at once."""

    status = 429
    title = "Too many at once"


class Busy(DomainError):
    """No worker answered in time, or too many requests are waiting."""

    status = 503
    title = "No worker is free"


class InsufficientStorage(DomainError):
    """The disk or the user's quota is full."""

    status = 507
    title = "No room left"
