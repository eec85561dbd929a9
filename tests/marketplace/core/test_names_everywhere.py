"""Whatever people name, the letters are checked by the same rule."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from marketplace.accounts.models import User
from marketplace.accounts.services import team_create, token_create
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.drafts import CheckpointDraft, draft_check
from marketplace.checkpoints.models import Checkpoint
from marketplace.core.errors import DomainError
from marketplace.pools.services import pool_create

TURNED, MIXED = "ro\u202ebin", "\u0430lice"
Make = Callable[[User, Checkpoint, str], Any]


def draft(**changes: Any) -> CheckpointDraft:
    named: dict[str, Any] = {"name": "model", "class_names": ("cat", "dog"), **changes}
    return CheckpointDraft(**named)


EVERYTHING: dict[str, Make] = {
    "team": lambda alice, row, name: team_create(owner=alice, name=name),
    "token": lambda alice, row, name: token_create(user=alice, name=name),
    "pool": lambda alice, row, name: pool_create(owner=alice, name=name, checkpoint_ids=[]),
    "model": lambda alice, row, name: draft_check(owner=alice, draft=draft(name=name)),
    "data set": lambda alice, row, name: draft_check(owner=alice, draft=draft(dataset=name)),
    "class": lambda alice, row, name: draft_check(
        owner=alice, draft=draft(class_names=(name, "dog"))
    ),
    "another name": lambda alice, row, name: checkpoint_change(
        checkpoint=row, by=alice, values={"name": name}
    ),
    "another data set": lambda alice, row, name: checkpoint_change(
        checkpoint=row, by=alice, values={"dataset": name}
    ),
}


@pytest.mark.parametrize("name", [TURNED, MIXED])
@pytest.mark.parametrize("kind", sorted(EVERYTHING))
def test_names_that_deceive_are_refused(
    alice: User, make_checkpoint: Callable[..., Checkpoint], kind: str, name: str
) -> None:
    with pytest.raises(DomainError) as refused:
        EVERYTHING[kind](alice, make_checkpoint(), name)
    told = " ".join([str(refused.value), *refused.value.fields.values()])
    assert "invisible character U+202E" in told or "mixes Cyrillic and Latin" in told


@pytest.mark.parametrize("name", ["Support", "free-hold"])
def test_a_team_cannot_pass_for_the_instance(alice: User, name: str) -> None:
    with pytest.raises(DomainError, match="taken for the instance itself"):
        team_create(owner=alice, name=name)


@pytest.mark.parametrize("name", ["admin", "Free_hold", MIXED])
def test_nobody_signs_up_with_a_name_that_deceives(client: Client, db: None, name: str) -> None:
    secret = "a long way home 7"
    body = {"username": name, "password1": secret, "password2": secret}
    page = client.post("/accounts/signup/", body)
    assert page.status_code == 200 and not User.objects.exists()
    assert b"reserved" in page.content or b"mixes" in page.content
    body["username"] = "robin"
    assert client.post("/accounts/signup/", body).status_code == 302
