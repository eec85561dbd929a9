"""Pools as JSON."""

from typing import Any

import pytest

from marketplace.accounts.models import Team, User
from marketplace.api.serializers.pools import (
    PoolCreateSerializer,
    PoolDetailSerializer,
    PoolSerializer,
)
from marketplace.pools.models import Pool
from marketplace.pools.selectors import pool_checkpoints, pools_visible_to
from tests.marketplace.api.asking import asked_by


def test_models_are_counted_with_a_list_or_by_themselves(pool: Pool, alice: User) -> None:
    assert PoolSerializer(pool).data["n_models"] == 2
    assert PoolSerializer(pools_visible_to(alice).get()).data["n_models"] == 2


def test_models_that_are_not_shared_are_counted_and_not_named(
    pool: Pool, alice: User, charlie: User
) -> None:
    mine = PoolDetailSerializer(pool, context=asked_by(alice)).data
    assert mine["checkpoints"] == [row.pk for row in pool_checkpoints(pool)]
    assert (mine["fit"]["n_hidden"], mine["fit"]["datasets"]) == (0, ["birds"])
    theirs = PoolDetailSerializer(pool, context=asked_by(charlie)).data
    assert theirs["checkpoints"] == [] and theirs["n_models"] == 2
    assert (theirs["fit"]["n_hidden"], theirs["fit"]["datasets"]) == (2, [])


@pytest.mark.parametrize(
    ("changes", "field"), [({"checkpoints": ["no id"]}, "checkpoints"), ({"team": "Zoo"}, "team")]
)
def test_what_cannot_be_names_its_field(
    team: Team, alice: User, changes: dict[str, Any], field: str
) -> None:
    said = {"name": "x", "checkpoints": [], "team": "Botany"}
    assert PoolCreateSerializer(data=said, context=asked_by(alice)).is_valid()
    shape = PoolCreateSerializer(data={**said, **changes}, context=asked_by(alice))
    assert not shape.is_valid() and set(shape.errors) == {field}
