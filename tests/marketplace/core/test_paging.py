"""Pages of long lists."""

from typing import Any

import pytest
from django.core.cache import cache
from django.db.models import QuerySet
from django.test import RequestFactory

from marketplace.accounts.models import User
from marketplace.core import paging
from marketplace.core.paging import page_of


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    cache.clear()


def rows() -> QuerySet[Any]:
    from marketplace.accounts.models import User

    return User.objects.order_by("pk")


def page(number: str = "1", size: int = 2) -> Any:
    return page_of(RequestFactory().get("/", {"page": number}), rows(), size=size)


@pytest.mark.parametrize(("asked", "given"), [("2", 2), ("99", 2), ("x", 1), ("-1", 2)])
def test_a_page_that_is_not_there_becomes_the_nearest_one(
    alice: User, bob: User, charlie: User, asked: str, given: int
) -> None:
    assert page(asked).number == given


def test_a_short_list_is_counted_anew_each_time(alice: User, django_user_model: type[User]) -> None:
    assert page().paginator.count == 1
    django_user_model.objects.create_user("dora")
    assert page().paginator.count == 2


def test_the_count_of_a_long_list_is_remembered(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch, django_user_model: type[User]
) -> None:
    monkeypatch.setattr(paging, "_SHORT", 1)
    assert page().paginator.count == 2
    django_user_model.objects.create_user("dora")
    assert page().paginator.count == 2
