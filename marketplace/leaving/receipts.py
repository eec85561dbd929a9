"""What a person is told after their account is closed."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Kept:
    """Something that remains, and why."""

    what: str
    n: int | None
    why: str


@dataclass
class Receipt:
    account: int
    closed_at: datetime
    deleted: dict[str, int] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    def keep(self, what: str, n: int | None, why: str) -> None:
        """Add what remains, unless there is none of it."""
        if n != 0:
            self.kept.append(Kept(what, n, why))
