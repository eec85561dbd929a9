"""What comes in about tokens and members."""

from datetime import timedelta

import pytest
from django.utils import timezone

from marketplace.accounts.forms import MemberForm, TokenForm


def token_form(days: str, scopes: tuple[str, ...] = ("read",)) -> TokenForm:
    return TokenForm({"name": "laptop", "scopes": list(scopes), "days": days})


def test_a_number_of_days_becomes_the_time_at_which_the_token_ends() -> None:
    form = token_form("30")
    assert form.is_valid()
    ends = form.expires_at()
    assert ends is not None
    assert timedelta(days=29, hours=23) < ends - timezone.now() <= timedelta(days=30)


def test_a_token_can_work_until_it_is_revoked() -> None:
    form = token_form("never")
    assert form.is_valid() and form.expires_at() is None


@pytest.mark.parametrize(
    ("days", "scopes", "field"),
    [("31", ("read",), "days"), ("30", (), "scopes"), ("30", ("everything",), "scopes")],
)
def test_only_lifetimes_and_scopes_that_are_offered_are_taken(
    days: str, scopes: tuple[str, ...], field: str
) -> None:
    assert set(token_form(days, scopes).errors) == {field}


@pytest.mark.parametrize(("said", "role"), [({}, "member"), ({"role": "owner"}, "owner")])
def test_who_is_added_is_a_plain_member_unless_said_otherwise(
    said: dict[str, str], role: str
) -> None:
    form = MemberForm({"username": "bob", **said})
    assert form.is_valid() and form.cleaned_data["role"] == role
