"""A key pair for each session, so that no file and no database log can give an answer away.

The worker seals the answer for the public key in the session's row. The private key is only in the
memory of the web process that waits; when that is gone, so is every way to read the answer.
"""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from django.conf import settings

from marketplace.core.secrets import Undecryptable, seal, unseal

_PUBLIC_BYTES = 32


class AnswerKey:
    """One session's key pair (X25519)."""

    def __init__(self) -> None:
        self._private = X25519PrivateKey.generate()

    @property
    def public(self) -> bytes:
        return self._private.public_key().public_bytes_raw()

    def unseal(self, sealed: bytes, *, purpose: str) -> bytes:
        """Decrypt the result of `seal_answer` for this key. Raise Undecryptable if that fails."""
        try:
            sender = X25519PublicKey.from_public_bytes(sealed[:_PUBLIC_BYTES])
            shared = self._private.exchange(sender)
        except ValueError as error:
            raise Undecryptable(f"cannot be decrypted for {purpose}") from error
        return unseal(sealed[_PUBLIC_BYTES:], secret=_secret(shared), purpose=purpose)


def seal_answer(answer: bytes, *, public: bytes, purpose: str) -> bytes:
    """Encrypt for the holder of the private key; the sender's own key is forgotten at once."""
    sender = X25519PrivateKey.generate()
    shared = sender.exchange(X25519PublicKey.from_public_bytes(public))
    own = sender.public_key().public_bytes_raw()
    return own + seal(answer, secret=_secret(shared), purpose=purpose)


def _secret(shared: bytes) -> str:
    # With the instance's key, so that a row that was tampered with cannot become an answer.
    return settings.SECRET_KEY + shared.hex()
