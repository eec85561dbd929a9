"""The API keeps what its OpenAPI document promises, whatever is sent to it."""

import os
from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from marketplace.accounts.invitations import team_invite
from marketplace.accounts.models import Team, User
from marketplace.accounts.services import team_create, token_create
from marketplace.checkpoints.arrivals import checkpoint_upload_begin
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine
from marketplace.learners.models import MetaLearner
from marketplace.wsgi import application
from tests.marketplace.checkpoints.uploading import DRAFT
from tests.marketplace.conftest import *  # noqa: F403 - the same people and rows


def no_crash(ctx: Any, response: Any, case: Any) -> None:
    """Nobody can send what makes a bug show; 503 and 507 are honest answers."""
    assert response.status_code != 500


CHECKS = [
    no_crash,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


# A piece of an upload is sent as it is, like any other bytes.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """Requests share the connection with the test's transaction, as with Django's own client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@cache
def document() -> dict[str, str | dict[str, Any]]:
    """The OpenAPI document."""
    return SchemaGenerator().get_schema(public=True)


@cache
def operations() -> dict[str, Any]:
    """Every operation by name."""
    schema = schemathesis.openapi.from_dict(document())
    schema.app = application
    found = (result.ok() for result in schema.get_all_operations())
    return {operation.label: operation for operation in found}


def test_the_document_is_valid_and_every_operation_is_explained() -> None:
    validate_schema(document())
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            codes = set(operation["responses"])
            assert "schema" not in path or codes
            assert path.endswith("/schema/") or "401" in codes, (method, path)
            assert "{" not in path or "404" in codes, (method, path)
            assert method == "get" or "403" in codes, (method, path)


def test_every_call_of_the_contract_is_there() -> None:
    paths = document()["paths"]
    expected = {
        "checkpoints/": {"get", "post"},
        "checkpoints/{id}/": {"get", "patch", "delete"},
        "checkpoints/{id}/download/": {"get"},
        "checkpoints/{id}/check/": {"post"},
        "checkpoints/{id}/quarantine/": {"post", "delete"},
        "checkpoints/manifest/": {"post"},
        "uploads/": {"post"},
        "uploads/{id}/": {"get", "patch", "delete"},
        "pools/": {"get", "post"},
        "pools/{id}/": {"get", "patch", "delete"},
        "algorithms/": {"get"},
        "architectures/": {"get"},
        "jobs/": {"get", "post"},
        "jobs/{id}/": {"get"},
        "jobs/{id}/metrics/": {"get"},
        "jobs/{id}/events/": {"get"},
        "jobs/{id}/cancel/": {"post"},
        "jobs/{id}/resume/": {"post"},
        "learners/": {"get"},
        "learners/{id}/": {"get", "patch"},
        "learners/{id}/download/": {"get"},
        "learners/{id}/files/{path}": {"get"},
        "learners/{id}/adaptations/": {"post"},
        "teams/": {"get", "post"},
        "teams/{id}/": {"get", "patch", "delete"},
        "teams/{id}/members/": {"post"},
        "teams/{id}/members/{username}/": {"patch", "delete"},
        "invitations/": {"get"},
        "invitations/{id}/": {"delete"},
        "invitations/{id}/accept/": {"post"},
        "tokens/": {"get", "post"},
        "tokens/{id}/": {"get", "delete"},
        "credentials/revoke/": {"post"},
    }
    for path, methods in expected.items():
        assert set(paths[f"/api/v1/{path}"]) == methods, path


@pytest.fixture
def known_ids(learner: MetaLearner, settings: Settings, team: Team) -> dict[str, UUID]:
    """Ids of rows that are there."""
    settings.ADAPTATION_TIMEOUT_S = 0.01
    theirs = team_create(owner=User.objects.create_user("dora"), name="Zoology")
    team_invite(team=theirs, by=theirs.members.get(), username=learner.owner.username)
    return {
        "invitations": learner.owner.invitations.get().pk,
        "teams": team.pk,
        "tokens": token_create(user=learner.owner, name="another")[0].pk,
        "checkpoints": learner.job.pool.checkpoints.first().pk,
        "uploads": checkpoint_upload_begin(owner=learner.owner, draft=DRAFT, length=20).pk,
        "pools": learner.job.pool_id,
        "jobs": learner.job_id,
        "learners": learner.pk,
    }


def fuzz(
    operation: Any, alice: User, known_ids: dict[str, UUID], *, examples: int, round_: int = 0
) -> int:
    """Send so many cases, each rolled back; how many there were, as some calls take nothing."""
    sent, token = [], ""

    @seed(round_)
    @hypothesis_settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), known=st.booleans())
    def send(case: Any, known: bool) -> None:
        kind = case.path.split("/")[3]
        if known and "id" in case.path_parameters and kind in known_ids:
            case.path_parameters["id"] = str(known_ids[kind])
        with transaction.atomic():
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)
            transaction.set_rollback(True)
        sent.append(case)

    with transaction.atomic():
        _, token = token_create(user=alice, name="test")
        send()
        transaction.set_rollback(True)
    return len(sent)


@pytest.mark.parametrize("label", sorted(operations()))
def test_whatever_is_sent_the_answer_is_as_documented(
    label: str, alice: User, known_ids: dict[str, UUID]
) -> None:
    assert fuzz(operations()[label], alice, known_ids, examples=8) > 0


@pytest.mark.parametrize("label", sorted(label for label in operations() if "quarant" in label))
@pytest.mark.parametrize("held", [False, True])
def test_whatever_staff_send_about_quarantine_the_answer_is_as_documented(
    label: str, held: bool, alice: User, known_ids: dict[str, UUID]
) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    if held:
        row = Checkpoint.objects.get(pk=known_ids["checkpoints"])
        checkpoint_quarantine(checkpoint=row, by=alice, reason="Somebody asked for it.")
    wanted = int(os.environ.get("FREEHOLD_FUZZ_QUARANTINE", "8"))
    assert fuzz(operations()[label], alice, known_ids, examples=wanted) > 0


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_twenty_thousand_cases_find_no_crash_and_no_breach_of_the_document(
    alice: Any, known_ids: dict[str, UUID]
) -> None:
    wanted = int(os.environ.get("FREEHOLD_FUZZ_CASES", "20000"))
    # Parts of it can run beside each other, each from a seed of its own.
    first = round_ = int(os.environ.get("FREEHOLD_FUZZ_SEED", "1"))
    sent = 0
    while sent < wanted:
        round_ += 1
        for operation in operations().values():
            sent += fuzz(operation, alice, known_ids, examples=50, round_=round_)
    print(f"{sent} cases in {round_ - first} rounds over {len(operations())} operations")  # noqa: T201
    assert sent >= wanted
