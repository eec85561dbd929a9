"""A record is the last write of its transaction: other records wait from there to the end.

Who held a row and waited for its turn to record, while who had the turn waited for the row, would
wait for ever; PostgreSQL would end one of them with an error.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplace.accounts.models import Team, User
from marketplace.accounts.services import team_delete, team_rename, token_create, token_revoke
from marketplace.audit.models import Record
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.pools.models import Pool
from marketplace.pools.services import pool_delete

_WRITES = ("INSERT", "UPDATE", "DELETE")


@pytest.fixture
def acts(
    alice: User, team: Team, make_checkpoint: Callable[..., Any], pool: Pool
) -> dict[str, tuple[Callable[..., Any], UUID]]:
    """What Alice does, by name, and the id that the log must give."""
    shared = make_checkpoint("shared", visibility="team", team=team)
    token, _ = token_create(user=alice, name="t")
    return {
        "token_revoke": (lambda: token_revoke(token=token, by=alice), token.pk),
        "team_rename": (lambda: team_rename(team=team, by=alice, name="x"), team.pk),
        "team_delete": (lambda: team_delete(team=team, by=alice), team.pk),
        "pool_delete": (lambda: pool_delete(pool=pool), pool.pk),
        "checkpoint_change": (
            lambda: checkpoint_change(checkpoint=shared, by=alice, values={"dataset": "x"}),
            shared.pk,
        ),
        "checkpoint_delete": (lambda: checkpoint_delete(checkpoint=shared), shared.pk),
    }


@pytest.mark.parametrize(
    "name",
    [
        "token_revoke",
        "team_rename",
        "team_delete",
        "pool_delete",
        "checkpoint_change",
        "checkpoint_delete",
    ],
)
def test_the_record_comes_after_every_other_write(
    acts: dict[str, tuple[Callable[..., Any], UUID]], name: str
) -> None:
    act, pk = acts[name]
    with CaptureQueriesContext(connection) as captured:
        act()
    writes = [q["sql"] for q in captured if q["sql"].lstrip().upper().startswith(_WRITES)]
    assert len(writes) > 1 and "audit_record" in writes[-1]
    assert not [sql for sql in writes[:-1] if "audit_record" in sql]
    assert Record.objects.order_by("-number").first().row == str(pk)
