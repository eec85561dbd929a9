"""Limits on the classes and pictures of an adaptation request."""

from collections import Counter
from collections.abc import Sequence

from contract.limits import MAX_CLASS_NAME, MAX_QUERIES, MAX_SHOT, MAX_WAY, MIN_WAY


class InvalidRequest(ValueError):
    """A request is invalid. `field` names the invalid field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check_request(labels: Sequence[str], n_queries: int) -> tuple[str, ...]:
    """Return the distinct `labels` of the support pictures, in order. Raise InvalidRequest."""
    names = [label.strip() for label in labels]
    if not all(0 < len(name) <= MAX_CLASS_NAME for name in names):
        raise InvalidRequest(
            "support", f"Every class needs a name of 1 to {MAX_CLASS_NAME} characters."
        )
    counts = Counter(names)
    if not MIN_WAY <= len(counts) <= MAX_WAY:
        raise InvalidRequest(
            "support",
            f"Name {MIN_WAY} to {MAX_WAY} classes with pictures; there are {len(counts)}.",
        )
    for name, count in counts.items():
        if count > MAX_SHOT:
            raise InvalidRequest(
                "support", f"“{name}” has {count} pictures; give at most {MAX_SHOT} to a class."
            )
    if n_queries > MAX_QUERIES:
        raise InvalidRequest("query", f"Ask about at most {MAX_QUERIES} pictures at a time.")
    return tuple(counts)
