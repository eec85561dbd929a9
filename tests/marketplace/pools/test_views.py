"""Pages of pools: Alice owns, Bob is on her team, Charlie is a stranger."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.checkpoints.states import CheckpointState
from marketplace.pools.models import Pool
from marketplace.pools.selectors import pool_checkpoints
from marketplace.pools.services import pool_freeze


def url(name: str, row: Pool) -> str:
    return reverse(f"pool_{name}", args=[row.pk])


def test_the_team_sees_a_shared_pool_and_a_stranger_gets_404(
    client: Client,
    alice: User,
    bob: User,
    charlie: User,
    shared: Any,
    make_pool: Callable[..., Any],
) -> None:
    pool = make_pool(**shared.team)
    answers = []
    for person in (alice, bob, charlie):
        client.force_login(person)
        answers.append(client.get(url("detail", pool)).status_code)
    assert answers == [200, 200, 404]


@pytest.mark.parametrize("page", ["edit", "delete"])
def test_only_the_owner_can_change_or_delete_a_pool(
    client: Client, bob: User, shared: Any, make_pool: Callable[..., Any], page: str
) -> None:
    pool = make_pool(**shared.team)
    client.force_login(bob)
    assert client.post(url(page, pool), {}).status_code == 404
    assert Pool.objects.filter(pk=pool.pk).exists()


def test_a_pool_is_made_of_the_picked_models_in_their_order(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    rows = [make_checkpoint(name) for name in "cab"]
    client.force_login(alice)
    said = {"name": "Three", "visibility": "private", "checkpoints": [row.pk for row in rows]}
    answer: Any = client.post(reverse("pool_new"), said)
    pool = Pool.objects.get()
    assert answer.url == url("detail", pool)
    assert pool_checkpoints(pool) == rows


def test_a_pool_of_one_model_is_refused_with_a_sentence_and_the_pick_stays(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint()
    client.force_login(alice)
    said = {"name": "One", "visibility": "private", "checkpoints": [row.pk]}
    answer = client.post(reverse("pool_new"), said)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "A pool needs at least two models" in page
    assert f'name="checkpoints" value="{row.pk}"' in page


def test_the_fit_panel_says_what_does_not_fit(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    rows = [make_checkpoint("colour"), make_checkpoint("grey", channels=1, mean=[0.5], std=[0.5])]
    client.force_login(alice)
    answer = client.post(reverse("pool_fit"), {"checkpoints": [row.pk for row in rows]})
    assert "Colour and grey models do not fit together" in answer.content.decode()


def test_the_fit_panel_counts_only_models_that_one_may_see(
    client: Client, charlie: User, make_checkpoint: Callable[..., Any]
) -> None:
    rows = [make_checkpoint("a"), make_checkpoint("b")]
    client.force_login(charlie)
    answer = client.post(reverse("pool_fit"), {"checkpoints": [row.pk for row in rows]})
    assert 'data-n="0"' in answer.content.decode()


def test_the_fit_panel_survives_ids_that_are_none(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.post(reverse("pool_fit"), {"checkpoints": ["rubbish"]})
    assert answer.status_code == 200


def test_only_valid_models_with_consent_are_candidates(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint("willing")
    make_checkpoint("unwilling", consent_recovery=False)
    make_checkpoint("unfinished", state=CheckpointState.UPLOADED)
    client.force_login(alice)
    page = client.get(reverse("pool_candidates")).content.decode()
    assert "willing" in page
    assert "unwilling" not in page
    assert "unfinished" not in page


def test_a_frozen_pool_cannot_be_chosen_again(client: Client, alice: User, pool: Pool) -> None:
    pool_freeze(pool=pool)
    client.force_login(alice)
    assert client.get(url("edit", pool)).status_code == 409
    assert client.post(url("delete", pool)).status_code == 409


def test_an_open_pool_can_be_chosen_again(
    client: Client, alice: User, pool: Pool, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint("third")
    kept = pool_checkpoints(pool)[0]
    client.force_login(alice)
    client.post(url("edit", pool), {"checkpoints": [row.pk, kept.pk]})
    assert pool_checkpoints(pool) == [row, kept]


def test_a_model_that_is_no_longer_shared_is_counted_without_name_or_link(
    client: Client,
    alice: User,
    charlie: User,
    make_checkpoint: Callable[..., Any],
    make_pool: Callable[..., Any],
    shared: Any,
) -> None:
    lent = make_checkpoint("lent", owner=charlie, **shared.public)
    pool = make_pool(checkpoints=[lent, make_checkpoint("own")])
    lent.visibility = "private"
    lent.save()
    client.force_login(alice)
    page = client.get(url("detail", pool)).content.decode()
    assert "a model that is not shared with you" in page and "lent" not in page
    assert str(lent.pk) not in page
