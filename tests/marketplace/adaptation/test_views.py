"""The adaptation page."""

import pytest
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.urls import reverse

from marketplace.adaptation.views import _RUNTIME


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
    client, alice, learner, config, side
):
    learner.config = config
    learner.save()
    client.force_login(alice)
    page = client.get(reverse("learner_adapt", args=[learner.pk])).content.decode()
    assert f'data-image-side="{side}"' in page


def test_the_page_asks_the_call_of_the_contract(client, alice, learner):
    client.force_login(alice)
    page = client.get(reverse("learner_adapt", args=[learner.pk])).content.decode()
    assert f'data-url="/api/v1/learners/{learner.pk}/adaptations/"' in page


def test_a_learner_from_before_says_why_it_needs_the_server_and_chooses_nothing(
    client, alice, learner
):
    client.force_login(alice)
    page = client.get(reverse("learner_adapt", args=[learner.pk])).content.decode()
    assert "made before in-browser adaptation" in page
    assert " checked" not in page.split("data-classes")[0]


def test_the_page_knows_where_the_browser_finds_what_it_needs(client, alice, learner):
    learner.files = [{"path": "browser/browser.json", "size": 1, "sha256": "0" * 64}]
    learner.save()
    client.force_login(alice)
    page = client.get(reverse("learner_adapt", args=[learner.pk])).content.decode()
    assert "browser/browser.json" in page
    for path in _RUNTIME.values():
        assert static(path) in page
        assert finders.find(path)
