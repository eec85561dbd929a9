from collections.abc import Iterator

from django.db import transaction

from marketplace.accounts.models import User
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.core.errors import Conflict, TooMany
from marketplace.core.rate_limits import Policy, take
from marketplace.leaving.closing import Closing
from marketplace.leaving.export import export_chunks
from marketplace.leaving.receipts import Receipt
from marketplace.leaving.selectors import closing_obstacles

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


def account_close(*, user: User) -> Receipt:
    """Delete the account with everything that others do not depend on. Return what was deleted.

    Raise Conflict if the person has to settle something first. Running jobs lose their row, so
    their workers stop with the next report and publish nothing.
    """
    closing = Closing(user)
    with transaction.atomic():
        if User.objects.select_for_update().filter(pk=user.pk).first() is None:
            raise Conflict("This account has just been closed.")
        if obstacles := closing_obstacles(user):
            raise Conflict(" ".join(obstacles))
        closing.run()
    closing.remove_files()
    return closing.receipt
