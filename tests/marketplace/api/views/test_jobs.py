"""`jobs/`."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from marketplace.accounts.models import User
from marketplace.algorithms.services import catalogue_publish
from marketplace.checkpoints.models import Checkpoint
from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_claim, job_log, job_move, job_report
from marketplace.jobs.states import JobState
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import Pool
from tests.marketplace.conftest import WITH_PRESETS

URL = "/api/v1/jobs/"


@pytest.fixture
def client(client_of: Callable[..., Any], alice: User) -> APIClient:
    """Alice's client."""
    return client_of(alice)


@pytest.fixture
def body(catalogue: None, pool: Pool) -> dict[str, dict[str, int] | int | str]:
    """A launch that is right."""
    return {
        "pool": str(pool.pk), "algorithm": "free", "settings": {"outer_steps": 20}, "seed": 3,
    }  # fmt: skip


CONTRACT = {"state", "stage", "steps_done", "total_steps", "eta_s", "error", "learner"}


def test_a_job_is_launched_with_the_defaults_filled_in(
    client: APIClient,
    body: dict[str, dict[str, int] | int | str],
    pool: Pool,
    sent: list[Any],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(URL, body)
    row = answer.json()
    assert answer.status_code == 201, row
    assert set(row) >= CONTRACT | {"id"}
    assert (row["state"], row["seed"], row["learner"], row["eta_s"]) == ("queued", 3, None, None)
    assert row["settings"]["outer_steps"] == 20 and row["settings"]["n_way"] == 2
    assert sent == [("worker.run_job", {"job_id": row["id"]})]
    assert answer["Location"].endswith(f"{URL}{row['id']}/")
    pool.refresh_from_db()
    assert pool.is_frozen
    assert client.get(f"{URL}{row['id']}/").json() == row


def test_a_preset_lies_beneath_the_settings_and_the_job_is_named_by_it(
    client: APIClient, body: dict[str, dict[str, int] | int | str]
) -> None:
    catalogue_publish(algorithms=[WITH_PRESETS], architectures=[], version="1.0")
    settings = {"preset": "published", "outer_steps": 50}
    row = client.post(URL, {**body, "settings": settings}).json()
    assert row["settings"]["preset"] == "published"
    assert (row["settings"]["outer_steps"], row["settings"]["replay"]) == (50, False)
    assert row["algorithm_title"] == "FREE (published, 1 setting changed)"
    assert client.get(f"{URL}?search=published").json()["count"] == 1
    assert client.get(f"{URL}?search=standard").json()["count"] == 0
    wrong = client.post(URL, {**body, "settings": {"preset": "huge"}})
    assert wrong.status_code == 400
    assert "standard, published" in wrong.content.decode()


def test_settings_and_seed_may_be_left_out(
    client: APIClient, body: dict[str, dict[str, int] | int | str]
) -> None:
    answer = client.post(URL, {"pool": body["pool"], "algorithm": "free"})
    assert (answer.status_code, answer.json()["seed"]) == (201, 0)


def test_the_same_key_gives_the_same_job_and_another_request_409(
    client: APIClient, body: dict[str, dict[str, int] | int | str]
) -> None:
    first = client.post(URL, body, HTTP_IDEMPOTENCY_KEY="once")
    again = client.post(URL, body, HTTP_IDEMPOTENCY_KEY="once")
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    other = client.post(URL, {**body, "seed": 4}, HTTP_IDEMPOTENCY_KEY="once")
    assert other.status_code == 409
    assert Job.objects.count() == 1


def test_two_people_may_use_the_same_key(
    client_of: Callable[..., Any],
    bob: User,
    client: APIClient,
    body: dict[str, dict[str, int] | int | str],
    pool: Pool,
    make_checkpoint: Callable[..., Any],
) -> None:
    Checkpoint.objects.update(visibility="public")
    pool.visibility = "public"
    pool.save()
    mine = client.post(URL, body, HTTP_IDEMPOTENCY_KEY="1").json()
    theirs = client_of(bob).post(URL, body, HTTP_IDEMPOTENCY_KEY="1")
    assert theirs.status_code == 201, theirs.content
    assert theirs.json()["id"] != mine["id"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pool": None}, "pool"),
        ({"pool": "x"}, "pool"),
        ({"pool": 7}, "pool"),
        ({"pool": "00000000-0000-4000-8000-000000000000"}, "pool"),
        ({"algorithm": ""}, "algorithm"),
        ({"algorithm": "magic"}, "algorithm"),
        ({"algorithm": ["free"]}, "algorithm"),
        ({"settings": []}, "settings"),
        ({"settings": "x"}, "settings"),
        ({"settings": None}, "settings"),
        ({"settings": {"\ud800": 1}}, "settings"),
        ({"settings": {"x" * 61: 1}}, "settings"),
        ({"settings": {"outer_stepz": 1}}, "outer_stepz"),
        ({"settings": {"outer_steps": 0}}, "outer_steps"),
        ({"settings": {"outer_steps": 1001}}, "outer_steps"),
        ({"settings": {"outer_steps": 1.5}}, "outer_steps"),
        ({"settings": {"outer_steps": "many"}}, "outer_steps"),
        ({"settings": {"outer_steps": True}}, "outer_steps"),
        ({"settings": {"outer_steps": None}}, "outer_steps"),
        ({"settings": {"outer_steps": [1]}}, "outer_steps"),
        ({"settings": {"outer_steps": 10**400}}, "outer_steps"),
        ({"settings": {"outer_lr": 2}}, "outer_lr"),
        ({"settings": {"outer_lr": "nan"}}, "outer_lr"),
        ({"settings": {"replay": "yes"}}, "replay"),
        ({"settings": {"learner": "vit"}}, "learner"),
        ({"settings": {"learner": ["conv4"]}}, "learner"),
        ({"settings": {"n_way": 20}}, "n_way"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"seed": "x"}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": "9" * 2000}, "seed"),
        ({"setting": {}}, "setting"),
    ],
)
def test_a_bad_launch_names_the_field(
    client: APIClient,
    body: dict[str, dict[str, int] | int | str],
    changes: dict[str, Any],
    field: str,
) -> None:
    raw = json.dumps({**body, **changes})
    answer = client.post(URL, raw, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]
    assert not Job.objects.exists()


def test_a_key_that_is_too_long_is_400(
    client: APIClient, body: dict[str, dict[str, int] | int | str]
) -> None:
    answer = client.post(URL, body, HTTP_IDEMPOTENCY_KEY="x" * 121)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["errors"]


def test_consent_withdrawn_after_the_pool_was_made_stops_the_launch(
    client: APIClient, body: dict[str, dict[str, int] | int | str]
) -> None:
    Checkpoint.objects.filter(name="pool a").update(consent_recovery=False)
    answer = client.post(URL, body)
    assert answer.status_code == 400
    assert "“pool a”" in answer.json()["errors"]["pool"][0]


def test_a_strangers_pool_is_as_if_it_were_not_there(
    client_of: Callable[..., Any], charlie: User, body: dict[str, dict[str, int] | int | str]
) -> None:
    answer = client_of(charlie).post(URL, body)
    assert answer.status_code == 400
    assert "that you may see" in answer.json()["errors"]["pool"][0]


def test_a_job_is_cancelled_once_and_resumed_once(client: APIClient, job: Job) -> None:
    answer = client.post(f"{URL}{job.pk}/cancel/")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    twice = client.post(f"{URL}{job.pk}/cancel/")
    assert (twice.status_code, twice.json()["detail"]) == (409, "This job is already cancelled.")
    answer = client.post(f"{URL}{job.pk}/resume/")
    assert (answer.status_code, answer.json()["state"]) == (200, "queued")
    assert client.post(f"{URL}{job.pk}/resume/").status_code == 409


def test_a_running_job_is_cancelling_and_cannot_be_cancelled_again(
    client: APIClient, job: Job
) -> None:
    job_claim(job_id=job.pk, worker="w")
    answer = client.post(f"{URL}{job.pk}/cancel/")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelling")
    assert client.post(f"{URL}{job.pk}/cancel/").status_code == 409
    assert client.post(f"{URL}{job.pk}/resume/").status_code == 409


def test_progress_curves_and_log_are_readable(client: APIClient, job: Job) -> None:
    claimed = job_claim(job_id=job.pk, worker="w")
    job_report(
        job=claimed,
        stage="distil",
        steps_done=2,
        total_steps=10,
        eta_s=8.5,
        metrics={1: {"loss": 2.0}, 2: {"loss": 1.0, "accuracy": 30.0}},
    )
    job_log(job=claimed, text="A line.")
    row = client.get(f"{URL}{job.pk}/").json()
    assert (row["stage"], row["steps_done"], row["total_steps"]) == ("distil", 2, 10)
    assert (row["state"], row["eta_s"], row["attempt"]) == ("running", 8.5, 1)
    curves = client.get(f"{URL}{job.pk}/metrics/").json()
    assert curves == {"loss": [[1, 2.0], [2, 1.0]], "accuracy": [[2, 30.0]]}
    assert client.get(f"{URL}{job.pk}/metrics/?since=1").json()["loss"] == [[2, 1.0]]
    events = client.get(f"{URL}{job.pk}/events/").json()["results"]
    assert [line["text"] for line in events][-1] == "A line."
    later = client.get(f"{URL}{job.pk}/events/?since={events[0]['id']}").json()
    assert later["count"] == len(events) - 1


@pytest.mark.parametrize("since", ["x", "-1", "1.5", "9" * 30, "²"])
def test_since_must_be_a_number(client: APIClient, job: Job, since: str) -> None:
    for path in ("metrics", "events"):
        answer = client.get(f"{URL}{job.pk}/{path}/?since={since}")
        assert answer.status_code == 400 and "since" in answer.json()["errors"]


def test_a_finished_job_names_its_learner(
    client: APIClient, job: Job, learner: MetaLearner
) -> None:
    claimed = job_claim(job_id=job.pk, worker="w")
    job_move(job=claimed, to=JobState.SUCCEEDED)
    row = client.get(f"{URL}{job.pk}/").json()
    assert (row["state"], row["learner"]) == ("succeeded", str(MetaLearner.objects.get().pk))
    assert client.get(URL).json()["results"][0]["learner"] == row["learner"]


def test_a_failed_job_says_why(client: APIClient, job: Job) -> None:
    claimed = job_claim(job_id=job.pk, worker="w")
    job_move(job=claimed, to=JobState.FAILED, error="Too little memory.")
    assert client.get(f"{URL}{job.pk}/").json()["error"] == "Too little memory."


def test_jobs_are_found(client: APIClient, job: Job) -> None:
    for query, count in [
        ("state=queued", 1),
        ("state=running", 0),
        (f"pool={job.pool_id}", 1),
        ("pool=00000000-0000-4000-8000-000000000000", 0),
        ("algorithm=free", 1),
        ("search=pool", 1),
        ("mine=true", 1),
    ]:
        assert client.get(f"{URL}?{query}").json()["count"] == count, query
    assert client.get(f"{URL}?state=odd").status_code == 400
    assert client.get(f"{URL}?pool=odd").status_code == 400


def test_snapshot_secrets_and_keys_are_never_shown(client: APIClient, job: Job) -> None:
    text = client.get(f"{URL}{job.pk}/").content.decode()
    assert job.snapshot_secret not in text
    assert "secret" not in text and "idempotency" not in text


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@hypothesis_settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    changes=st.dictionaries(
        st.sampled_from(["pool", "algorithm", "settings", "seed", "other"]), JSON, min_size=1
    )
)
def test_no_body_at_all_makes_a_crash(
    client: APIClient, body: dict[str, dict[str, int] | int | str], changes: dict[str, Any]
) -> None:
    answer = client.post(URL, {**body, **changes})
    assert answer.status_code in {201, 400}, answer.content
    Job.objects.all().delete()


@hypothesis_settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(raw=st.binary(max_size=60))
def test_no_bytes_at_all_make_a_crash(client: APIClient, raw: bytes) -> None:
    answer = client.post(URL, raw, content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
