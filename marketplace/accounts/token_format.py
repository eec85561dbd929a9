"""What a token looks like: `fh_`, 40 random characters, and their CRC-32 in hexadecimal.

A scanner can so tell a leaked token from random text without asking us, and we can tell a
mistyped one without asking the database.
"""

import re
import secrets
import zlib

PREFIX = "fh_"
_SHAPE = re.compile(r"fh_([A-Za-z0-9_-]{40})([0-9a-f]{8})", re.ASCII)


def make_secret() -> str:
    """A new token."""
    body = secrets.token_urlsafe(30)
    return f"{PREFIX}{body}{_checksum(body)}"


def is_well_formed(secret: str) -> bool:
    """Whether it can be a token at all: shape and checksum are right."""
    match = _SHAPE.fullmatch(secret)
    return match is not None and match[2] == _checksum(match[1])


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
