"""Who closes an account types its name and password."""

from marketplace.accounts.models import User
from marketplace.leaving.forms import CloseForm


def test_both_must_be_right(alice: User) -> None:
    right = {"username": "alice", "password": "pw"}
    assert CloseForm(right, user=alice).is_valid()
    for wrong in ({"username": "Alice"}, {"password": "PW"}, {"password": ""}):
        assert not CloseForm({**right, **wrong}, user=alice).is_valid()
