"""People, teams and tokens for the operator."""

from django.test import Client

from marketplace.accounts.models import User
from marketplace.accounts.services import (
    token_create,
)


def test_the_token_form_of_an_operator_shows_no_secret(client: Client, alice: User) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    token, secret = token_create(user=alice, name="laptop")
    client.force_login(alice)
    page = client.get(f"/operator/accounts/apitoken/{token.pk}/change/").content.decode()
    assert token.prefix in page
    assert secret not in page
