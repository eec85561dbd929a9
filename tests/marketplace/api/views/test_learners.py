"""`learners/`: cards, files, adaptation."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from marketplace import storage
from marketplace.accounts.models import Team, User
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.sessions import session_answer, session_claim, unseal_pictures
from marketplace.adaptation.states import SessionState
from marketplace.learners.models import MetaLearner
from tests.marketplace.api.adapting import PICTURE, request_body
from tests.marketplace.conftest import LEARNER_FILES

URL = "/api/v1/learners/"


@pytest.fixture
def client(client_of: Callable[..., Any], alice: User) -> APIClient:
    """Alice's client."""
    return client_of(alice)


def test_the_card_lineage_and_files_are_shown(client: APIClient, learner: MetaLearner) -> None:
    row = client.get(f"{URL}{learner.pk}/").json()
    assert (row["name"], row["card"]) == ("FREE on pool", "# A card")
    (teacher,) = row["provenance"]
    assert teacher == {
        "name": "birds", "architecture": "conv4", "copied": False, "deleted": False,
    }  # fmt: skip
    assert {entry["path"] for entry in row["files"]} == set(LEARNER_FILES)
    assert row["size_bytes"] == sum(len(content) for content in LEARNER_FILES.values())
    assert (row["job"], row["pool"]) == (str(learner.job_id), str(learner.job.pool_id))


def test_the_zip_holds_every_file(client: APIClient, learner: MetaLearner) -> None:
    answer: Any = client.get(f"{URL}{learner.pk}/download/", HTTP_ACCEPT="application/zip")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == LEARNER_FILES
    assert answer["Content-Type"] == "application/zip"


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-9", 206, b"0123456789"),
        ("bytes=95-", 206, b"56789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=98-1000", 206, b"89"),
        ("bytes=100-", 416, b""),
        ("bytes=5-2", 416, b""),
        ("bytes=", 200, LEARNER_FILES["model.safetensors"]),
        ("bytes=0-1,3-4", 200, LEARNER_FILES["model.safetensors"]),
        ("lines=1-2", 200, LEARNER_FILES["model.safetensors"]),
    ],
)
def test_a_part_of_a_file(
    client: APIClient, learner: MetaLearner, asked: str, status: int, content: bytes
) -> None:
    answer = client.get(f"{URL}{learner.pk}/files/model.safetensors", HTTP_RANGE=asked)
    assert answer.status_code == status
    assert b"".join(answer) == content
    assert answer["ETag"] and answer["Accept-Ranges"] == "bytes"
    if status == 206:
        assert answer["Content-Range"].endswith("/100")
        assert answer["Content-Length"] == str(len(content))


def test_a_known_file_is_not_sent_again(client: APIClient, learner: MetaLearner) -> None:
    url = f"{URL}{learner.pk}/files/browser/adapt.onnx"
    first = client.get(url)
    assert b"".join(first) == b"graph"
    again = client.get(url, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")


def test_a_range_of_an_outdated_file_is_the_whole_file(
    client: APIClient, learner: MetaLearner
) -> None:
    url = f"{URL}{learner.pk}/files/model.safetensors"
    answer = client.get(url, HTTP_RANGE="bytes=0-1", HTTP_IF_RANGE='"older"')
    assert (answer.status_code, len(b"".join(answer))) == (200, 100)


@pytest.mark.parametrize(
    "path",
    ["nothing", "../checkpoints", "..%2f..%2fsecret-key", "browser/", "%2Fetc%2Fpasswd", "a%00b"],
)
def test_a_file_that_the_learner_does_not_have_is_404(
    client: APIClient, learner: MetaLearner, path: str
) -> None:
    answer = client.get(f"{URL}{learner.pk}/files/{path}")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_it_is_renamed_and_shared(client: APIClient, learner: MetaLearner, team: Team) -> None:
    answer = client.patch(
        f"{URL}{learner.pk}/", {"name": " Garden ", "visibility": "team", "team": "Botany"}
    )
    assert answer.status_code == 200
    row = answer.json()
    assert (row["name"], row["visibility"], row["team"]) == ("Garden", "team", "Botany")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 161}, "name"),
        ({"visibility": "odd"}, "visibility"),
        ({"visibility": "team"}, "team"),
        ({"card": "x"}, "card"),
    ],
)
def test_a_bad_change_names_the_field(
    client: APIClient, learner: MetaLearner, body: dict[str, str], field: str
) -> None:
    answer = client.patch(f"{URL}{learner.pk}/", body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_learners_are_found(client: APIClient, learner: MetaLearner) -> None:
    for query, count in [
        ("search=free", 1),
        ("algorithm=free", 1),
        ("algorithm=purer", 0),
        (f"pool={learner.job.pool_id}", 1),
        ("mine=false", 0),
        ("ordering=name", 1),
    ]:
        assert client.get(f"{URL}?{query}").json()["count"] == count, query


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """A worker that answers at once, and what it was given."""
    seen = []

    def work(session_id: str, answer: tuple[Any, ...]) -> None:
        session = session_claim(session_id=session_id)
        assert session is not None
        with storage.local_copy(storage.adaptation_key(session.pk)) as path:
            seen.append((path.read_bytes(), session.pk))
        session_answer(session=session, state=answer[0], answer=answer[1])

    def install(answer: tuple[Any, ...]) -> list[Any]:
        monkeypatch.setattr(
            "marketplace.adaptation.sessions.enqueue",
            lambda task, *, session_id, **_: work(session_id, answer),
        )
        return seen

    return install


ANSWER = {
    "labels": ["robin", "wren"],
    "predictions": [{"label": "robin", "probabilities": {"robin": 0.8, "wren": 0.2}}],
    "timings": {},
    "warnings": [],
}


def test_pictures_go_in_and_predictions_come_out_and_nothing_stays(
    client: APIClient,
    learner: MetaLearner,
    worker: Callable[..., list[Any]],
    stored: Callable[..., Any],
) -> None:
    seen = worker((SessionState.ANSWERED, ANSWER))
    answer = client.post(f"{URL}{learner.pk}/adaptations/", request_body())
    assert (answer.status_code, answer.json()) == (200, ANSWER)
    sealed, session_id = seen[0]
    assert PICTURE.encode() not in sealed
    given = json.loads(unseal_pictures(session_id, sealed))
    assert given == request_body(settings={})
    assert not AdaptationSession.objects.exists()
    assert stored("adaptations") == []


def test_what_the_worker_refuses_is_400_with_its_sentence(
    client: APIClient,
    learner: MetaLearner,
    worker: Callable[..., list[Any]],
    stored: Callable[..., Any],
) -> None:
    worker((SessionState.REFUSED, {"detail": "Picture 1 of “wren” cannot be read."}))
    answer = client.post(f"{URL}{learner.pk}/adaptations/", request_body())
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "Picture 1 of “wren” cannot be read.",
    )
    assert not AdaptationSession.objects.exists()
    assert stored("adaptations") == []


def test_a_silent_worker_is_503_and_nothing_stays(
    client: APIClient, learner: MetaLearner, settings: Settings, stored: Callable[..., Any]
) -> None:
    settings.ADAPTATION_TIMEOUT_S = 0.05
    answer = client.post(f"{URL}{learner.pk}/adaptations/", request_body())
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert not AdaptationSession.objects.exists()
    assert stored("adaptations") == []


def test_the_head_of_a_data_url_is_taken_off(
    client: APIClient, learner: MetaLearner, worker: Callable[..., list[Any]]
) -> None:
    seen = worker((SessionState.ANSWERED, ANSWER))
    body = request_body(query=[f"data:image/png;base64,{PICTURE}"])
    assert client.post(f"{URL}{learner.pk}/adaptations/", body).status_code == 200
    sealed, session_id = seen[0]
    assert json.loads(unseal_pictures(session_id, sealed))["query"] == [PICTURE]


def support(n_classes: int, per_class: int = 1) -> list[dict[str, str]]:
    """So many classes with so many pictures each."""
    return [
        {"label": f"class {index}", "image": PICTURE}
        for index in range(n_classes)
        for _ in range(per_class)
    ]


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"support": None}, "support", "null"),
        ({"support": "x"}, "support", ""),
        ({"support": []}, "support", "there are 0"),
        ({"support": support(1)}, "support", "there are 1"),
        ({"support": support(21)}, "support", "there are 21"),
        ({"support": support(2, 51)}, "support", "at most 50"),
        ({"support": [{}] * 20_000}, "support", "at most 1000"),
        ({"support": [{"label": "a"}]}, "support", "Entry 1, image"),
        ({"support": [{"image": PICTURE}]}, "support", "Entry 1, label"),
        ({"support": [*support(2), {"label": "", "image": PICTURE}]}, "support", "needs a name"),
        ({"support": [*support(2), {"label": "x" * 101, "image": PICTURE}]}, "support", "100"),
        ({"support": [*support(2), {"label": "a", "image": ""}]}, "support", "Entry 3, image"),
        ({"support": [*support(2), {"label": "a", "image": "?!"}]}, "support", "base64"),
        ({"support": [*support(2), {"label": "a", "image": 7}]}, "support", "base64"),
        ({"support": [*support(2), "x"]}, "support", "Entry 3"),
        ({"query": "x"}, "query", ""),
        ({"query": None}, "query", "null"),
        ({"query": ["?"]}, "query", "Entry 1"),
        ({"query": [PICTURE] * 201}, "query", "at most 200"),
        ({"calibrate": "perhaps"}, "calibrate", "boolean"),
        ({"settings": []}, "settings", ""),
        ({"pictures": []}, "pictures", "no such field"),
    ],
)
def test_a_bad_request_names_the_field_and_stores_nothing(
    client: APIClient,
    learner: MetaLearner,
    stored: Callable[..., Any],
    changes: dict[str, Any],
    field: str,
    text: str,
) -> None:
    answer = client.post(f"{URL}{learner.pk}/adaptations/", request_body(**changes))
    assert answer.status_code == 400, answer.content
    assert any(text in sentence for sentence in answer.json()["errors"][field])
    assert stored("adaptations") == []


def test_a_body_above_the_limit_is_413(
    client: APIClient, learner: MetaLearner, settings: Settings
) -> None:
    settings.MAX_BODY_BYTES = 100
    answer = client.post(f"{URL}{learner.pk}/adaptations/", request_body())
    assert answer.status_code == 413


def test_nobody_adapts_what_they_may_not_see(
    client_of: Callable[..., Any], charlie: User, learner: MetaLearner, own_files: Path
) -> None:
    answer = client_of(charlie).post(f"{URL}{learner.pk}/adaptations/", request_body())
    assert answer.status_code == 404
    assert not AdaptationSession.objects.exists()


def test_too_many_adaptations_at_once_are_told_when_to_try_again(
    client: APIClient, alice: User, learner: MetaLearner
) -> None:
    for _ in range(2):
        AdaptationSession.objects.create(learner=learner, user=alice)
    support = [{"label": label, "image": PICTURE} for label in ("robin", "wren")]
    answer = client.post(
        f"{URL}{learner.pk}/adaptations/", {"support": support, "query": [PICTURE]}
    )
    assert (answer.status_code, answer["Retry-After"]) == (429, "10")
    assert "try again" in answer.json()["detail"]
