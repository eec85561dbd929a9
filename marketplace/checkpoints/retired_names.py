"""Names of deleted models that a job has used. Their owner does not give them again."""

import hashlib
import hmac

from django.conf import settings

from marketplace.accounts.models import User
from marketplace.checkpoints.models import RetiredName

TAKEN = (
    "You have deleted a model with this name that a job had used; choose another name, so that the "
    "two are not mistaken for each other."
)


def name_retire(*, owner: User, name: str) -> None:
    RetiredName.objects.get_or_create(owner=owner, digest=_digest(settings.SECRET_KEY, owner, name))


def name_is_retired(owner: User, name: str) -> bool:
    """Return whether the owner has deleted a model of this name, in any case of its letters."""
    former: list[str] = list(settings.SECRET_KEY_FALLBACKS)
    digests = [_digest(key, owner, name) for key in (settings.SECRET_KEY, *former)]
    return RetiredName.objects.filter(owner=owner, digest__in=digests).exists()


def _digest(key: str, owner: User, name: str) -> str:
    """Hash with the instance's key: the database alone does not let anyone try out names."""
    text = f"retired-name:{owner.pk}:{name.casefold()}"
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
