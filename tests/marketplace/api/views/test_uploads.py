"""`uploads/`: tus 1.0.0 as a client sees it."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from marketplace.accounts.models import ApiToken, Team, User
from marketplace.checkpoints.models import Checkpoint
from marketplace.uploads.models import Upload
from tests.marketplace.api.tus import PIECE, SAID, TUS, UPLOADS, begin, send


def test_a_file_in_pieces_becomes_a_model(alice: User, client_of: Callable[..., Any]) -> None:
    client = client_of(alice)
    begun = begin(client)
    assert begun.status_code == 201 and begun["Upload-Offset"] == "0" and begun["Upload-Expires"]
    where = begun["Location"]
    first = send(client, where, 0, b"01234")
    assert (first.status_code, first["Upload-Offset"], first["Tus-Resumable"]) == (
        204,
        "5",
        "1.0.0",
    )
    head = client.head(where, **TUS)
    assert (head.status_code, head["Upload-Offset"], head["Upload-Length"]) == (200, "5", "10")
    assert head["Cache-Control"] == "no-store" and not head.content
    assert client.get(where).json()["offset"] == 5
    assert send(client, where, 5, b"56789")["Upload-Offset"] == "10"
    row = Checkpoint.objects.get()
    assert where.endswith(f"/{row.pk}/") and (row.name, row.mean) == ("Birds", [0.5])
    assert client.head(where, **TUS)["Upload-Offset"] == "10"


def test_a_plain_tus_client_says_everything_in_the_metadata(
    alice: User, client_of: Callable[..., Any]
) -> None:
    words = {**{key: json.dumps(value) for key, value in SAID.items()}, "filename": "birds.pt"}
    words |= {"name": "Birds", "licence": "mit"}
    text = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in words.items())
    client = client_of(alice)
    begun = client.generic(
        "POST", UPLOADS, HTTP_UPLOAD_LENGTH="10", HTTP_UPLOAD_METADATA=text, **TUS
    )
    assert begun.status_code == 201, begun.content
    assert client.head(begun["Location"], **TUS)["Upload-Metadata"] == text
    upload = Upload.objects.get()
    assert upload.fields["class_names"] == ["robin", "wren"]
    assert upload.fields["file_name"] == "birds.pt"
    bad = client.generic(
        "POST", UPLOADS, HTTP_UPLOAD_LENGTH="10", HTTP_UPLOAD_METADATA="name %%%", **TUS
    )
    assert bad.status_code == 400 and "base64" in bad.json()["detail"]


@pytest.mark.parametrize("concat", ["partial", "final;/api/v1/uploads/a /api/v1/uploads/b"])
def test_parts_that_are_to_be_put_together_are_refused(
    alice: User, client_of: Callable[..., Any], concat: str
) -> None:
    headers = {"HTTP_UPLOAD_LENGTH": "10", "HTTP_UPLOAD_CONCAT": concat, **TUS}
    answer = client_of(alice).post(UPLOADS, SAID, format="json", **headers)
    assert answer.status_code == 400 and "not supported" in answer.json()["detail"]
    assert not Upload.objects.exists()


def test_the_protocol_is_described_where_clients_ask_for_it(
    alice: User, client_of: Callable[..., Any]
) -> None:
    answer = client_of(alice).options(UPLOADS)
    assert answer.status_code == 204 and answer["Tus-Version"] == "1.0.0"
    assert set(answer["Tus-Extension"].split(",")) == {
        "creation", "termination", "expiration", "checksum"
    }  # fmt: skip
    assert int(answer["Tus-Max-Size"]) > 0 and "sha256" in answer["Tus-Checksum-Algorithm"]


@pytest.mark.parametrize("version", [None, "0.2.2"])
@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_another_version_is_refused(
    alice: User, client_of: Callable[..., Any], method: str, version: str | None
) -> None:
    client = client_of(alice)
    where = UPLOADS if method == "POST" else begin(client)["Location"]
    headers = {"HTTP_TUS_RESUMABLE": version} if version else {}
    answer = client.generic(method, where, b"", content_type=PIECE, **headers)
    assert answer.status_code == 412 and answer["Tus-Version"] == "1.0.0"
    assert Upload.objects.count() == int(method != "POST")


def test_an_upload_is_its_owners_alone(
    alice: User,
    bob: User,
    charlie: User,
    team: Team,
    client_of: Callable[..., Any],
    anybody: APIClient,
) -> None:
    said = {**SAID, "visibility": "team", "team": "Botany"}
    where = begin(client_of(alice), said=said)["Location"]
    for person in (bob, charlie):
        stranger = client_of(person)
        assert stranger.head(where, **TUS).status_code == 404
        assert stranger.get(where).status_code == 404
        assert send(stranger, where, 0, b"01234").status_code == 404
        assert stranger.delete(where, **TUS).status_code == 404
    assert send(anybody, where, 0, b"01234").status_code == 401
    assert begin(anybody).status_code == 401
    assert Upload.objects.get().offset == 0


def test_a_token_needs_the_scope_to_upload(alice: User, client_of: Callable[..., Any]) -> None:
    client = client_of(alice)
    where = begin(client)["Location"]
    ApiToken.objects.update(scopes=["read", "write"])
    assert begin(client).status_code == 403
    assert send(client, where, 0, b"01234").status_code == 403
    assert Upload.objects.get().offset == 0


def test_a_page_of_another_site_can_send_nothing(alice: User) -> None:
    browser: Any = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert browser.post(UPLOADS, SAID, content_type="application/json", **TUS).status_code == 403
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"HTTP_UPLOAD_OFFSET": "3"}, 409, "is at byte 0"),
        ({"HTTP_UPLOAD_OFFSET": "-1"}, 400, "Upload-Offset"),
        ({"HTTP_UPLOAD_OFFSET": "٣"}, 400, "Upload-Offset"),
        ({"HTTP_UPLOAD_OFFSET": "8"}, 413, "exceeds the announced length of 10 bytes"),
        ({"content_type": "application/octet-stream"}, 415, "media type"),
        ({"HTTP_UPLOAD_CHECKSUM": "md5 AAAA"}, 400, "sha256"),
        ({"HTTP_UPLOAD_CHECKSUM": "sha1 %"}, 400, "sha256"),
        ({"HTTP_UPLOAD_CHECKSUM": "sha1 AAAA"}, 460, "send it again"),
    ],
)
def test_a_piece_that_cannot_be_taken_is_a_problem_document(
    alice: User, client_of: Callable[..., Any], headers: dict[str, str], status: int, words: str
) -> None:
    client = client_of(alice)
    where = begin(client)["Location"]
    said = {"content_type": PIECE, "HTTP_UPLOAD_OFFSET": "0", **TUS, **headers}
    answer = client.generic("PATCH", where, b"01234", **said)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]
    assert Upload.objects.get().offset == 0


@pytest.mark.parametrize(
    ("length", "said", "status", "field"),
    [
        ("", SAID, 400, "Upload-Length"),
        ("1e3", SAID, 400, "Upload-Length"),
        ("0", SAID, 400, "file"),
        ("10", {**SAID, "name": ""}, 400, "name"),
        ("10", {**SAID, "class_names": ["one"]}, 400, "class_names"),
        ("10", {**SAID, "sha256": "x"}, 400, "sha256"),
        (str(10**17), SAID, 413, "file"),
    ],
)
def test_what_cannot_be_begun_is_refused_at_once(
    alice: User,
    client_of: Callable[..., Any],
    length: str,
    said: dict[str, int | str | list[Any]],
    status: int,
    field: str,
) -> None:
    answer = begin(client_of(alice), length, said)
    assert answer.status_code == status and field in answer.json()["errors"]
    assert not Upload.objects.exists()


def test_an_upload_can_be_given_up(
    alice: User, client_of: Callable[..., Any], own_files: Path
) -> None:
    client = client_of(alice)
    where = begin(client)["Location"]
    send(client, where, 0, b"01234")
    assert client.delete(where, **TUS).status_code == 204
    assert client.head(where, **TUS).status_code == 404
    assert not list((own_files / "incoming").iterdir())


@pytest.mark.parametrize("field", ["mean", "std"])
def test_a_number_of_hundreds_of_digits_is_no_number(
    alice: User, client_of: Callable[..., Any], field: str
) -> None:
    answer = begin(client_of(alice), said={**SAID, field: [10**400, 0.5, 0.5]})
    assert answer.status_code == 400 and field in answer.json()["errors"]


@pytest.mark.parametrize("length", ["", "many", "-5"])
def test_a_piece_has_to_say_how_long_it_is(
    alice: User, client_of: Callable[..., Any], length: str
) -> None:
    client = client_of(alice)
    where = begin(client)["Location"]
    answer = send(client, where, 0, b"01234", CONTENT_LENGTH=length)
    assert answer.status_code == 400 and "Content-Length" in answer.json()["detail"]
