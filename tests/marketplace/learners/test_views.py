"""Pages of meta-learners: Alice owns, Bob is on her team, Charlie is a stranger."""

import io
import zipfile
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import Team, User
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import Pool
from tests.marketplace.conftest import LEARNER_FILES


def url(name: str, row: MetaLearner, *more: Any) -> str:
    return reverse(f"learner_{name}", args=[row.pk, *more])


@pytest.fixture
def team_learner(learner: MetaLearner, team: Team) -> MetaLearner:
    """Alice's meta-learner, shared with her team."""
    MetaLearner.objects.filter(pk=learner.pk).update(visibility="team", team=team)
    return learner


@pytest.mark.parametrize("page", ["detail", "download", "adapt"])
def test_the_team_sees_a_shared_learner_and_a_stranger_gets_404(
    client: Client, alice: User, bob: User, charlie: User, team_learner: MetaLearner, page: str
) -> None:
    answers = []
    for person in (alice, bob, charlie):
        client.force_login(person)
        answers.append(client.get(url(page, team_learner)).status_code)
    assert answers == [200, 200, 404]


def test_only_the_owner_can_rename_or_share_it(
    client: Client, alice: User, bob: User, team_learner: MetaLearner
) -> None:
    said = {"name": "Renamed", "visibility": "public"}
    client.force_login(bob)
    assert client.post(url("edit", team_learner), said).status_code == 404
    client.force_login(alice)
    assert client.post(url("edit", team_learner), said).status_code == 302
    team_learner.refresh_from_db()
    assert (team_learner.name, team_learner.visibility) == ("Renamed", "public")


def test_sharing_with_a_team_needs_a_team(
    client: Client, alice: User, learner: MetaLearner
) -> None:
    client.force_login(alice)
    answer = client.post(url("edit", learner), {"name": "x", "visibility": "team"})
    assert "Choose the team that may see it." in answer.content.decode()


def test_the_download_is_a_zip_of_the_learner_directory(
    client: Client, alice: User, learner: MetaLearner
) -> None:
    client.force_login(alice)
    answer: Any = client.get(url("download", learner))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == LEARNER_FILES


def test_one_file_comes_in_parts_when_asked(
    client: Client, alice: User, learner: MetaLearner
) -> None:
    client.force_login(alice)
    headers = {"Range": "bytes=0-3"}
    answer: Any = client.get(url("file", learner, "model.safetensors"), headers=headers)
    assert answer.status_code == 206
    assert b"".join(answer.streaming_content) == b"0123"


@pytest.mark.parametrize("path", ["other.bin", "../secret-key", "model.safetensors/..", "browser"])
def test_only_the_files_that_it_lists_can_be_had(
    client: Client, alice: User, learner: MetaLearner, path: str
) -> None:
    client.force_login(alice)
    assert client.get(f"/learners/{learner.pk}/files/{path}").status_code == 404


def test_where_it_came_from_is_named_only_to_whom_that_is_shown(
    client: Client, alice: User, charlie: User, learner: MetaLearner
) -> None:
    Pool.objects.update(name="Secret birds")
    MetaLearner.objects.update(name="Ours", visibility="public")
    job = reverse("job_detail", args=[learner.job_id])
    for page in (reverse("learner_list"), url("detail", learner)):
        client.force_login(charlie)
        strangers = client.get(page).content.decode()
        assert "a pool that is not shared with you" in strangers
        assert "Secret birds" not in strangers and job not in strangers
        client.force_login(alice)
        own = client.get(page).content.decode()
        assert "Secret birds" in own and job in own
