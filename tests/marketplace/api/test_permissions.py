"""What a token may be used for."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient
from rest_framework.views import APIView

from marketplace.accounts.models import User
from marketplace.accounts.scopes import ALL_SCOPES
from marketplace.api.permissions import scope_of
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from tests.marketplace.api.narrow import Narrow

API = "/api/v1"
PROBLEM = "application/problem+json"
NEEDS = [
    ("get", "checkpoints/", "read"),
    ("post", "checkpoints/", "upload"),
    ("post", "pools/", "write"),
    ("post", "jobs/", "jobs"),
    ("get", "tokens/", "account"),
    ("post", "tokens/", "account"),
    ("post", "teams/", "account"),
    ("get", "teams/", "read"),
]


@pytest.mark.parametrize(("method", "path", "scope"), NEEDS)
def test_a_scope_that_is_missing_is_named_and_one_that_is_there_is_enough(
    narrow: Callable[..., Narrow], method: str, path: str, scope: str
) -> None:
    others = [name for name in ALL_SCOPES if name != scope]
    refused = getattr(narrow(*others), method)(f"{API}/{path}")
    assert (refused.status_code, refused["Content-Type"]) == (403, PROBLEM)
    assert refused.json()["scope"] == scope
    assert scope in refused.json()["detail"]
    assert getattr(narrow(scope), method)(f"{API}/{path}").status_code != 403


def test_the_scopes_of_actions_on_rows(
    narrow: Callable[..., Narrow], learner: MetaLearner, job: Job
) -> None:
    reader = narrow("read")
    for path, scope in [
        (f"jobs/{job.pk}/cancel/", "jobs"),
        (f"jobs/{job.pk}/resume/", "jobs"),
        (f"learners/{learner.pk}/adaptations/", "adapt"),
    ]:
        answer = reader.post(f"{API}/{path}", {})
        assert (answer.status_code, answer.json()["scope"]) == (403, scope)
    answer = reader.patch(f"{API}/learners/{learner.pk}/", {"name": "x"})
    assert (answer.status_code, answer.json()["scope"]) == (403, "write")


def test_what_nobody_thought_about_needs_write() -> None:
    assert scope_of(APIView(), "POST") == "write"
    assert scope_of(APIView(), "GET") == "read"


def test_a_session_needs_no_scope(alice: User) -> None:
    client = APIClient()
    client.force_login(alice)
    assert client.get(f"{API}/tokens/").status_code == 200
