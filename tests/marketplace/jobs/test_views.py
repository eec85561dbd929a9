"""Pages of jobs: Alice owns, Bob is on her team, Charlie is a stranger."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import Team, User
from marketplace.algorithms.models import AlgorithmSpec
from marketplace.algorithms.services import catalogue_publish
from marketplace.core.errors import DomainError
from marketplace.jobs import views
from marketplace.jobs.models import Job, MetricPoint
from marketplace.jobs.moves import job_claim, job_move, job_report
from marketplace.jobs.states import JobState
from marketplace.pools.models import Pool
from tests.marketplace.conftest import WITH_PRESETS, publish

SETTINGS = {
    "setting_outer_steps": "10",
    "setting_n_way": "2",
    "setting_outer_lr": "0.001",
    "setting_replay": "on",
    "setting_learner": "conv4",
    "seed": "3",
}


def url(name: str, row: Job | Pool) -> str:
    return reverse(f"job_{name}", args=[row.pk])


@pytest.fixture
def running(job: Job) -> Job:
    """Alice's job after its first step."""
    job = job_claim(job_id=job.pk, worker="w1")
    job_report(
        job=job,
        stage="warm-up",
        steps_done=1,
        total_steps=10,
        eta_s=90.0,
        metrics={1: {"replay": 0.5}},
    )
    job.refresh_from_db()
    return job


def test_the_team_sees_the_dashboard_but_only_the_owner_may_cancel(
    client: Client, bob: User, charlie: User, team: Team, running: Job
) -> None:
    Job.objects.filter(pk=running.pk).update(visibility="team", team=team)
    client.force_login(bob)
    assert client.get(url("detail", running)).status_code == 200
    assert client.get(url("live", running)).json()["can_cancel"] is False
    assert client.post(url("cancel", running)).status_code == 404
    client.force_login(charlie)
    for page in ("detail", "live", "preview"):
        assert client.get(url(page, running)).status_code == 404
    running.refresh_from_db()
    assert running.state == JobState.RUNNING


def test_the_launch_form_is_drawn_from_the_settings(
    client: Client, alice: User, catalogue: None, pool: Pool
) -> None:
    client.force_login(alice)
    page = client.get(url("new", pool)).content.decode()
    assert 'name="setting_outer_steps" value="10" min="1" max="1000"' in page
    assert "Rate. From 1e-06 to 1." in page
    assert '<option value="conv4" selected>' in page


def test_a_launch_leads_to_the_dashboard(
    client: Client, alice: User, catalogue: None, pool: Pool
) -> None:
    client.force_login(alice)
    answer: Any = client.post(url("new", pool), {"algorithm": "free", **SETTINGS})
    job = Job.objects.get()
    assert answer.url == url("detail", job)
    assert job.seed == 3
    assert job.settings["outer_lr"] == 0.001
    assert job.settings["replay"] is True


@pytest.fixture
def with_presets(db: None) -> None:
    """What a worker publishes about an algorithm that has presets."""
    catalogue_publish(algorithms=[WITH_PRESETS], architectures=[], version="1.0")


def replay(page: str) -> str:
    """The check box of that setting."""
    return re.search(r'<input[^>]*name="setting_replay"[^>]*>', page)[0]


def test_the_strip_of_presets_fills_in_the_form_and_says_what_the_chosen_one_is(
    client: Client, alice: User, with_presets: None, pool: Pool
) -> None:
    client.force_login(alice)
    page = client.get(url("new", pool)).content.decode()
    assert re.search(r'preset=standard"\s+aria-current="true">Standard</a>', page)
    assert re.search(r'preset=published"\s*>Published</a>', page)
    assert "What we take." in page and "As in the paper." not in page
    assert 'type="hidden" name="setting_preset" value="standard"' in page
    assert "checked" in replay(page)
    page = client.get(url("new", pool), {"preset": "published"}).content.decode()
    assert re.search(r'preset=published"\s+aria-current="true">', page)
    assert "As in the paper." in page
    assert 'name="setting_outer_steps" value="900"' in page
    assert 'type="hidden" name="setting_preset" value="published"' in page
    assert "checked" not in replay(page)


def test_an_unknown_preset_in_the_address_shows_the_default_one(
    client: Client, alice: User, with_presets: None, pool: Pool
) -> None:
    client.force_login(alice)
    page = client.get(url("new", pool), {"preset": "huge"}).content.decode()
    assert 'type="hidden" name="setting_preset" value="standard"' in page


def test_without_presets_there_is_no_strip(
    client: Client, alice: User, catalogue: None, pool: Pool
) -> None:
    client.force_login(alice)
    page = client.get(url("new", pool), {"preset": "published"}).content.decode()
    assert 'aria-label="Preset"' not in page and "setting_preset" not in page


def test_a_launch_with_a_preset_is_named_so_on_every_page_of_the_job(
    client: Client, alice: User, with_presets: None, pool: Pool
) -> None:
    client.force_login(alice)
    told = {**SETTINGS, "setting_preset": "published", "setting_outer_steps": "900"}
    client.post(url("new", pool), {**told, "setting_replay": ""})
    job = Job.objects.get()
    assert (job.settings["preset"], job.title) == ("published", "FREE (published)")
    client.post(url("new", pool), told)
    assert Job.objects.first().title == "FREE (published, 1 setting changed)"
    for page in (url("detail", job), reverse("job_list"), reverse("home")):
        assert "FREE (published) on" in client.get(page).content.decode()


def test_a_refused_launch_keeps_the_preset_and_shows_what_is_wrong_with_it(
    client: Client, alice: User, with_presets: None, pool: Pool
) -> None:
    client.force_login(alice)
    wrong = {**SETTINGS, "setting_preset": "published", "setting_n_way": "20"}
    page = client.post(url("new", pool), wrong).content.decode()
    assert 'type="hidden" name="setting_preset" value="published"' in page
    assert "As in the paper." in page
    answer = client.post(url("new", pool), {**SETTINGS, "setting_preset": "huge"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not Job.objects.exists()


def test_a_setting_that_the_pool_cannot_have_is_refused_beside_its_field(
    client: Client, alice: User, catalogue: None, pool: Pool
) -> None:
    client.force_login(alice)
    answer = client.post(url("new", pool), {**SETTINGS, "setting_n_way": "20"})
    assert answer.status_code == 422
    assert 'id="id_setting_n_way_error"' in answer.content.decode()
    assert not Job.objects.exists()


def test_without_a_worker_the_page_says_what_to_do(client: Client, alice: User, pool: Pool) -> None:
    client.force_login(alice)
    assert "No worker has started yet" in client.get(url("new", pool)).content.decode()


def test_the_dashboard_is_told_only_what_is_new(client: Client, alice: User, running: Job) -> None:
    MetricPoint.objects.create(job=running, name="replay", step=2, value=0.25)
    client.force_login(alice)
    everything = client.get(url("live", running)).json()
    assert everything["curves"] == {"replay": [[1, 0.5], [2, 0.25]]}
    assert len(everything["events"]) == 2
    last = everything["events"][-1]["id"]
    later = client.get(url("live", running), {"since": 1, "event": last}).json()
    assert later["curves"] == {"replay": [[2, 0.25]]}
    assert later["events"] == []
    assert (later["steps_done"], later["percent"], later["eta_s"]) == (1, 10, 90.0)


@pytest.mark.parametrize("rubbish", ["-1", "x", "9" * 40, "²"])
def test_rubbish_in_the_address_asks_for_everything(
    client: Client, alice: User, running: Job, rubbish: str
) -> None:
    client.force_login(alice)
    answer = client.get(url("live", running), {"since": rubbish, "event": rubbish})
    assert answer.json()["curves"] == {"replay": [[1, 0.5]]}


def test_a_running_job_is_asked_to_stop_and_a_second_time_says_so(
    client: Client, alice: User, running: Job
) -> None:
    client.force_login(alice)
    client.post(url("cancel", running))
    running.refresh_from_db()
    assert running.state == JobState.CANCELLING
    page = client.post(url("cancel", running), follow=True).content.decode()
    assert "already cancelling" in page


def test_a_cancelled_job_can_be_resumed(client: Client, alice: User, job: Job) -> None:
    client.force_login(alice)
    client.post(url("cancel", job))
    assert client.get(url("live", job)).json()["can_resume"] is True
    client.post(url("resume", job))
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


def test_a_finished_job_leads_to_its_meta_learner(
    client: Client, alice: User, running: Job
) -> None:
    learner = publish(running)
    job_move(job=running, to=JobState.SUCCEEDED)
    client.force_login(alice)
    live = client.get(url("live", running)).json()
    assert live["final"] is True
    assert live["learner_url"] == reverse("learner_detail", args=[learner.pk])


@pytest.fixture
def consented(running: Job) -> None:
    """The same, with everybody's consent to previews from the launch on."""
    running.pool.checkpoints.update(consent_preview=True)
    Job.objects.filter(pk=running.pk).update(previews=True)


def test_a_preview_is_shown_only_when_every_owner_consents(
    client: Client, alice: User, running: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "preview_or_none", lambda job_id: b"png")
    client.force_login(alice)
    assert client.get(url("preview", running)).status_code == 404
    running.pool.checkpoints.update(consent_preview=True)
    assert client.get(url("preview", running)).status_code == 404
    Job.objects.filter(pk=running.pk).update(previews=True)
    answer = client.get(url("preview", running))
    assert answer.content == b"png"
    assert "no-store" in answer["Cache-Control"]


def test_without_a_grid_now_there_is_nothing_to_show(
    client: Client, alice: User, running: Job, consented: None
) -> None:
    client.force_login(alice)
    assert client.get(url("preview", running)).status_code == 204


@pytest.mark.parametrize("recovers", [True, False])
def test_the_dashboard_speaks_of_recovered_images_only_where_there_are_any(
    client: Client, alice: User, running: Job, recovers: bool
) -> None:
    AlgorithmSpec.objects.filter(pk=running.algorithm).update(needs_recovery=recovers)
    client.force_login(alice)
    page = client.get(url("detail", running)).content.decode()
    assert ("Recovered images are not shown" in page) is recovers
    assert ("recovers no images" in page) is not recovers


def test_the_list_can_be_narrowed_to_a_state(client: Client, alice: User, running: Job) -> None:
    client.force_login(alice)
    assert (
        "No jobs in this state"
        in client.get(reverse("job_list"), {"state": "failed"}).content.decode()
    )
    assert "pool" in client.get(reverse("job_list"), {"state": "running"}).content.decode()


def test_a_refusal_that_belongs_to_no_field_is_shown_above_the_form(
    client: Client, alice: User, catalogue: None, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise DomainError("You have 20 unfinished jobs; cancel one or wait for one.")

    monkeypatch.setattr(views, "job_launch", refuse)
    client.force_login(alice)
    answer = client.post(url("new", pool), SETTINGS)
    assert "You have 20 unfinished jobs" in answer.content.decode()


def test_a_pool_is_named_only_to_whom_it_is_shown(
    client: Client, alice: User, charlie: User, job: Job
) -> None:
    Pool.objects.update(name="Secret birds", visibility="private")
    Job.objects.update(visibility="public")
    pages = (reverse("job_list"), reverse("job_detail", args=[job.pk]), reverse("home"))
    for page in pages:
        client.force_login(charlie)
        strangers = client.get(page).content.decode()
        assert "a pool that is not shared with you" in strangers
        assert "Secret birds" not in strangers
        client.force_login(alice)
        assert "Secret birds" in client.get(page).content.decode()
