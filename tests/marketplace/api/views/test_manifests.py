"""`checkpoints/manifest/`: several models in one request, all of them or none."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from marketplace import storage
from marketplace.accounts.models import Team, User
from marketplace.checkpoints.models import Checkpoint
from marketplace.queue import Task
from marketplace.uploads.clock import uploads_tick
from marketplace.uploads.models import Upload
from marketplace.uploads.quota import storage_used_by
from tests.marketplace.api.tus import TUS, UPLOADS, send

MANIFEST = "/api/v1/checkpoints/manifest/"
BIRDS = {"name": "Birds", "class_names": ["robin", "wren"], "licence": "mit", "channels": 1}


@pytest.fixture
def post(client_of: Callable[..., Any], alice: User) -> Callable[..., Any]:
    """Send a manifest, with files in parts of their own."""

    def send_it(
        models: Any,
        files: dict[str, bytes] | None = None,
        user: User = alice,
        key: str = "",
        **fields: Any,
    ) -> Any:
        headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
        said = {"models": models, **fields}
        if files is None:
            return client_of(user).post(MANIFEST, said, format="json", **headers)
        parts = {n: SimpleUploadedFile(f"{n}.pt", content) for n, content in files.items()}
        form = {"manifest": json.dumps(said), **parts}
        return client_of(user).post(MANIFEST, form, format="multipart", **headers)

    return send_it


@pytest.fixture
def hold(client_of: Callable[..., Any], alice: User) -> Callable[..., str]:
    """The id of an upload in pieces that waits for its manifest."""

    def begin(
        content: bytes = b"0123456789",
        whole: bool = True,
        user: User = alice,
        said: dict[str, Any] | None = None,
    ) -> str:
        client = client_of(user)
        begun = client.post(
            UPLOADS,
            said or {"held": True, "file_name": "beetles.pt"},
            format="json",
            HTTP_UPLOAD_LENGTH=str(len(content)),
            **TUS,
        )
        assert begun.status_code == 201, begun.content
        piece = content if whole else content[:-1]
        assert send(client, begun["Location"], 0, piece).status_code == 204
        return begun["Location"].rstrip("/").rpartition("/")[2]

    return begin


def test_files_in_parts_and_uploads_in_pieces_become_models_in_one_request(
    post: Callable[..., Any],
    hold: Callable[..., str],
    stored: Callable[..., Any],
    sent: list[Any],
    alice: User,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    pk = hold()
    models = [{**BIRDS, "part": "first"}, {"name": "Beetles", "upload": pk}]
    assert Checkpoint.objects.count() == 0
    with django_capture_on_commit_callbacks(execute=True):
        answer = post(models, {"first": b"tensors"})
    assert answer.status_code == 201, answer.content
    told = answer.json()["models"]
    assert [(one["name"], one["state"]) for one in told] == [
        ("Birds", "uploaded"),
        ("Beetles", "uploaded"),
    ]
    birds, beetles = (Checkpoint.objects.get(pk=one["id"]) for one in told)
    assert (birds.class_names, birds.licence, birds.file_name) == (
        ["robin", "wren"],
        "mit",
        "first.pt",
    )
    assert (str(beetles.pk), beetles.licence, beetles.file_name) == (pk, "unstated", "beetles.pt")
    assert (birds.upload_bytes, beetles.upload_bytes) == (7, 10)
    assert sorted(stored()) == sorted(storage.incoming_key(row.pk) for row in (birds, beetles))
    woken = [(str(Task.VALIDATE_CHECKPOINT), {"checkpoint_id": one["id"]}) for one in told]
    assert sent == woken and storage_used_by(alice) == 17


WRONG = [
    ({"name": ""}, "name"),
    ({"class_names": ["a"]}, "class_names"),
    ({"licence": "mine"}, "licence"),
    ({"visibility": "team"}, "team"),
    ({"image_size": 3}, "image_size"),
    ({"clases": ["a", "b"]}, "clases"),
    ({"mean": [1, "x"]}, "mean"),
    ({"part": "second"}, "part"),
    ({"upload": "6f1c7a2e-52a1-4c8f-9a0e-0d6b1f0a7c11"}, "upload"),
    ({"part": None}, "part"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG)
def test_one_wrong_entry_stops_all_and_is_named_with_its_field(
    post: Callable[..., Any], left_behind: Callable[..., Any], changes: dict[str, Any], field: str
) -> None:
    right, wrong = {**BIRDS, "part": "first"}, {**BIRDS, "name": "Owls", "part": "other"}
    answer = post([right, {**wrong, **changes}], {"first": b"x", "other": b"y"})
    assert answer.status_code == 400, answer.content
    (place, (sentence,)), *more = answer.json()["errors"].items()
    assert place == "models[1]" and not more
    name = changes.get("name", "Owls")
    assert sentence.startswith(f"Entry 2 (“{name}”), {field}: ")
    assert Checkpoint.objects.count() == 0 and left_behind() == []


def test_every_wrong_entry_is_told_of_at_once(
    post: Callable[..., Any], left_behind: Callable[..., Any]
) -> None:
    models = [
        {**BIRDS, "licence": "mine", "part": "a"},
        {**BIRDS, "part": "b"},
        {**BIRDS, "class_names": ["x", "x"], "image_size": 3, "part": "c"},
        7,
    ]
    answer = post(models[:3], {name: b"x" for name in "abc"}).json()
    assert list(answer["errors"]) == ["models[0]", "models[2]"]
    assert "2 of 3 entries" in answer["detail"]
    (sentence,) = answer["errors"]["models[2]"]
    assert "class_names: “x” is listed twice" in sentence and "; image_size: " in sentence
    assert "Entry 4" in str(post(models).json()["errors"])
    assert Checkpoint.objects.count() == 0 and left_behind() == []


@pytest.mark.parametrize("models", [[], None, "x", {}, [{**BIRDS, "part": "a"}] * 51])
def test_a_manifest_has_one_to_fifty_models(post: Callable[..., Any], models: Any) -> None:
    answer = post(models)
    assert answer.status_code == 400 and "models" in answer.json()["errors"]


def test_each_model_needs_a_file_of_its_own_and_each_file_a_model(
    post: Callable[..., Any], hold: Callable[..., str], left_behind: Callable[..., Any]
) -> None:
    pk = hold()
    twice = post([{"name": "a", "upload": pk}, {"name": "b", "upload": pk}])
    assert "same file" in str(twice.json()["errors"])
    unnamed = post([{"name": "a", "part": "x"}], {"x": b"1", "y": b"2"})
    assert unnamed.json()["errors"] == {"y": ["No entry of the manifest names this part."]}
    empty = post([{"name": "a", "part": "x"}], {"x": b""})
    assert empty.status_code == 400
    assert Checkpoint.objects.count() == 0


def test_what_is_not_whole_or_not_held_is_refused_with_the_cure(
    post: Callable[..., Any], hold: Callable[..., str]
) -> None:
    half, own = hold(whole=False), hold(said={"name": "own"})
    answer = post([{"name": "a", "upload": half}, {"name": "b", "upload": own}]).json()
    assert "Only 9 of its 10 bytes" in answer["errors"]["models[0]"][0]
    assert "becomes a model by itself" in answer["errors"]["models[1]"][0]
    assert Checkpoint.objects.get().name == "own"


def test_bob_and_charlie_cannot_use_alices_upload(
    post: Callable[..., Any], hold: Callable[..., str], bob: User, charlie: User, team: Team
) -> None:
    pk = hold()
    for person in (bob, charlie):
        answer = post([{"name": "mine", "upload": pk}], user=person)
        assert answer.status_code == 400 and "no such upload" in str(answer.json()["errors"])
    assert Checkpoint.objects.count() == 0
    shared = {"name": "ours", "upload": pk, "visibility": "team", "team": team.name}
    assert post([shared]).status_code == 201
    assert post([{**shared, "upload": hold(user=charlie)}], user=charlie).status_code == 400


def test_who_may_not_upload_hears_that(
    anybody: APIClient, alice: User, left_behind: Callable[..., Any]
) -> None:
    assert anybody.post(MANIFEST, {"models": []}, format="json").status_code == 401
    assert left_behind() == []


def test_the_same_key_gives_the_same_models_again(
    post: Callable[..., Any], hold: Callable[..., str], stored: Callable[..., Any]
) -> None:
    pk = hold()
    models, files = [{**BIRDS, "part": "a"}, {"name": "b", "upload": pk}], {"a": b"tensors"}
    first = post(models, files, key="once")
    assert first.status_code == 201
    assert post(models, files, key="once").json() == first.json()
    assert Checkpoint.objects.count() == 2 and len(stored()) == 2
    for other in ([{**BIRDS, "name": "x", "part": "a"}, models[1]], models[::-1]):
        assert post(other, files, key="once").status_code == 409
    assert post(models, {"a": b"others!"}, key="once").status_code == 409
    assert len(stored()) == 2


def test_an_upload_is_used_once(post: Callable[..., Any], hold: Callable[..., str]) -> None:
    pk = hold()
    assert post([{"name": "a", "upload": pk}]).status_code == 201
    assert post([{"name": "b", "upload": pk}]).status_code == 400


def test_the_quota_holds_for_the_sum(
    post: Callable[..., Any], left_behind: Callable[..., Any], settings: Settings
) -> None:
    settings.MAX_STORAGE_BYTES_PER_PERSON = 2_500
    models = [{"name": name, "part": name} for name in "ab"]
    answer = post(models, {"a": b"x" * 2_000, "b": b"x" * 2_000})
    assert answer.status_code == 507, answer.content
    assert "no room for this file" in answer.json()["errors"]["b"][0]
    assert Checkpoint.objects.count() == 0 and left_behind() == []
    assert post(models, {"a": b"x" * 700, "b": b"x" * 700}).status_code == 201


def test_a_held_upload_counts_until_it_is_given_up_or_forgotten(
    hold: Callable[..., str], alice: User, client_of: Callable[..., Any], stored: Callable[..., Any]
) -> None:
    pk = hold()
    assert storage_used_by(alice) == 10 and stored() == [f"incoming/{pk}"]
    assert client_of(alice).delete(f"{UPLOADS}{pk}/", **TUS).status_code == 204
    assert storage_used_by(alice) == 0 and stored() == []
    hold()
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    uploads_tick()
    assert storage_used_by(alice) == 0 and stored() == [] and not Upload.objects.exists()


def test_an_upload_that_became_a_model_leaves_its_file_when_it_is_forgotten(
    post: Callable[..., Any], hold: Callable[..., str], stored: Callable[..., Any]
) -> None:
    pk = hold()
    post([{"name": "a", "upload": pk}])
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    uploads_tick()
    assert stored() == [f"incoming/{pk}"] and not Upload.objects.exists()


def test_what_fails_in_the_middle_leaves_nothing_but_the_held_file(
    post: Callable[..., Any],
    hold: Callable[..., str],
    stored: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    sent: list[Any],
) -> None:
    pk = hold()

    def fails(*, checkpoint: Checkpoint) -> None:
        if checkpoint.name == "b":
            raise OSError("disk full")
        checkpoint.save(force_insert=True)

    models = [{"name": "c", "part": "c"}, {"name": "a", "upload": pk}, {"name": "b", "part": "b"}]
    with monkeypatch.context() as patched:
        patched.setattr("marketplace.checkpoints.manifests.checkpoint_arrived", fails)
        assert post(models, {"b": b"1", "c": b"2"}).status_code == 507
    assert Checkpoint.objects.count() == 0 and stored() == [f"incoming/{pk}"] and sent == []
    assert post(models, {"b": b"1", "c": b"2"}).status_code == 201


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", '{"models": [{"name": "\\ud800"}]}'])
def test_a_manifest_that_is_none_is_400(
    client_of: Callable[..., Any], alice: User, text: str
) -> None:
    answer = client_of(alice).post(MANIFEST, {"manifest": text}, format="multipart")
    assert answer.status_code == 400 and answer.json()["detail"]


def test_a_manifest_as_a_file_is_told_how_to_come(
    client_of: Callable[..., Any], alice: User
) -> None:
    form = {"manifest": SimpleUploadedFile("models.json", b"{}")}
    answer = client_of(alice).post(MANIFEST, form, format="multipart")
    assert answer.status_code == 400 and "manifest=<" in str(answer.json()["errors"])


def test_an_upload_that_is_not_held_needs_a_name(
    client_of: Callable[..., Any], alice: User
) -> None:
    begun = client_of(alice).post(
        UPLOADS, {"licence": "mit"}, format="json", HTTP_UPLOAD_LENGTH="9", **TUS
    )
    assert begun.status_code == 400 and "name" in begun.json()["errors"]
