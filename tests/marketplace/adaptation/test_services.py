"""One adaptation request: nothing of it stays, whatever happens."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.adaptation import sessions
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.services import adaptation_run, request_check
from marketplace.core.errors import Busy, DomainError
from marketplace.learners.models import MetaLearner
from tests.marketplace.adaptation.asking import SUPPORT


@pytest.mark.parametrize("where", ["enqueue", "_wait", "seal_pictures"])
def test_nothing_stays_when_anything_fails(
    learner: MetaLearner,
    alice: User,
    left: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(sessions, where, fail)
    with pytest.raises(RuntimeError):
        adaptation_run(user=alice, learner=learner, support=SUPPORT, query=[], calibrate=False)
    assert left() == [] and not AdaptationSession.objects.exists()


def test_a_time_out_is_said_and_nothing_stays(
    learner: MetaLearner, left: Callable[..., Any], settings: Settings
) -> None:
    settings.ADAPTATION_TIMEOUT_S = 0.01
    with pytest.raises(Busy, match="No worker answered"):
        adaptation_run(
            user=AnonymousUser(), learner=learner, support=SUPPORT, query=["AAAA"], calibrate=True
        )
    assert left() == [] and not AdaptationSession.objects.exists()


def examples(n_classes: int, per_class: int) -> list[dict[str, str]]:
    """So many classes with so many pictures each."""
    return [{"label": f"c{i}", "image": "A"} for i in range(n_classes) for _ in range(per_class)]


@pytest.mark.parametrize(("n_classes", "per_class"), [(2, 1), (20, 50), (2, 50), (20, 1)])
def test_the_ends_of_what_is_allowed(n_classes: int, per_class: int) -> None:
    request_check(support=examples(n_classes, per_class), query=["A"] * 200)


@pytest.mark.parametrize(
    ("support", "query", "field"),
    [
        (examples(1, 5), [], "support"),
        (examples(21, 1), [], "support"),
        (examples(2, 51), [], "support"),
        ([], [], "support"),
        ([*examples(2, 1), {"label": "  ", "image": "A"}], [], "support"),
        ([*examples(2, 1), {"label": "x" * 101, "image": "A"}], [], "support"),
        ([{"label": "a", "image": "A"}, {"label": " a ", "image": "A"}], [], "support"),
        (examples(2, 1), ["A"] * 201, "query"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_stored(
    support: list[Any], query: list[Any], field: str
) -> None:
    with pytest.raises(DomainError) as caught:
        request_check(support=support, query=query)
    assert set(caught.value.fields) == {field}
