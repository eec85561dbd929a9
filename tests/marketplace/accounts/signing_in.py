"""Signing in as a person does it, and whether it worked."""

from typing import Any

from django.test import Client
from django.urls import reverse

LOGIN = "/accounts/login/"


def sign_in(
    client: Client, password: str = "pw", name: str = "alice", **of_the_request: Any
) -> Any:
    """Name and password."""
    return client.post(LOGIN, {"login": name, "password": password}, **of_the_request)


def is_signed_in(client: Client) -> bool:
    """Whether the settings open."""
    return client.get(reverse("account_settings")).status_code == 200
