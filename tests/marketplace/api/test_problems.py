"""Errors are problem documents, whatever happens and whatever is accepted."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.accounts.models import User
from tests.marketplace.api.problem import assert_problem

API = "/api/v1"


def test_a_bug_is_a_500_problem_without_its_text_and_is_logged(
    client_of: Callable[..., Any],
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def bug(*_: Any) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr("marketplace.api.views.jobs.jobs_visible_to", bug)
    answer = client_of(alice).get(f"{API}/jobs/")
    assert_problem(answer, 500)
    assert "secret" not in answer.content.decode()
    assert "the secret inside" in caplog.text
