"""People, teams and tokens for the operator."""

from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.accounts.services import token_create


def test_the_token_form_of_an_operator_shows_no_secret(client: Client, alice: User) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    token, secret = token_create(user=alice, name="laptop")
    client.force_login(alice)
    page = client.get(f"/operator/accounts/apitoken/{token.pk}/change/").content.decode()
    assert token.prefix in page
    assert secret not in page


def test_an_operator_neither_makes_nor_changes_a_token_but_may_delete_it(
    client: Client, staff: User
) -> None:
    token, _ = token_create(user=staff, name="laptop", scopes=["read"])
    client.force_login(staff)
    change = reverse("admin:accounts_apitoken_change", args=[token.pk])
    assert client.get(reverse("admin:accounts_apitoken_add")).status_code == 403
    assert client.post(change, {"scopes": "account"}).status_code == 403
    token.refresh_from_db()
    assert token.scope_names == ["read"]
    delete = reverse("admin:accounts_apitoken_delete", args=[token.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 302
    assert not staff.api_tokens.exists()
