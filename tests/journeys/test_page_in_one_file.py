"""The adaptation page as one file, in a browser that has no network and never saw the server."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.adapting import (
    CLASSES,
    NEEDS_CHROMIUM,
    adapt,
    ask,
    chromium,
    files_of,
    give,
    heard,
    learner_with_steps,
    listening,
    page_says,
    signed_in_page,
    wait_until_ready,
)
from tests.journeys.instance import Instance

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    NEEDS_CHROMIUM,
]
QUESTIONS = files_of(0, 21) + files_of(1, 21)
NAMES = [file["name"] for file in QUESTIONS]
# What a press of Tab has led to, as a screen reader would call it.
FOCUSED = """() => {
  const at = document.activeElement;
  return at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent.trim();
}"""


@dataclass
class Saved:
    """The file, and what the page said before it was saved."""

    file: Path
    expected: np.ndarray


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def saved(
    embedded: Instance, browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Adapted and calibrated, then saved with the network cut."""
    learner = learner_with_steps(embedded)
    context = browser.new_context(base_url=embedded.url)
    page = signed_in_page(context)
    page.goto(f"/learners/{learner}/adapt/")
    wait_until_ready(page)
    context.set_offline(True)
    for label in range(len(CLASSES)):
        give(page, label, files_of(label, 1))
    adapt(page, calibrate=True)
    ask(page, QUESTIONS)
    with page.expect_download() as download:
        page.get_by_role("button", name="This page as one file").click()
    file = tmp_path_factory.mktemp("saved") / "offline.html"
    file.write_bytes(download.value.path().read_bytes())
    yield Saved(file, page_says(page, NAMES))
    context.close()


@pytest.fixture
def page(browser: Any, saved: Any) -> Iterator[Any]:
    """The file, opened from a disk and ready."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    listening(page).goto(saved.file.as_uri())
    expect(page.locator("[data-status]")).to_contain_text(
        f"Knows {CLASSES[0]}, {CLASSES[1]}", timeout=90_000
    )
    yield page
    context.close()


def test_from_a_disk_it_says_what_it_said_and_adapts_anew_without_a_server(
    page: Any, saved: Any
) -> None:
    ask(page, QUESTIONS)
    assert np.abs(page_says(page, NAMES) - saved.expected).max() < 2e-3
    for label in range(len(CLASSES)):
        give(page, label, files_of(label, 1))
    adapt(page, calibrate=True)
    ask(page, QUESTIONS)
    assert np.abs(page_says(page, NAMES) - saved.expected).max() < 2e-3
    asked = {request.url for request in heard(page).asked}
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []
    assert heard(page).complaints == []


def test_it_is_small_and_its_own_policy_refuses_every_connection(
    page: Any, saved: Any, record_property: Any
) -> None:
    record_property("bytes", saved.file.stat().st_size)
    assert saved.file.stat().st_size < 10_000_000
    refused = page.evaluate("fetch('http://127.0.0.1:1/').catch(() => 'refused')")
    assert refused == "refused"
    assert any("Content Security Policy" in one for one in heard(page).complaints)


def test_it_is_fit_for_screen_readers(page: Any) -> None:
    ask(page, QUESTIONS[:1])
    found = Axe().run(page).response["violations"]
    serious = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []


def test_a_keyboard_reaches_everything_and_the_focus_follows_the_work(page: Any) -> None:
    for label in range(len(CLASSES)):
        give(page, label, files_of(label, 1))
    page.locator("main").focus()
    reached = []
    while "Choose pictures to label" not in reached:
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
        assert len(reached) < 60, reached
    for name in ("Name of the class", "Choose pictures for this class", "Calibrate", "2Adapt"):
        assert name in reached, reached
    page.locator("[data-adapt]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-status]")).to_contain_text("Adapted")
    assert page.evaluate(FOCUSED) == "Choose pictures to label"
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUSED) == "Classifier as safetensors"
