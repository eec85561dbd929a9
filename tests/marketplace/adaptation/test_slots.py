"""A web process always keeps threads for other requests."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.adaptation import sessions, slots
from marketplace.adaptation.models import AdaptationSession
from marketplace.core.errors import Busy
from marketplace.learners.models import MetaLearner
from tests.marketplace.adaptation.asking import adapt


def test_half_of_a_processs_threads_are_never_taken_by_adaptations(
    learner: MetaLearner,
    alice: User,
    left: Callable[..., Any],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.WEB_THREADS = 4
    monkeypatch.setattr(sessions, "_wait", lambda session, own_key: {})
    with slots.take_slot(), slots.take_slot():
        with pytest.raises(Busy, match="Too many adaptations") as refused:
            adapt(alice, learner)
        assert refused.value.headers["Retry-After"] == "10"
        assert left() == [] and not AdaptationSession.objects.exists()
    assert adapt(alice, learner) == {}
    assert slots._taken == 0
