"""One file of the corpus."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hostile:
    """One file; `says` is a part of the sentence with which it must be refused."""

    group: str
    name: str
    data: bytes
    says: str = ""
