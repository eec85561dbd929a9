"""The instance's secret key, readable by its user only, and encryption with derived keys."""

import os
import secrets
import time
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_READ_TRIES, _READ_PAUSE_S = 200, 0.01


class Undecryptable(Exception):
    """The bytes were not sealed by this instance for this purpose, or have been changed."""


def read_or_make_secret_key(path: Path) -> str:
    """Return the secret key in the file. Of several processes starting at once, one creates it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_secret_key(path)
    key = secrets.token_urlsafe(64)
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    return key


def _read_secret_key(path: Path) -> str:
    for _ in range(_READ_TRIES):
        if key := path.read_text().strip():
            return key
        # The process that created the file has not written it yet.
        time.sleep(_READ_PAUSE_S)
    raise RuntimeError(f"{path} is empty; delete it to create a new secret key.")


def seal(data: bytes, *, secret: str, purpose: str) -> bytes:
    """Encrypt and authenticate with AES-256-GCM under a key derived for this purpose."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_derive(secret, purpose)).encrypt(nonce, data, purpose.encode())


def unseal(sealed: bytes, *, secret: str, purpose: str) -> bytes:
    """Decrypt the result of `seal`. Raise Undecryptable if that fails."""
    cipher = AESGCM(_derive(secret, purpose))
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise Undecryptable(f"cannot be decrypted for {purpose}") from error


def _derive(secret: str, purpose: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())
