"""What other apps do with people is in the audit log; a team that goes takes nothing along."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from marketplace import settings as real_settings
from marketplace.accounts.models import Team, User
from marketplace.audit.models import Record
from marketplace.audit.selectors import records_as_lines
from tests.marketplace.accounts.signing_in import is_signed_in, sign_in
from tests.marketplace.audit.records import acts


def changes() -> int:
    """How many changes of an address are recorded."""
    return Record.objects.filter(act="person.email_changed").count()


def test_a_changed_address_is_recorded_without_the_address(
    client: Client, alice: User, address: str
) -> None:
    client.force_login(alice)
    profile = {"first_name": "A", "last_name": "B", "email": address}
    client.post(reverse("profile_save"), profile)
    assert changes() == 0
    client.post(reverse("profile_save"), {**profile, "email": "new@example.org"})
    assert changes() == 1
    client.post(reverse("account_email"), {"action_add": "", "email": "more@example.org"})
    assert changes() == 2
    assert not any("example.org" in str(row.details) for row in Record.objects.all())


def test_a_new_password_ends_the_other_sessions_and_is_recorded(
    client: Client, alice: User
) -> None:
    other = type(client)()
    for browser in (client, other):
        sign_in(browser)
    new = {"oldpassword": "pw", "password1": "gentle otter 42", "password2": "gentle otter 42"}
    client.post(reverse("account_change_password"), new)
    assert not is_signed_in(other)
    assert Record.objects.filter(act="person.password_changed", person="alice").exists()


def test_signing_up_is_recorded_and_the_password_is_hashed_with_argon2(
    client: Client, db: None, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = real_settings.PASSWORD_HASHERS
    new = {"username": "eve", "password1": "gentle otter 42", "password2": "gentle otter 42"}
    client.post(reverse("account_signup"), new)
    user = get_user_model().objects.get(username="eve")
    assert user.password.startswith("argon2$argon2id$")
    assert Record.objects.filter(act="person.sign_up", person="eve").exists()


def test_signing_out_without_having_signed_in_is_no_act(db: None) -> None:
    user_logged_out.send(sender=User, request=None, user=None)
    assert not Record.objects.exists()


def test_signing_in_out_and_failing_are_recorded(client: Client, alice: User) -> None:
    where = reverse("account_login")
    client.post(where, {"login": "alice", "password": "pw"})
    client.post(reverse("account_logout"))
    client.post(where, {"login": "alice", "password": "wrong"})
    client.post(where, {"login": "my secret password", "password": "alice"})
    kinds = ("person.sign_in", "person.sign_out", "person.sign_in_failed")
    assert [act for act in acts() if act in kinds] == [kinds[0], kinds[1], kinds[2], kinds[2]]
    tried = [row.details["tried"] for row in Record.objects.filter(act=kinds[2])]
    assert tried == ["an unknown name", "alice"]
    assert "my secret" not in json.dumps(list(records_as_lines()))


def test_what_staff_do_in_the_operator_pages_is_recorded_once(
    client: Client, alice: User, team: Team
) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    client.force_login(alice)
    before = Record.objects.count()
    client.post(reverse("admin:accounts_team_delete", args=[team.pk]), {"post": "yes"})
    entry = Record.objects.first()
    assert (Record.objects.count(), entry.act) == (before + 1, "admin.deleted")
    assert entry.details["of"] == "team"
    page = client.get(reverse("admin:audit_record_changelist"), {"act": "admin.deleted"})
    assert "Deleted a row in the operator pages" in page.content.decode()
    assert page.context["cl"].result_count == 1


def test_a_row_of_the_admins_own_log_that_is_saved_again_is_not_recorded_again(
    alice: User, team: Team
) -> None:
    kind = ContentType.objects.get_for_model(Team)
    entry = LogEntry.objects.create(
        user=alice, content_type=kind, object_id=str(team.pk), action_flag=CHANGE
    )
    LogEntry.objects.create(user=alice, action_flag=CHANGE)
    entry.save()
    assert acts() == ["admin.changed", "admin.changed"]
    assert [row.details["of"] for row in Record.objects.order_by("number")] == ["team", ""]


def test_what_was_shared_with_a_team_becomes_private_when_the_team_is_deleted(
    make_checkpoint: Callable[..., Any], make_pool: Callable[..., Any], shared: Any, team: Team
) -> None:
    rows = [make_checkpoint("birds", **shared.team), make_pool("pool", **shared.team)]
    public = make_checkpoint("owls", **shared.public)
    team.delete()
    for row in (*rows, public):
        row.refresh_from_db()
    assert [(row.visibility, row.team) for row in rows] == [("private", None)] * 2
    assert public.visibility == "public"
