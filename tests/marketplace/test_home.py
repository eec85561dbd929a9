"""The first page."""

from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.learners.models import MetaLearner


def test_a_stranger_reads_what_this_is(client: Client, db: None) -> None:
    page = client.get(reverse("home")).content.decode()
    assert "Turn trained models into one" in page
    assert "Data-free does not mean private" in page


def test_a_closed_sign_up_is_not_offered(client: Client, db: None, settings: Settings) -> None:
    settings.SIGN_UP_OPEN = False
    assert reverse("account_signup") not in client.get(reverse("home")).content.decode()


def test_who_is_signed_in_sees_what_they_did_and_what_comes_next(
    client: Client, alice: User, learner: MetaLearner
) -> None:
    client.force_login(alice)
    page = client.get(reverse("home")).content.decode()
    assert reverse("job_detail", args=[learner.job_id]) in page
    assert reverse("learner_adapt", args=[learner.pk]) in page


def test_a_newcomer_sees_the_steps_to_take(client: Client, charlie: User) -> None:
    client.force_login(charlie)
    assert "From models to predictions" in client.get(reverse("home")).content.decode()


def test_a_stranger_sees_nothing_of_others_on_the_first_page(
    client: Client, charlie: User, learner: MetaLearner
) -> None:
    client.force_login(charlie)
    page = client.get(reverse("home")).content.decode()
    assert str(learner.pk) not in page
    assert str(learner.job_id) not in page
