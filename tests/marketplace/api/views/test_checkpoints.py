"""`checkpoints/`."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from marketplace import storage
from marketplace.accounts.models import Team, User
from marketplace.checkpoints.models import Checkpoint
from marketplace.jobs.models import Job

URL = "/api/v1/checkpoints/"


def form(**changes: Any) -> dict[str, Any]:
    """A form that is right, except for the changes; None leaves a field out."""
    said = {
        "file": SimpleUploadedFile("model.safetensors", b"tensors of a model"),
        "name": "Birds",
        "architecture": "conv4",
        "class_names": json.dumps(["robin", "wren"]),
        "image_size": 32,
        "channels": 3,
        "mean": json.dumps([0.5, 0.5, 0.5]),
        "std": json.dumps([0.25, 0.25, 0.25]),
        "licence": "mit",
        "consent_recovery": "true",
        "visibility": "public",
    }
    return {k: v for k, v in {**said, **changes}.items() if v is not None}


@pytest.fixture
def upload(
    client_of: Callable[..., Any],
    alice: User,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> Callable[..., Any]:
    """Alice uploads the form."""
    client = client_of(alice)

    def send(**changes: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(URL, form(**changes), format="multipart")

    return send


def test_an_upload_is_stored_hashed_and_sent_to_a_worker(
    upload: Callable[..., Any], sent: list[Any], own_files: Path
) -> None:
    answer = upload()
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert row["state"] == "uploaded" and row["owner"] == "alice"
    assert row["class_names"] == ["robin", "wren"] and row["mean"] == [0.5] * 3
    assert row["consent_recovery"] is True and row["visibility"] == "public"
    assert row["upload_sha256"] == hashlib.sha256(b"tensors of a model").hexdigest()
    assert row["upload_bytes"] == 18
    assert sent == [("worker.validate_checkpoint", {"checkpoint_id": row["id"]})]
    with storage.local_copy(storage.incoming_key(row["id"])) as path:
        assert path.read_bytes() == b"tensors of a model"
    assert list((own_files / "incoming").iterdir()) == []
    assert answer.headers["Location"].endswith(f"{URL}{row['id']}/")
    assert Checkpoint.objects.get().owner.username == "alice"


LIBERAL = [
    ({"class_names": ["robin", "wren"]}, ["robin", "wren"]),
    ({"class_names": "robin, wren"}, ["robin", "wren"]),
    ({"class_names": ' ["robin", "wren"] '}, ["robin", "wren"]),
]


@pytest.mark.parametrize(("changes", "names"), LIBERAL)
def test_lists_may_be_json_repeated_or_separated_by_commas(
    upload: Callable[..., Any], changes: dict[str, Any], names: list[str]
) -> None:
    answer = upload(mean="0.5,0.5,0.5", std=["0.2", "0.2", "0.2"], **changes)
    assert answer.status_code == 201, answer.content
    assert answer.json()["class_names"] == names
    assert answer.json()["std"] == [0.2] * 3


def test_what_may_be_left_out_has_careful_defaults(upload: Callable[..., Any]) -> None:
    answer = upload(architecture=None, visibility=None, consent_recovery=None)
    row = answer.json()
    assert (answer.status_code, row["architecture"], row["visibility"]) == (201, "", "private")
    assert row["consent_recovery"] is False and row["consent_preview"] is False


def test_a_preview_is_never_consented_to_without_recovery(upload: Callable[..., Any]) -> None:
    answer = upload(consent_recovery="false", consent_preview="true")
    assert answer.json()["consent_preview"] is False


def test_a_team_is_named_by_name_or_id(upload: Callable[..., Any], team: Team) -> None:
    for said in ("Botany", str(team.pk)):
        answer = upload(visibility="team", team=said)
        assert (answer.status_code, answer.json()["team"]) == (201, "Botany")


BAD = [
    ({"file": None}, "file"),
    ({"file": "text instead of a file"}, "file"),
    ({"name": None}, "name"),
    ({"name": "   "}, "name"),
    ({"name": "x" * 121}, "name"),
    ({"name": "nul\0"}, "name"),
    ({"class_names": '["one"]'}, "class_names"),
    ({"class_names": '["one", "one"]'}, "class_names"),
    ({"class_names": '["one", ""]'}, "class_names"),
    ({"class_names": '["one", {"a": 1}]'}, "class_names"),
    ({"class_names": '["unclosed"'}, "class_names"),
    ({"class_names": '{"a": 1}'}, "class_names"),
    ({"class_names": "[" * 3000}, "class_names"),
    ({"class_names": json.dumps(["x" * 101, "y"])}, "class_names"),
    ({"class_names": json.dumps([str(i) for i in range(10_001)])}, "class_names"),
    ({"image_size": "big"}, "image_size"),
    ({"image_size": 10**9}, "image_size"),
    ({"channels": 2}, "channels"),
    ({"channels": -1}, "channels"),
    ({"mean": "[0.5]"}, "mean"),
    ({"mean": "[NaN, 0, 0]"}, "mean"),
    ({"mean": "[127, 127, 127]"}, "mean"),
    ({"mean": '["a", "b", "c"]'}, "mean"),
    ({"std": "[0, 0.2, 0.2]"}, "std"),
    ({"std": "[1e999, 0.2, 0.2]"}, "std"),
    ({"licence": "mine"}, "licence"),
    ({"visibility": "secret"}, "visibility"),
    ({"visibility": "team"}, "team"),
    ({"visibility": "team", "team": "strangers"}, "team"),
    ({"team": "nul\0"}, "team"),
    ({"consent_recovery": "perhaps"}, "consent_recovery"),
    ({"description": "x" * 20_001}, "description"),
]


@pytest.mark.parametrize("name", ["class_names", "image_size", "channels", "mean", "std"])
def test_what_is_left_out_is_left_to_the_file(upload: Callable[..., Any], name: str) -> None:
    answer = upload(**{name: None})
    assert answer.status_code == 201, answer.content
    assert not answer.json()[name]


def test_what_was_assumed_is_told(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    filled = {"class_names": "imagenet", "normalisation": "architecture"}
    row = make_checkpoint("model", reading={"told_by": "tensors", "filled": filled})
    client.force_login(alice)
    assert client.get(f"/api/v1/checkpoints/{row.pk}/").json()["reading"]["filled"] == filled


@pytest.mark.parametrize(("changes", "field"), BAD)
def test_bad_input_names_the_field_and_leaves_nothing(
    upload: Callable[..., Any], left_behind: Callable[..., Any], changes: dict[str, Any], field: str
) -> None:
    answer = upload(**changes)
    assert answer.status_code == 400, answer.content
    problem = answer.json()
    assert set(problem["errors"]) == {field}
    assert all(isinstance(text, str) and text for text in problem["errors"][field])
    assert not Checkpoint.objects.exists()
    assert left_behind() == []


def test_an_empty_file_is_refused(upload: Callable[..., Any]) -> None:
    answer = upload(file=SimpleUploadedFile("model.pt", b""))
    assert answer.status_code == 400
    assert answer.json()["errors"]["file"] == ["The file is empty; choose another one."]


def test_a_file_above_the_limit_is_413_and_leaves_nothing(
    upload: Callable[..., Any], settings: Settings, left_behind: Callable[..., Any]
) -> None:
    settings.MAX_CHECKPOINT_BYTES = 10
    answer = upload()
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")
    assert not Checkpoint.objects.exists()
    assert left_behind() == []


def test_a_full_quota_is_507(
    upload: Callable[..., Any], settings: Settings, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint(content=b"x" * 100)
    settings.MAX_STORAGE_BYTES_PER_PERSON = 110
    answer = upload()
    assert answer.status_code == 507
    assert "delete a model" in answer.json()["detail"]


def test_a_full_disk_is_507_and_leaves_nothing(
    upload: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, left_behind: Callable[..., Any]
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        "django.core.files.uploadedfile.TemporaryUploadedFile.write", full, raising=False
    )
    answer = upload()
    assert answer.status_code == 507
    assert "disk" in answer.json()["detail"]
    assert left_behind() == []


def test_a_storage_that_fails_is_507_and_leaves_no_row(
    upload: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, left_behind: Callable[..., Any]
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("marketplace.storage.adopt_file", full)
    assert upload().status_code == 507
    assert not Checkpoint.objects.exists()
    assert left_behind() == []


def test_a_stranger_cannot_have_a_file_written(
    anybody: APIClient, own_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the body was read")

    monkeypatch.setattr("django.http.multipartparser.MultiPartParser.parse", never)
    answer = anybody.post(URL, form(), format="multipart")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"


def test_an_upload_must_be_a_form(client_of: Callable[..., Any], alice: User) -> None:
    answer = client_of(alice).post(URL, {"name": "x"}, format="json")
    assert (answer.status_code, answer["Content-Type"]) == (415, "application/problem+json")


def test_a_form_that_breaks_off_is_400_and_leaves_nothing(
    client_of: Callable[..., Any], alice: User, left_behind: Callable[..., Any]
) -> None:
    head = b'--X\r\nContent-Disposition: form-data; name="file"; filename="m.pt"\r\n\r\nabc'
    answer = client_of(alice).generic(
        "POST", URL, head, content_type="multipart/form-data; boundary=X"
    )
    assert answer.status_code == 400
    assert left_behind() == []


def test_a_form_without_boundary_is_400(client_of: Callable[..., Any], alice: User) -> None:
    answer = client_of(alice).generic("POST", URL, b"abc", content_type="multipart/form-data")
    assert answer.status_code == 400


def test_changes_are_made_and_unknown_fields_named(
    client_of: Callable[..., Any], alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint()
    client = client_of(alice)
    answer = client.patch(f"{URL}{row.pk}/", {"description": "Grey", "visibility": "public"})
    assert (answer.status_code, answer.json()["description"]) == (200, "Grey")
    answer = client.patch(f"{URL}{row.pk}/", {"descriptoin": "Grey"})
    assert answer.status_code == 400 and "descriptoin" in answer.json()["errors"]


@pytest.mark.parametrize(
    "body",
    [
        {"visibility": "all"},
        {"visibility": None},
        {"licence": "none"},
        {"consent_recovery": "perhaps"},
        {"consent_recovery": None},
        {"team": ["x"]},
        {"team": {"a": 1}},
        {"description": None},
        {"description": ["x"]},
        [],
        "text",
        3,
    ],
)
def test_bad_changes_are_400(
    client_of: Callable[..., Any], alice: User, make_checkpoint: Callable[..., Any], body: Any
) -> None:
    answer = client_of(alice).patch(f"{URL}{make_checkpoint().pk}/", body)
    assert answer.status_code == 400, answer.content


def test_consent_withdrawn_takes_the_preview_along(
    client_of: Callable[..., Any], alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(consent_preview=True)
    answer = client_of(alice).patch(f"{URL}{row.pk}/", {"consent_recovery": False})
    assert answer.json()["consent_preview"] is False


def test_a_model_is_deleted_with_its_file(
    client_of: Callable[..., Any],
    alice: User,
    make_checkpoint: Callable[..., Any],
    left_behind: Callable[..., Any],
) -> None:
    row = make_checkpoint()
    assert client_of(alice).delete(f"{URL}{row.pk}/").status_code == 204
    assert not Checkpoint.objects.exists()
    assert left_behind() == []


def test_a_model_that_a_job_used_is_deleted_and_found_no_more(
    client_of: Callable[..., Any], alice: User, job: Job
) -> None:
    row = job.pool.checkpoints.first()
    client = client_of(alice)
    assert client.delete(f"{URL}{row.pk}/").status_code == 204
    assert client.get(f"{URL}{row.pk}/").status_code == 404


def test_a_valid_model_can_be_downloaded_in_parts(
    client_of: Callable[..., Any], alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(content=b"0123456789")
    client = client_of(alice)
    whole = client.get(f"{URL}{row.pk}/download/")
    assert whole.getvalue() == b"0123456789"
    part = client.get(f"{URL}{row.pk}/download/", HTTP_RANGE="bytes=2-4")
    assert (part.status_code, part.getvalue()) == (206, b"234")
    known = client.get(f"{URL}{row.pk}/download/", HTTP_IF_NONE_MATCH=whole["ETag"])
    assert known.status_code == 304


@pytest.mark.parametrize("state", ["uploaded", "validating", "rejected"])
def test_a_model_that_is_not_valid_cannot_be_downloaded(
    client_of: Callable[..., Any], alice: User, make_checkpoint: Callable[..., Any], state: str
) -> None:
    row = make_checkpoint(state=state)
    assert client_of(alice).get(f"{URL}{row.pk}/download/").status_code == 409


def test_a_rejected_model_says_why(
    client_of: Callable[..., Any], alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(state="rejected", reason="It has 3 outputs, but 2 names.")
    answer = client_of(alice).get(f"{URL}{row.pk}/").json()
    assert (answer["state"], answer["reason"]) == ("rejected", "It has 3 outputs, but 2 names.")


@pytest.mark.parametrize("page", ["0", "99", "x", "-1", "9" * 40, "9" * 5000, "1e1000000"])
def test_a_page_that_is_not_there_is_404(
    client_of: Callable[..., Any], alice: User, page: str
) -> None:
    assert client_of(alice).get(f"{URL}?page={page}").status_code == 404


def test_a_page_says_how_many_there_are(
    client_of: Callable[..., Any], alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    for index in range(3):
        make_checkpoint(f"model {index}")
    page = client_of(alice).get(f"{URL}?page_size=2").json()
    assert (page["count"], len(page["results"]), page["previous"]) == (3, 2, None)
    assert "page=2" in page["next"]


def test_a_list_takes_as_many_queries_for_many_as_for_one(
    client_of: Callable[..., Any],
    alice: User,
    make_checkpoint: Callable[..., Any],
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    client = client_of(alice)
    for index in range(20):
        make_checkpoint(f"model {index}")
    with django_assert_max_num_queries(7):
        assert len(client.get(URL).json()["results"]) == 20


def test_an_upload_that_is_sent_again_with_its_key_is_answered_with_the_same_model(
    client_of: Callable[..., Any], alice: User, own_files: Path, sent: list[Any]
) -> None:
    client = client_of(alice)
    first, second = (
        client.post(URL, form(), format="multipart", HTTP_IDEMPOTENCY_KEY="k") for _ in range(2)
    )
    assert first.status_code == second.status_code == 201
    assert first.json()["id"] == second.json()["id"]
    other = client.post(URL, form(name="Owls"), format="multipart", HTTP_IDEMPOTENCY_KEY="k")
    assert other.status_code == 409
    assert "Idempotency-Key" in other.json()["detail"]


@pytest.fixture
def patch(client_of: Callable[..., Any], alice: User) -> Callable[..., Any]:
    """Alice changes a model."""
    client = client_of(alice)
    return lambda row, **values: client.patch(f"{URL}{row.pk}/", values, format="json")


def test_a_change_that_a_worker_checks_is_pending_until_it_has(
    patch: Callable[..., Any], make_checkpoint: Callable[..., Any], catalogue: None
) -> None:
    row = make_checkpoint()
    names = ["wren", "owl"]
    answer = patch(row, class_names=names, image_size=16, name="Birds 2")
    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert (said["state"], said["name"], said["image_size"]) == ("uploaded", "Birds 2", 32)
    assert said["pending"] == {"class_names": names, "image_size": 16}


def test_a_rejected_model_is_fixed_without_sending_the_file_again(
    patch: Callable[..., Any], make_checkpoint: Callable[..., Any]
) -> None:
    until = timezone.now() + timedelta(hours=1)
    row = make_checkpoint(
        state="rejected", reason="Choose.", reading={"candidates": ["conv4"]}, original_until=until
    )
    answer = patch(row, architecture="conv4", weights="", mean=[0.1, 0.2, 0.3], channels=3)
    said = answer.json()
    assert (answer.status_code, said["state"], said["reason"]) == (200, "uploaded", "")
    assert (said["mean"], said["architecture"], said["pending"]) == ([0.1, 0.2, 0.3], "conv4", {})


def test_what_cannot_be_read_again_is_a_conflict(
    patch: Callable[..., Any], make_checkpoint: Callable[..., Any], job: Job
) -> None:
    for row in (make_checkpoint(state="rejected"), job.pool.checkpoints.first()):
        answer = patch(row, class_names=["wren", "owl"])
        assert answer.status_code == 409 and answer.json()["detail"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"class_names": "wren, owl"}, "class_names"),
        ({"class_names": ["wren"]}, "class_names"),
        ({"mean": [0.5]}, "mean"),
        ({"std": ["x"]}, "std"),
        ({"weights": "best"}, "weights"),
        ({"name": ""}, "name"),
        ({"image_size": 1e9}, "image_size"),
        ({"file_name": "x"}, "file_name"),
    ],
)
def test_a_bad_change_names_its_field(
    patch: Callable[..., Any],
    make_checkpoint: Callable[..., Any],
    values: dict[str, Any],
    field: str,
) -> None:
    answer = patch(make_checkpoint(), **values)
    assert answer.status_code == 400 and field in answer.json()["errors"]


def test_why_a_change_was_refused_is_told_to_the_owner_alone(
    client_of: Callable[..., Any],
    alice: User,
    charlie: User,
    make_checkpoint: Callable[..., Any],
    shared: Any,
) -> None:
    row = make_checkpoint(reason="Name 3.", pending={"image_size": 16}, **shared.public)
    for person, reason in ((alice, "Name 3."), (charlie, "")):
        said = client_of(person).get(f"{URL}{row.pk}/").json()
        assert (said["reason"], said["pending"]) == (reason, {})
