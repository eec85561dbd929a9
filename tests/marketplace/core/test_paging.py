"""Pages of long lists."""

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from marketplace.core import paging
from marketplace.core.paging import page_of


@pytest.fixture(autouse=True)
def _nothing_remembered():
    cache.clear()


def rows():
    from marketplace.accounts.models import User

    return User.objects.order_by("pk")


def page(number="1", size=2):
    return page_of(RequestFactory().get("/", {"page": number}), rows(), size=size)


@pytest.mark.parametrize(("asked", "given"), [("2", 2), ("99", 2), ("x", 1), ("-1", 2)])
def test_a_page_that_is_not_there_becomes_the_nearest_one(alice, bob, charlie, asked, given):
    assert page(asked).number == given


def test_a_short_list_is_counted_anew_each_time(alice, django_user_model):
    assert page().paginator.count == 1
    django_user_model.objects.create_user("dora")
    assert page().paginator.count == 2


def test_the_count_of_a_long_list_is_remembered(alice, bob, monkeypatch, django_user_model):
    monkeypatch.setattr(paging, "_SHORT", 1)
    assert page().paginator.count == 2
    django_user_model.objects.create_user("dora")
    assert page().paginator.count == 2
