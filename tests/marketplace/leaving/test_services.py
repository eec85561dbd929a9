"""Exports are counted and in the audit log."""

import pytest

from marketplace.accounts.models import User
from marketplace.audit.models import Record
from marketplace.audit.states import Act
from marketplace.core.errors import TooMany
from marketplace.leaving.services import EXPORTS, account_export


def test_an_export_is_recorded_and_the_sixth_of_an_hour_is_refused(alice: User, bob: User) -> None:
    for _ in range(EXPORTS.quota):
        assert next(account_export(user=alice)).startswith(b"PK")
    with pytest.raises(TooMany, match="5 times within the hour") as refused:
        account_export(user=alice)
    assert refused.value.retry_after_s > 0
    assert Record.objects.filter(act=Act.ACCOUNT_EXPORTED).count() == EXPORTS.quota
    account_export(user=bob)
