"""Walk all pages: strangers to the site must sign in, strangers to a thing get 404."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from marketplace.accounts.models import User
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import Pool
from tests.marketplace.conftest import (  # noqa: F401 - fixtures
    _no_broker_and_own_files,
    alice,
    catalogue,
    charlie,
    job,
    launch,
    learner,
    make_checkpoint,
    make_pool,
    pool,
)

PUBLIC = {"home", "healthz", "readyz", "metrics"}
# Guarded in their own ways: Django's and allauth's pages, and the REST API by its own tests.
NOT_OURS = ("accounts/", "operator/", "api/")
# Lists show what one may see, and forms make things; there is no row of anybody's behind them.
WITHOUT_ROW = {
    "checkpoint_list",
    "checkpoint_upload",
    "pool_list",
    "pool_new",
    "pool_candidates",
    "pool_fit",
    "job_list",
    "learner_list",
    "account_close",
    "account_export",
    "account_settings",
    "profile_save",
    "token_new",
    "team_list",
}


def _patterns(resolver: Any, prefix: str = "") -> Iterator[tuple[Any, ...]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, route)
        elif isinstance(entry, URLPattern):
            yield entry.name, route


PAGES = {
    name: route
    for name, route in _patterns(get_resolver())
    if not route.lstrip("^").startswith(NOT_OURS)
}


def _fill(route: str, pk: int | UUID) -> str:
    route = route.replace("<uuid:pk>", str(pk)).replace("<int:user_pk>", "1")
    return "/" + re.sub(r"<path:path>", "config.json", route)


def _row_of(name: str, rows: dict[str, Any]) -> UUID:
    # A job is launched on a pool, and one adapts a learner.
    words = {"job_new": "pool", "token_revoke": "learner"}
    kind = words.get(name) or name.split("_")[0]
    return rows.get(kind, rows["learner"]).pk


@pytest.fixture
def rows(
    learner: MetaLearner, job: Job, pool: Pool, make_checkpoint: Callable[..., Any]
) -> dict[str, Any]:
    """Something of Alice's of every kind, private."""
    return {"checkpoint": make_checkpoint(), "pool": pool, "job": job, "learner": learner}


def test_there_are_pages_to_walk() -> None:
    assert {"home", "checkpoint_detail", "job_live", "learner_adapt"} <= set(PAGES)
    assert set(PAGES) >= PUBLIC | WITHOUT_ROW


@pytest.mark.parametrize("name", sorted(set(PAGES) - PUBLIC))
@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_not_signed_in_is_led_to_the_sign_in(
    client: Client, rows: dict[str, Any], name: str, method: str
) -> None:
    answer = getattr(client, method)(_fill(PAGES[name], _row_of(name, rows)))
    if answer.status_code == 405:
        return
    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/login/")


@pytest.mark.parametrize("name", sorted(set(PAGES) - PUBLIC - WITHOUT_ROW))
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_to_a_thing_gets_404_whatever_they_ask(
    client: Client,
    charlie: User,
    rows: dict[str, Any],
    name: str,
    method: str,
) -> None:
    client.force_login(charlie)
    answer = getattr(client, method)(_fill(PAGES[name], _row_of(name, rows)))
    assert answer.status_code in {404, 405}


@pytest.mark.parametrize("name", sorted(set(PAGES) - PUBLIC - WITHOUT_ROW))
def test_the_owner_gets_every_page_of_their_own(
    client: Client, alice: User, rows: dict[str, Any], name: str
) -> None:
    client.force_login(alice)
    answer = client.get(_fill(PAGES[name], _row_of(name, rows)))
    # A grid is there only while a job runs; tokens and members are posted to.
    assert answer.status_code in ({404} if name == "job_preview" else {200, 405, 409})


@pytest.mark.parametrize("name", sorted(WITHOUT_ROW))
def test_every_list_and_form_can_be_empty(client: Client, charlie: User, name: str) -> None:
    client.force_login(charlie)
    assert client.get(_fill(PAGES[name], 0)).status_code in {200, 405}


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"healthz", "readyz", "metrics"}))
def test_no_page_has_a_script_or_a_style_of_its_own(
    client: Client, alice: User, rows: dict[str, Any], name: str
) -> None:
    client.force_login(alice)
    answer = client.get(_fill(PAGES[name], _row_of(name, rows)))
    if not answer.headers.get("Content-Type", "").startswith("text/html"):
        return
    page = answer.content.decode()
    scripts = re.findall(r"<script([^>]*)>", page)
    assert all("src=" in script or "application/json" in script for script in scripts)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"", page)
    assert not re.search(r"(src|href)=\"(https?:)?//", page)


def test_a_page_forbids_everything_from_elsewhere(client: Client, db: None) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/nothing", "/models/not-an-id/", "/learners/1/"])
def test_a_page_that_is_not_there_says_so_in_our_words(client: Client, db: None, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Page not found" in answer.content.decode()
