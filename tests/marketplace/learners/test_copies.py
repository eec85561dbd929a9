"""A learner that holds the weights of models goes where they may go.

Alice owns the models, Bob is on her team, Charlie is a stranger, Sam is staff.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from marketplace.accounts.models import Team, User
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.sessions import session_allowed
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine, checkpoint_release
from marketplace.core.errors import DomainError
from marketplace.jobs.models import Job
from marketplace.jobs.services import job_launch
from marketplace.learners.models import MetaLearner
from marketplace.learners.selectors import CLOSED, NOT_SHARED, learner_lineage
from marketplace.learners.services import learner_change, learner_publish
from tests.marketplace.api.adapting import request_body
from tests.marketplace.conftest import LEARNER_FILES, publish

pytestmark = pytest.mark.django_db
WHY = "Trained on pictures of people."
OPEN = {
    "page": 200, "list": True, "detail": 200, "home": True, "download": 200, "file": 200,
    "api file": 200, "zip": 200, "adapt page": 200, "frame": 200, "adaptations": 503,
}  # fmt: skip
SHUT = {name: False if value is True else 404 for name, value in OPEN.items()}
# Its owner, from whom a model of it is hidden.
ROW_ONLY = SHUT | {name: OPEN[name] for name in ("page", "list", "detail", "home")}


@pytest.fixture
def sam(db: None) -> User:
    """Staff of the instance."""
    return User.objects.create_superuser("sam", password="pw")


@pytest.fixture
def models(make_checkpoint: Callable[..., Any], shared: Any) -> list[Checkpoint]:
    """Two public models of Alice's; the first will be copied."""
    return [make_checkpoint(name, **shared.public) for name in ("hushed", "other")]


@pytest.fixture
def copy_of(
    models: list[Checkpoint], make_pool: Callable[..., Any], catalogue: None
) -> Callable[..., MetaLearner]:
    """A public learner of a person's that holds the weights of Alice's first model."""

    def make(owner: User, **changes: Any) -> MetaLearner:
        pool = make_pool(owner=owner, checkpoints=models, visibility="public")
        job = job_launch(owner=owner, pool=pool, algorithm="free", settings={})
        learner = publish(job)
        learner.copied_models.set(models[:1])
        MetaLearner.objects.filter(pk=learner.pk).update(
            **{"visibility": "public", "provenance": [{"name": row.name} for row in models]}
            | changes
        )
        learner.refresh_from_db()
        return learner

    return make


@pytest.fixture
def answers(
    client: Client, client_of: Callable[..., Any], settings: Settings
) -> Callable[..., dict[str, int]]:
    """What a person gets of a learner, by every way there is."""
    settings.ADAPTATION_TIMEOUT_S = 0.01

    def ask(person: User, learner: MetaLearner) -> dict[str, int]:
        client.force_login(person)
        api = client_of(person)
        one = f"/api/v1/learners/{learner.pk}/"

        def status(name: str, *more: Any) -> int:
            return client.get(reverse(name, args=[learner.pk, *more])).status_code

        def named(page: str) -> bool:
            return f'href="/learners/{learner.pk}/"' in client.get(page).content.decode()

        listed = {row["id"] for row in api.get("/api/v1/learners/").json()["results"]}
        assert named("/learners/") == (str(learner.pk) in listed)
        return {
            "page": status("learner_detail"),
            "list": str(learner.pk) in listed,
            "detail": api.get(one).status_code,
            "home": named("/"),
            "download": status("learner_download"),
            "file": status("learner_file", "model.safetensors"),
            "api file": api.get(f"{one}files/browser/adapt.onnx").status_code,
            "zip": api.get(f"{one}download/").status_code,
            "adapt page": status("learner_adapt"),
            "frame": status("learner_offline_frame"),
            "adaptations": api.post(f"{one}adaptations/", request_body()).status_code,
        }

    return ask


def hold(model: Checkpoint) -> None:
    checkpoint_quarantine(checkpoint=Checkpoint.objects.get(pk=model.pk), by=None, reason=WHY)


def release(model: Checkpoint) -> None:
    checkpoint_release(checkpoint=Checkpoint.objects.get(pk=model.pk), by=None)


def share(model: Checkpoint, by: User, visibility: str, team: Team | None = None) -> None:
    row = Checkpoint.objects.get(pk=model.pk)
    checkpoint_change(checkpoint=row, by=by, values={"visibility": visibility, "team": team})


def test_a_public_copy_of_a_private_model_is_nothing_to_others(
    answers: Callable[..., dict[str, int]],
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    alice: User,
    bob: User,
    charlie: User,
    sam: User,
) -> None:
    learner = copy_of(alice)
    assert answers(charlie, learner) == OPEN
    share(models[0], alice, "private")
    for person in (bob, charlie, sam):
        assert answers(person, learner) == SHUT, person
    assert answers(alice, learner) == OPEN


def test_a_public_copy_of_a_teams_model_is_the_teams(
    answers: Callable[..., dict[str, int]],
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    alice: User,
    bob: User,
    charlie: User,
    team: Team,
) -> None:
    learner = copy_of(alice)
    share(models[0], alice, "team", team)
    assert answers(bob, learner) == OPEN
    assert answers(charlie, learner) == SHUT
    # And no more than the learner itself is shared.
    MetaLearner.objects.update(visibility="private")
    assert answers(bob, learner) == SHUT


def test_a_model_that_was_only_used_and_not_copied_decides_nothing(
    answers: Callable[..., dict[str, int]],
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    alice: User,
    charlie: User,
) -> None:
    learner = copy_of(alice)
    share(models[1], alice, "private")
    hold(models[1])
    assert answers(charlie, learner) == OPEN


def test_in_quarantine_a_model_is_hidden_in_its_copy_and_then_back(
    answers: Callable[..., dict[str, int]],
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    alice: User,
    bob: User,
    charlie: User,
    sam: User,
) -> None:
    learner = copy_of(alice)
    hold(models[0])
    for person in (bob, charlie):
        assert answers(person, learner) == SHUT, person
    # As `checkpoints_visible_to` says: the model's owner and staff see it.
    for person in (alice, sam):
        assert answers(person, learner) == OPEN, person
    release(models[0])
    assert answers(charlie, learner) == OPEN


def test_the_learners_owner_keeps_the_row_while_anothers_model_is_in_quarantine(
    answers: Callable[..., dict[str, int]],
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    bob: User,
    charlie: User,
) -> None:
    learner = copy_of(bob)
    hold(models[0])
    assert answers(bob, learner) == ROW_ONLY
    assert answers(charlie, learner) == SHUT
    release(models[0])
    assert answers(bob, learner) == OPEN


def test_the_learners_owner_keeps_the_row_of_a_model_that_was_made_private(
    answers: Callable[..., dict[str, int]],
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    alice: User,
    bob: User,
) -> None:
    learner = copy_of(bob)
    share(models[0], alice, "private")
    assert answers(bob, learner) == ROW_ONLY


def test_a_learner_that_copies_nothing_is_untouched(
    answers: Callable[..., dict[str, int]],
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    alice: User,
    bob: User,
    charlie: User,
) -> None:
    learner = copy_of(bob)
    learner.copied_models.clear()
    hold(models[0])
    share(models[1], alice, "private")
    for person in (bob, charlie):
        assert answers(person, learner) == OPEN


def test_its_page_says_why_it_is_closed_without_naming_the_model_or_a_dead_link(
    client: Client,
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    bob: User,
    charlie: User,
) -> None:
    learner = copy_of(bob)
    client.force_login(bob)
    address = reverse("learner_detail", args=[learner.pk])
    dead = [
        reverse("learner_download", args=[learner.pk]),
        reverse("learner_adapt", args=[learner.pk]),
        *(reverse("learner_file", args=[learner.pk, path]) for path in LEARNER_FILES),
    ]
    page = client.get(address).content.decode()
    assert CLOSED not in page and "hushed" in page and all(link in page for link in dead)
    hold(models[0])
    page = client.get(address).content.decode()
    assert CLOSED in page and NOT_SHARED in page and "holds its weights" in page
    assert "hushed" not in page and WHY not in page
    for shown in (address, "/learners/", "/"):
        assert not [link for link in dead if link in client.get(shown).content.decode()], shown


def test_page_lineage_and_api_mark_whose_weights_it_holds(
    client: Client,
    client_of: Callable[..., Any],
    copy_of: Callable[..., MetaLearner],
    charlie: User,
    bob: User,
) -> None:
    learner = copy_of(bob)
    client.force_login(charlie)
    page = client.get(reverse("learner_detail", args=[learner.pk])).content.decode()
    assert page.count("holds its weights") == 1
    assert page.index("hushed") < page.index("holds its weights") < page.index("other")
    row = client_of(charlie).get(f"/api/v1/learners/{learner.pk}/").json()
    assert [entry["copied"] for entry in row["provenance"]] == [True, False]


def test_the_api_says_whether_it_copies_and_whether_one_may_have_it(
    client_of: Callable[..., Any],
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    bob: User,
) -> None:
    learner = copy_of(bob)
    client = client_of(bob)

    def flags() -> tuple[bool, bool]:
        rows = [
            client.get(f"/api/v1/learners/{learner.pk}/").json(),
            *client.get("/api/v1/learners/").json()["results"],
            client.patch(f"/api/v1/learners/{learner.pk}/", {"name": "x"}).json(),
        ]
        (same,) = {(row["copies_weights"], row["usable"]) for row in rows}
        return same

    assert flags() == (True, True)
    hold(models[0])
    assert flags() == (True, False)
    learner.copied_models.clear()
    assert flags() == (False, True)


def test_an_adaptation_that_waits_is_refused_once_a_model_is_hidden(
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    bob: User,
    charlie: User,
    sam: User,
) -> None:
    learner = copy_of(bob)
    sessions = [
        AdaptationSession.objects.create(learner=learner, user=user)
        for user in (bob, charlie, None, sam)
    ]
    assert all(session_allowed(session=session) for session in sessions)
    hold(models[0])
    assert [session_allowed(session=session) for session in sessions] == [False] * 3 + [True]
    release(models[0])
    MetaLearner.objects.update(visibility="private")
    assert [session_allowed(session=session) for session in sessions] == [True] + [False] * 3


PUBLIC = {"visibility": "public"}


@pytest.mark.parametrize("visibility", ["team", "public"])
def test_a_copy_is_not_shared_more_widely_than_a_private_model(
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    alice: User,
    team: Team,
    visibility: str,
) -> None:
    learner = copy_of(alice, visibility="private")
    share(models[0], alice, "private")
    with pytest.raises(DomainError, match="“hushed”, which is private; keep it private, or"):
        learner_change(learner=learner, by=alice, values={"visibility": visibility, "team": team})
    assert MetaLearner.objects.get().visibility == "private"
    share(models[0], alice, "public")
    learner_change(learner=learner, by=alice, values={"visibility": visibility, "team": team})
    assert MetaLearner.objects.get().visibility == visibility


def test_a_copy_of_a_teams_model_is_shared_with_that_team_at_most(
    client_of: Callable[..., Any],
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    alice: User,
    team: Team,
) -> None:
    learner = copy_of(alice, visibility="private")
    share(models[0], alice, "team", team)
    answer = client_of(alice).patch(f"/api/v1/learners/{learner.pk}/", PUBLIC)
    sentence = (
        "This learner holds the weights of “hushed”, which is shared with the team “Botany” only; "
        "share it with that team at most."
    )
    assert (answer.status_code, answer.json()["errors"]) == (400, {"visibility": [sentence]})
    learner_change(learner=learner, by=alice, values={"visibility": "team", "team": team})
    assert MetaLearner.objects.get().team == team


def test_a_copy_is_shared_with_no_other_team(
    copy_of: Callable[..., MetaLearner], models: list[Checkpoint], alice: User, team: Team
) -> None:
    learner = copy_of(alice, visibility="private")
    share(models[0], alice, "team", team)
    other = type(team).objects.create(name="Zoology")
    other.members.add(alice)
    with pytest.raises(DomainError, match="the team “Botany” only"):
        learner_change(learner=learner, by=alice, values={"visibility": "team", "team": other})
    share(models[1], alice, "team", other)
    learner.copied_models.set(models)
    with pytest.raises(DomainError, match="different teams; keep it private"):
        learner_change(learner=learner, by=alice, values=PUBLIC)


def test_a_refusal_does_not_name_a_model_that_is_hidden_from_who_shares(
    copy_of: Callable[..., MetaLearner], models: list[Checkpoint], alice: User, bob: User
) -> None:
    learner = copy_of(bob, visibility="private")
    share(models[0], alice, "private")
    with pytest.raises(DomainError, match="a model that is not shared with you") as refused:
        learner_change(learner=learner, by=bob, values=PUBLIC)
    assert "hushed" not in str(refused.value)


def test_a_copy_that_was_shared_before_is_renamed_and_narrowed(
    copy_of: Callable[..., MetaLearner], models: list[Checkpoint], alice: User
) -> None:
    learner = copy_of(alice)
    share(models[0], alice, "private")
    learner_change(learner=learner, by=alice, values={"name": "Mine", **PUBLIC})
    assert (MetaLearner.objects.get().name, learner.visibility) == ("Mine", "public")
    learner_change(learner=learner, by=alice, values={"visibility": "private"})
    assert MetaLearner.objects.get().visibility == "private"


def test_what_a_copy_is_published_as_is_no_wider_than_its_models(
    make_checkpoint: Callable[..., Any],
    make_pool: Callable[..., Any],
    catalogue: None,
    alice: User,
    team: Team,
    shared: Any,
) -> None:
    models = [make_checkpoint("private"), make_checkpoint("team", **shared.team)]
    pool = make_pool(checkpoints=models, **shared.public)
    job = job_launch(owner=alice, pool=pool, algorithm="free", settings={})
    what: dict[str, Any] = {
        "learner_id": job.pk,
        "config": {},
        "card": "",
        "provenance": [],
        "files": [],
    }
    for visibility, copied, published in [
        ("public", [], "public"),
        ("public", models[1:], "private"),
        ("team", models[1:], "team"),
        ("team", models, "private"),
        ("private", models, "private"),
    ]:
        Job.objects.update(visibility=visibility, team=team if visibility == "team" else None)
        job.refresh_from_db()
        row = learner_publish(job=job, copied=copied, **what)
        assert (row.visibility, row.team) == (published, team if published == "team" else None)
        assert set(row.copied_models.all()) == set(copied)


def test_a_record_is_shown_as_the_model_of_its_place(
    copy_of: Callable[..., MetaLearner], models: list[Checkpoint], alice: User, charlie: User
) -> None:
    """An average of the last models of a pool has no record of the first."""
    records = [{"name": "other", "owner": "alice", "place": 1}]
    learner = copy_of(alice, provenance=records)
    learner.copied_models.set(models[1:])
    (entry,) = learner_lineage(learner, charlie)
    assert (entry["name"], entry["copied"]) == ("other", True) and "place" not in entry
    share(models[1], alice, "private")
    (entry,) = learner_lineage(learner, charlie)
    assert (entry["name"], entry["owner"]) == (NOT_SHARED, "")


def test_many_learners_ask_the_database_no_more_often(
    client: Client,
    client_of: Callable[..., Any],
    copy_of: Callable[..., MetaLearner],
    bob: User,
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    client.force_login(bob)
    counts = []
    for _ in range(2):
        copy_of(bob)
        copy_of(bob)
        for asker, address in ((client, "/learners/"), (client_of(bob), "/api/v1/learners/")):
            asker.get(address)
            with django_assert_max_num_queries(20) as asked:
                assert asker.get(address).status_code == 200
            counts.append(len(asked))
    assert counts[:2] == counts[2:]


@pytest.fixture
def note_copies() -> Callable[..., Any]:
    """What the upgrade does with the learners that are there."""
    name = "marketplace.learners.migrations.0003_copies_of_before"
    return lambda: import_module(name).note_copies(apps, None)


@pytest.mark.parametrize(
    ("algorithm", "chosen", "all_of_them"),
    [
        ("best_teacher", {}, True),
        ("teacher_ensemble", {"members": 2}, True),
        ("average", {}, True),
        ("ota", {}, True),
        ("dro", {}, True),
        ("purer", {"initialisation": "average"}, True),
        ("purer", {"initialisation": "random"}, False),
        ("free", {}, False),
        ("chorus", {}, False),
    ],
)
def test_learners_of_before_are_taken_for_copies_of_all_their_models(
    note_copies: Callable[..., Any],
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    alice: User,
    algorithm: str,
    chosen: dict[str, Any],
    all_of_them: bool,
) -> None:
    learner = copy_of(alice)
    learner.copied_models.clear()
    Job.objects.update(algorithm=algorithm, settings=chosen)
    note_copies()
    assert set(learner.copied_models.all()) == (set(models) if all_of_them else set())


def test_records_of_before_are_given_their_places(
    note_copies: Callable[..., Any],
    copy_of: Callable[..., MetaLearner],
    models: list[Checkpoint],
    alice: User,
) -> None:
    Checkpoint.objects.filter(pk=models[1].pk).update(sha256="2" * 64)
    learner = copy_of(alice, provenance=[{"name": "other", "sha256": "2" * 64}])
    note_copies()
    learner.refresh_from_db()
    assert learner.provenance[0]["place"] == 1
    MetaLearner.objects.update(provenance=[{"name": "lost", "sha256": "3" * 64}])
    note_copies()
    learner.refresh_from_db()
    assert learner_lineage(learner, alice)[0]["name"] == NOT_SHARED
