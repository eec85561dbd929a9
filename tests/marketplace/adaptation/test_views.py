"""The adaptation page."""

from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.adaptation.views import _RUNTIME
from marketplace.learners.models import MetaLearner


@pytest.mark.parametrize(
    ("config", "side"),
    [
        ({"architecture": {"image_size": 32}}, 256),
        ({"architecture": {"image_size": 84}}, 336),
        ({"architecture": {"image_size": 512}}, 1024),
        ({}, 256),
    ],
)
def test_pictures_are_scaled_to_a_few_times_what_the_network_sees(
    client: Client, alice: User, learner: MetaLearner, config: dict[str, Any], side: int
) -> None:
    learner.config = config
    learner.save()
    client.force_login(alice)
    page = client.get(reverse("learner_adapt", args=[learner.pk])).content.decode()
    assert f'data-image-side="{side}"' in page


def test_the_page_asks_the_call_of_the_contract(
    client: Client, alice: User, learner: MetaLearner
) -> None:
    client.force_login(alice)
    page = client.get(reverse("learner_adapt", args=[learner.pk])).content.decode()
    assert f'data-url="/api/v1/learners/{learner.pk}/adaptations/"' in page


def test_a_learner_from_before_says_why_it_needs_the_server_and_chooses_nothing(
    client: Client, alice: User, learner: MetaLearner
) -> None:
    client.force_login(alice)
    page = client.get(reverse("learner_adapt", args=[learner.pk])).content.decode()
    assert "made before in-browser adaptation" in page
    assert " checked" not in page.split("data-classes")[0]


def test_the_page_knows_where_the_browser_finds_what_it_needs(
    client: Client, alice: User, learner: MetaLearner
) -> None:
    learner.files = [{"path": "browser/browser.json", "size": 1, "sha256": "0" * 64}]
    learner.save()
    client.force_login(alice)
    page = client.get(reverse("learner_adapt", args=[learner.pk])).content.decode()
    assert "browser/browser.json" in page
    for path in _RUNTIME.values():
        assert static(path) in page
        assert finders.find(path)
