"""The log for the operator: to read."""

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.audit.models import Record
from marketplace.audit.services import record
from marketplace.audit.states import Act


@pytest.fixture
def operator(client: Client, sam: User) -> Client:
    """Staff, signed in."""
    client.force_login(sam)
    return client


def test_nothing_is_added_changed_or_deleted(operator: Client, three: list[Record]) -> None:
    pk = [three[0].pk]
    for page in ("add", "delete"):
        address = reverse(f"admin:audit_record_{page}", args=pk if page == "delete" else [])
        assert operator.get(address).status_code == 403
    change = reverse("admin:audit_record_change", args=pk)
    assert operator.get(change).status_code == 200
    assert operator.post(change, {"person": "mallory"}).status_code == 403
    assert Record.objects.get(pk=three[0].pk).person == "alice"


def test_the_list_is_narrowed_down_to_an_act(
    operator: Client, three: list[Record], alice: User
) -> None:
    record(Act.TEAM_DELETED, by=alice)
    for act, count in (("team.made", 3), ("team.deleted", 1)):
        page = operator.get(reverse("admin:audit_record_changelist"), {"act": act})
        assert page.context["cl"].result_count == count
