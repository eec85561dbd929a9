"""`manage.py token_create`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.accounts.services import token_use


def test_the_command_prints_the_token_alone(alice: User) -> None:
    out = StringIO()
    call_command("token_create", "alice", stdout=out)
    assert token_use(secret=out.getvalue().strip()).user == alice
    assert len(out.getvalue().split()) == 1
    with pytest.raises(CommandError, match="nobody"):
        call_command("token_create", "nobody")


def test_the_command_narrows_a_token_down(alice: User) -> None:
    out = StringIO()
    arguments = ["alice", "--scopes", "read", "jobs", "--days", "3"]
    call_command("token_create", *arguments, stdout=out)
    token = token_use(secret=out.getvalue().strip())
    assert token.scope_names == ["read", "jobs"]
    assert 2 < (token.expires_at - timezone.now()).total_seconds() / 86_400 <= 3
    assert str(token) == f"made by an operator ({token.prefix}…)"
    with pytest.raises(CommandError, match="time in the future"):
        call_command("token_create", "alice", "--days", "0")
