from collections.abc import Iterator

from marketplace.accounts.models import User
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.core.errors import TooMany
from marketplace.core.rate_limits import Policy, take
from marketplace.leaving.export import export_chunks

EXPORTS = Policy("exports", quota=5, window_s=3600)


def account_export(*, user: User) -> Iterator[bytes]:
    """Return the zip of everything that is theirs, in chunks. Raise TooMany after five an hour.

    The caller has made sure that it is the person who asks, not someone at their keyboard.
    """
    usage = take(EXPORTS, f"person-{user.pk}")
    if not usage.allowed:
        raise TooMany(
            f"You have downloaded your data {EXPORTS.quota} times within the hour; "
            "try again later.",
            retry_after_s=usage.reset_s,
        )
    record(Act.ACCOUNT_EXPORTED, by=user, row=user)
    return export_chunks(user)
