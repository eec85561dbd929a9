"""The pages from which people take their data, and close their account."""

import base64
import io
import json
import re
import zipfile
from typing import Any

from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import Membership, Role, Team, User
from marketplace.audit.models import Record
from marketplace.audit.states import Act

PAGE = reverse("account_export")
CLOSE = reverse("account_close")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def confirm(client: Client, **more: Any) -> Any:
    return client.post(reverse("account_reauthenticate"), {"password": "pw"}, **more)


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_the_settings_lead_to_it_and_it_says_what_one_gets(alice: User) -> None:
    client = signed_in(alice)
    assert PAGE in client.get(reverse("account_settings")).content.decode()
    assert "SHA-256" in client.get(PAGE).content.decode()


def test_the_password_is_asked_for_first_and_then_the_zip_comes(alice: User) -> None:
    client = signed_in(alice)
    asked: Any = client.post(PAGE)
    assert asked.status_code == 302 and asked.url.startswith(reverse("account_reauthenticate"))
    answer = client.post(asked.url, {"password": "pw", "next": PAGE})
    assert answer.headers["Content-Type"] == "application/zip"
    assert "no-store" in answer.headers["Cache-Control"]
    assert "alice" not in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(body_of(answer))) as archive:
        assert "account.json" in archive.namelist()


def test_a_password_that_was_just_confirmed_is_not_asked_for_again(alice: User) -> None:
    client = signed_in(alice)
    confirm(client)
    assert body_of(client.post(PAGE)).startswith(b"PK")


def test_too_many_are_refused_on_a_page(alice: User) -> None:
    client = signed_in(alice)
    confirm(client)
    for _ in range(5):
        client.post(PAGE)
    answer = client.post(PAGE)
    assert answer.status_code == 429 and "Retry-After" in answer.headers
    assert "within the hour" in answer.content.decode()


def test_the_page_counts_what_goes_and_the_settings_lead_to_it(alice: User) -> None:
    client = signed_in(alice)
    assert CLOSE in client.get(reverse("account_settings")).content.decode()
    page = client.get(CLOSE).content.decode()
    assert "<dt>Models</dt>" in page and "What stays" in page and 'name="password"' in page


def test_a_wrong_name_or_password_closes_nothing(alice: User) -> None:
    client = signed_in(alice)
    for said, told in (
        ({"username": "bob", "password": "pw"}, "not your user name"),
        ({"username": "alice", "password": "no"}, "not your password"),
        ({"username": "alice"}, "This field is required"),
    ):
        answer = client.post(CLOSE, said)
        assert answer.status_code == 422 and told in answer.content.decode()
    assert User.objects.filter(pk=alice.pk).exists()


def test_passwords_cannot_be_tried_out(alice: User) -> None:
    client = signed_in(alice)
    for _ in range(5):
        client.post(CLOSE, {"username": "alice", "password": "no"})
    answer = client.post(CLOSE, {"username": "alice", "password": "pw"})
    assert answer.status_code == 422 and "Too many attempts" in answer.content.decode()


def test_it_says_what_must_be_settled_first_instead_of_the_form(alice: User, team: Team) -> None:
    client = signed_in(alice)
    page = client.get(CLOSE).content.decode()
    assert "last owner of the team “Botany”" in page and 'name="password"' not in page
    answer = client.post(CLOSE, {"username": "alice", "password": "pw"})
    assert answer.status_code == 422 and User.objects.filter(pk=alice.pk).exists()


def test_the_receipt_can_be_downloaded_and_the_person_is_signed_out_everywhere(
    alice: User, bob: User, team: Team
) -> None:
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    client, elsewhere = signed_in(alice), signed_in(alice)
    answer = client.post(CLOSE, {"username": "alice", "password": "pw"})
    page = answer.content.decode()
    assert answer.status_code == 200 and "no-store" in answer.headers["Cache-Control"]
    assert "Your account is closed" in page and "alice" not in page
    found = re.search(r"data:application/json;base64,([^\"]+)", page)
    assert found is not None
    receipt = json.loads(base64.b64decode(found[1]))
    assert (receipt["account"], receipt["deleted"]["memberships"]) == (alice.pk, 1)
    for browser in (client, elsewhere):
        assert browser.get(CLOSE).status_code == 302
    assert not Client().login(username="alice", password="pw")
    assert not Record.objects.filter(person="alice").exists()
    acts = list(Record.objects.order_by("number").values_list("act", flat=True))
    assert Act.SIGN_OUT not in acts
