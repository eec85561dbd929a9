"""Errors whose text is shown to people: one sentence, what is wrong and how to mend it."""


class DomainError(Exception):
    """A request that cannot be done as asked. `fields` maps field names to sentences."""

    status = 400
    title = "This cannot be done as asked"

    def __init__(self, message: str, *, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}


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


class Busy(DomainError):
    """No worker answered in time."""

    status = 503
    title = "No worker is free"


class InsufficientStorage(DomainError):
    """The disk or the person's quota is full."""

    status = 507
    title = "No room left"
