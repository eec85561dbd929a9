"""Where a request came from is noted with what it does."""

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.audit.models import Record


def test_where_an_act_came_from_is_noted_unless_the_operator_says_no(
    client: Client, client_of: Callable[..., Any], alice: User, settings: Settings
) -> None:
    client.force_login(alice)
    client.post(reverse("team_list"), {"name": "Botany"}, REMOTE_ADDR="192.0.2.7")
    assert Record.objects.get(act="team.made").address == "192.0.2.7"
    settings.AUDIT_ADDRESSES = False
    client_of(alice).post("/api/v1/teams/", {"name": "Zoology"}, REMOTE_ADDR="192.0.2.7")
    entry = Record.objects.filter(act="team.made").first()
    assert (entry.address, entry.token) == ("", alice.api_tokens.get().prefix)


def test_behind_a_proxy_only_its_own_word_counts(
    client: Client, alice: User, settings: Settings
) -> None:
    settings.BEHIND_PROXY = True
    client.force_login(alice)
    for name, said in (("A", "10.0.0.1, 192.0.2.9"), ("B", "nonsense"), ("C", "")):
        headers = {"X-Forwarded-For": said}
        client.post(reverse("team_list"), {"name": name}, headers=headers, REMOTE_ADDR="::1")
    found = Record.objects.filter(act="team.made").order_by("number")
    assert [row.address for row in found] == ["192.0.2.9", "", "::1"]
