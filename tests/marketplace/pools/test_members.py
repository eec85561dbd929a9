"""Who sees a pool, a job or a meta-learner need not see its models; what is then shown of them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine
from marketplace.core.errors import DomainError
from marketplace.jobs import views as job_views
from marketplace.jobs.models import Job
from marketplace.jobs.quarantine import TAKEN_OUT, jobs_stop_quarantined
from marketplace.jobs.services import job_launch
from marketplace.learners.models import MetaLearner
from marketplace.learners.services import learner_publish
from marketplace.pools.models import Pool
from marketplace.pools.selectors import members_fit, pool_members

WHY = "Trained on pictures of people."
HIDDEN = "a model that is not shared with you"


@pytest.fixture
def models(make_checkpoint: Callable[..., Any], shared: Any) -> list[Checkpoint]:
    """Two of Alice's, shared with her team."""
    return [
        make_checkpoint(f"secret{n}", dataset="hush", consent_preview=True, **shared.team)
        for n in range(2)
    ]


@pytest.fixture
def wide(
    bob: User, models: list[Checkpoint], make_pool: Callable[..., Any], shared: Any, catalogue: None
) -> Pool:
    """Bob's public pool of Alice's two."""
    return make_pool(owner=bob, checkpoints=models, **shared.public)


@pytest.fixture
def job(bob: User, wide: Pool) -> Job:
    """Bob's job on it."""
    return job_launch(owner=bob, pool=wide, algorithm="free", settings={})


@pytest.fixture
def page_of(client: Client) -> Callable[..., str]:
    """A page of the pool or the job, as this person sees it, with single spaces between words."""

    def page(person: User, name: str, row: Job | MetaLearner | Pool) -> str:
        client.force_login(person)
        return " ".join(client.get(reverse(name, args=[row.pk])).content.decode().split())

    return page


def test_a_stranger_is_told_of_a_public_pools_models_only_how_many(
    page_of: Callable[..., str], charlie: User, wide: Pool
) -> None:
    page = page_of(charlie, "pool_detail", wide)
    assert page.count(HIDDEN) == 2
    for told in ("secret0", "secret1 2", "hush", "conv4", "alice"):
        assert told not in page.lower()


def test_who_sees_the_models_sees_them_named(
    page_of: Callable[..., str], bob: User, wide: Pool
) -> None:
    page = page_of(bob, "pool_detail", wide)
    assert "secret0" in page and "conv4" in page and HIDDEN not in page


def test_a_model_made_private_disappears_from_the_pool_that_holds_it(
    page_of: Callable[..., str],
    client_of: Callable[..., Any],
    alice: User,
    bob: User,
    models: list[Checkpoint],
    wide: Pool,
) -> None:
    checkpoint_change(checkpoint=models[1], by=alice, values={"visibility": "private"})
    page = page_of(bob, "pool_detail", wide)
    assert "secret0" in page and "secret1" not in page and page.count(HIDDEN) == 1
    row = client_of(bob).get(f"/api/v1/pools/{wide.pk}/").json()
    assert row["checkpoints"] == [str(models[0].pk)]
    assert (row["n_models"], row["fit"]["n_models"], row["fit"]["n_hidden"]) == (2, 2, 1)


def test_the_api_gives_a_stranger_neither_ids_nor_what_the_models_know(
    client_of: Callable[..., Any], charlie: User, wide: Pool
) -> None:
    row = client_of(charlie).get(f"/api/v1/pools/{wide.pk}/").json()
    fit = row["fit"]
    assert (row["checkpoints"], fit["n_models"], fit["n_hidden"]) == ([], 2, 2)
    assert (fit["datasets"], fit["architectures"], fit["n_class_names"]) == ([], [], 0)


def test_the_launch_page_tells_a_stranger_no_more(
    page_of: Callable[..., str], charlie: User, wide: Pool
) -> None:
    page = page_of(charlie, "job_new", wide)
    assert "secret" not in page and "hush" not in page


def test_a_stranger_cannot_launch_and_is_told_no_name(charlie: User, wide: Pool) -> None:
    with pytest.raises(DomainError) as refused:
        job_launch(owner=charlie, pool=wide, algorithm="free", settings={})
    assert "2 of the pool's models are not shared with you" in str(refused.value)
    assert "secret" not in str(refused.value.fields)


def test_of_a_quarantined_model_others_learn_neither_name_nor_reason(
    page_of: Callable[..., str],
    client_of: Callable[..., Any],
    charlie: User,
    bob: User,
    models: list[Checkpoint],
    wide: Pool,
    job: Job,
) -> None:
    checkpoint_quarantine(checkpoint=models[0], by=None, reason=WHY)
    jobs_stop_quarantined()
    for person in (charlie, bob):
        client = client_of(person)
        shown = [
            page_of(person, "pool_detail", wide),
            page_of(person, "job_detail", job),
            client.get(f"/api/v1/pools/{wide.pk}/").content.decode(),
            client.get(f"/api/v1/jobs/{job.pk}/").content.decode(),
            client.get(f"/api/v1/jobs/{job.pk}/events/").content.decode(),
        ]
        assert not any("secret0" in text or WHY in text for text in shown)
        assert TAKEN_OUT in shown[1] and TAKEN_OUT in shown[3]
        assert "that is not shared with you cannot be used" in shown[0]


def test_its_owner_still_reads_on_the_pool_which_model_it_is(
    page_of: Callable[..., str], alice: User, models: list[Checkpoint], wide: Pool
) -> None:
    checkpoint_quarantine(checkpoint=models[0], by=None, reason=WHY)
    assert "“secret0” is in quarantine" in page_of(alice, "pool_detail", wide)


def test_an_owner_who_changes_a_pool_is_not_shown_what_is_hidden_from_them(
    page_of: Callable[..., str], alice: User, bob: User, models: list[Checkpoint], wide: Pool
) -> None:
    checkpoint_change(checkpoint=models[1], by=alice, values={"visibility": "private"})
    page = page_of(bob, "pool_edit", wide)
    assert f'value="{models[0].pk}"' in page
    assert str(models[1].pk) not in page and "secret1" not in page
    assert "1 model of this pool is no longer shared with you" in page


@pytest.mark.parametrize(
    "change",
    [
        {"consent_preview": False},
        {"consent_recovery": False},
        {"visibility": "private"},
    ],
    ids=["preview", "recovery", "sharing"],
)
def test_previews_end_when_an_owner_withdraws_what_they_rest_on(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    alice: User,
    bob: User,
    models: list[Checkpoint],
    job: Job,
    change: dict[str, Any],
) -> None:
    monkeypatch.setattr(job_views, "preview_or_none", lambda job_id: b"png")
    address = reverse("job_preview", args=[job.pk])
    client.force_login(bob)
    assert client.get(address).content == b"png"
    checkpoint_change(checkpoint=models[0], by=alice, values=change)
    assert client.get(address).status_code == 404
    assert (
        "Recovered images are not shown"
        in client.get(reverse("job_detail", args=[job.pk])).content.decode()
    )


def test_previews_end_with_a_quarantine_even_for_the_owner(
    client: Client, monkeypatch: pytest.MonkeyPatch, alice: User, models: list[Checkpoint], job: Job
) -> None:
    monkeypatch.setattr(job_views, "preview_or_none", lambda job_id: b"png")
    checkpoint_quarantine(checkpoint=models[0], by=None, reason=WHY)
    client.force_login(alice)
    assert client.get(reverse("job_preview", args=[job.pk])).status_code == 404


def test_a_stranger_sees_no_previews_of_models_that_are_not_shared_with_them(
    client: Client, monkeypatch: pytest.MonkeyPatch, charlie: User, job: Job
) -> None:
    monkeypatch.setattr(job_views, "preview_or_none", lambda job_id: b"png")
    client.force_login(charlie)
    assert client.get(reverse("job_preview", args=[job.pk])).status_code == 404


@pytest.fixture
def learner(job: Job, models: list[Checkpoint]) -> MetaLearner:
    """What Bob's job made, as a worker writes it."""
    records = [
        {"name": row.name, "owner": "alice", "sha256": row.sha256, "licence": "mit",
         "consent": True}
        for row in models
    ]  # fmt: skip
    card = "# A card\n\n## Limits\n\nSome."
    return learner_publish(
        job=job, learner_id=job.pk, config={}, card=card, provenance=records, files=[]
    )


def test_a_public_learner_names_its_models_only_to_those_who_see_them(
    page_of: Callable[..., str],
    client_of: Callable[..., Any],
    charlie: User,
    bob: User,
    models: list[Checkpoint],
    learner: MetaLearner,
) -> None:
    for person, named in ((charlie, False), (bob, True)):
        page = page_of(person, "learner_detail", learner)
        answer = client_of(person).get(f"/api/v1/learners/{learner.pk}/")
        assert ("secret0" in page) is named and ("alice" in page) is named
        assert ("secret0" in answer.content.decode()) is named
        entry = answer.json()["provenance"][0]
        assert (entry["sha256"], entry["architecture"]) == (models[0].sha256, "conv4")
        assert (entry["name"] == HIDDEN) is not named
        assert "## Limits" in answer.json()["card"]


def test_a_pool_of_many_models_asks_the_database_no_more_often(
    django_assert_num_queries: Callable[..., Any],
    charlie: User,
    make_pool: Callable[..., Any],
    make_checkpoint: Callable[..., Any],
    bob: User,
    shared: Any,
) -> None:
    few = make_pool(checkpoints=[make_checkpoint(str(n)) for n in range(2)], **shared.public)
    many = make_pool(checkpoints=[make_checkpoint(str(n)) for n in range(12)], **shared.public)
    for pool in (few, many):
        with django_assert_num_queries(3):
            fit = members_fit(pool_members(pool, charlie))
        assert fit.n_hidden == fit.n_models == pool.members.count()
    assert Checkpoint.objects.count() == 14 and not Job.objects.exists()
