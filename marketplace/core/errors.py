"""Errors whose text is shown to people: one sentence, what is wrong and how to fix it."""


class DomainError(Exception):
    """A request that cannot be done as asked. `fields` maps field names to sentences.

    `retry_after_s` says when the same request may be made again, where that is known.
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
        """What the answer says beside its text."""
        return {"Retry-After": str(self.retry_after_s)} if self.retry_after_s else {}


class Forbidden(DomainError):
    """One may see it, but not do that with it."""

    status = 403
    title = "You may not do that"


class Conflict(DomainError):
    """The request was fine, but the thing is no longer, or not yet, in the state it needs."""

    status = 409
    title = "Not possible in the present state"


class TooLarge(DomainError):
    """More bytes than allowed."""

    status = 413
    title = "Too large"


class TooMany(DomainError):
    """More of one person's at once than allowed."""

    status = 429
    title = "Too many at once"


class Busy(DomainError):
    """No worker answered in time, or too many wait for one."""

    status = 503
    title = "No worker is free"


class InsufficientStorage(DomainError):
    """The disk or the person's quota is full."""

    status = 507
    title = "No room left"
