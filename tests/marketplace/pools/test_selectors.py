"""Who sees which pools, and what fits together."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.pools.selectors import MAX_POOL_SIZE, pool_fit, pools_editable_by, pools_visible_to


def test_pools_are_seen_by_whom_they_are_shared_with(
    make_pool: Callable[..., Any], shared: Any, alice: User, bob: User, charlie: User
) -> None:
    for name, changes in vars(shared).items():
        make_pool(name, **changes)
    seen = {
        user.username: [(row.name, vars(row)["n_models"]) for row in pools_visible_to(user)]
        for user in (alice, bob, charlie)
    }
    assert seen["alice"] == [("public", 2), ("team", 2), ("private", 2)]
    assert seen["bob"] == [("public", 2), ("team", 2)]
    assert seen["charlie"] == [("public", 2)]
    assert pools_editable_by(bob).count() == 0


@pytest.mark.parametrize(
    ("changes", "scenario"),
    [
        ([{}, {}], "SS"),
        ([{}, {"dataset": " BIRDS "}], "SS"),
        ([{}, {"dataset": ""}], "SS"),
        ([{}, {"architecture": "resnet10"}], "SH"),
        ([{}, {"dataset": "cars"}], "MH"),
        ([{}, {"dataset": "cars", "architecture": "resnet10"}], "MH"),
    ],
)
def test_the_scenario_is_seen_from_data_sets_and_architectures(
    changes: list[Any], scenario: str
) -> None:
    fit = pool_fit(rows(*changes))
    assert (fit.scenario, fit.problems) == (scenario, [])


def test_sizes_and_architectures_may_differ_but_channels_not() -> None:
    fit = pool_fit(rows({}, {"image_size": 84, "architecture": "resnet10", "n_classes": 3}))
    assert fit.problems == []
    assert (fit.image_sizes, fit.n_classes_min, fit.channels) == ([32, 84], 3, 3)
    unlike = pool_fit(rows({}, {"channels": 1}))
    assert unlike.channels is None and "Colour and grey" in unlike.problems[0]


def test_a_pool_has_a_smallest_and_a_largest_size() -> None:
    assert "at least two" in pool_fit(rows({})).problems[0]
    assert pool_fit([]).problems and not pool_fit([]).previews
    assert pool_fit(rows(*[{}] * MAX_POOL_SIZE)).problems == []
    assert "at most" in pool_fit(rows(*[{}] * (MAX_POOL_SIZE + 1))).problems[0]


def test_a_grid_needs_everybodys_consent() -> None:
    assert pool_fit(rows({"consent_preview": True}, {"consent_preview": True})).previews
    assert not pool_fit(rows({"consent_preview": True}, {})).previews


def rows(*changes: Any) -> list[Checkpoint]:
    """Unsaved models with these changes."""
    common = {
        "state": "valid", "consent_recovery": True, "channels": 3, "image_size": 32,
        "architecture": "conv4", "dataset": "birds", "n_classes": 5, "class_names": ["a", "b"],
    }  # fmt: skip
    return [Checkpoint(name=f"m{i}", **{**common, **change}) for i, change in enumerate(changes)]
