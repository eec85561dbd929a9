"""Adaptation without the server, in a real Chromium whose network is recorded and then cut."""

import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request, Response, expect

from metalearn.datasets import decode_image
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
    page_says,
    server_says,
    signed_in_page,
    wait_until_ready,
)
from tests.journeys.instance import ROOT, Instance

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.timeout(300),
    NEEDS_CHROMIUM,
]


@pytest.fixture(scope="module")
def learner(embedded: Instance) -> str:
    """A meta-learner that takes gradient steps."""
    return learner_with_steps(embedded)


@pytest.fixture(scope="module")
def answers() -> dict[str, Response]:
    """What the page was answered, by address."""
    return {}


@pytest.fixture(scope="module")
def loaded() -> list[Request]:
    """What the page asked for until it worked offline."""
    return []


@pytest.fixture(scope="module")
def page(
    embedded: Instance, learner: str, answers: dict[str, Response], loaded: list[Request]
) -> Iterator[Page]:
    with chromium() as browser:
        context = browser.new_context(base_url=embedded.url)
        page = signed_in_page(context)
        context.on("response", lambda answer: answers.update({answer.url: answer}))
        page.goto(f"/learners/{learner}/adapt/")
        wait_until_ready(page)
        expect(page.locator("[data-browser-state]")).to_contain_text("works offline")
        loaded += heard(page).asked
        context.set_offline(True)
        yield page


def test_pictures_of_every_kind_are_adapted_to_without_a_network(page: Page) -> None:
    for label in range(len(CLASSES)):
        give(page, label, files_of(label, 1))
    adapt(page, calibrate=True)
    assert heard(page).complaints == []


@pytest.mark.parametrize("calibrate", [True, False])
def test_it_says_what_the_server_would_have_said(
    page: Page, embedded: Instance, learner: str, calibrate: bool
) -> None:
    adapt(page, calibrate=calibrate)
    queries = files_of(0, 11) + files_of(1, 11)
    ask(page, queries)
    here = page_says(page, [file["name"] for file in queries])
    there = server_says(embedded, learner, queries, calibrate=calibrate)
    assert np.abs(here - there).max() < 0.01, (here, there)


def test_another_picture_needs_no_other_adaptation(page: Page) -> None:
    status = page.locator("[data-status]")
    page.evaluate("window.seen = []")
    status.evaluate(
        "(node) => new MutationObserver(() => window.seen.push(node.textContent))"
        ".observe(node, {childList: true})"
    )
    ask(page, [{**files_of(0, 31)[0], "name": "alone.jpg"}])
    seen = page.evaluate("window.seen")
    assert not any(text.startswith(("Adapting", "Calibrating")) for text in seen)


def test_the_classifier_can_be_taken_away_and_says_the_same_elsewhere(
    page: Page, embedded: Instance, learner: str
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    query = files_of(1, 41)[1]
    ask(page, [{**query, "name": "taken.png"}])
    expected = page_says(page, ["taken.png"])[0]
    with page.expect_download() as download:
        page.get_by_role("button", name="Classifier as ONNX").click()
    session = onnxruntime.InferenceSession(download.value.path().read_bytes())
    config = embedded.call("GET", f"learners/{learner}/files/config.json")
    spec, normal = config["architecture"], config["normalisation"]
    square = decode_image(
        query["buffer"],
        channels=spec["channels"],
        image_size=spec["image_size"],
        quick=False,
    ).numpy()
    shape = (-1, 1, 1)
    image = (square / 255 - np.reshape(normal["mean"], shape)) / np.reshape(normal["std"], shape)
    logits = session.run(["logits"], {"images": image[None].astype(np.float32)})[0][0]
    found = np.exp(logits - logits.max())
    assert np.abs(found / found.sum() - expected).max() < 0.01


def test_the_page_is_fit_for_screen_readers_and_keyboards(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    serious = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []
    page.get_by_label("In this browser").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("On the server")).to_be_checked()
    expect(page.get_by_text("sent to this server, where")).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_text("do not leave this browser")).to_be_visible()
    adapt(page, calibrate=False)


def test_an_adaptation_can_be_stopped_and_begun_again(page: Page) -> None:
    # Pressed the moment it is there: on a quick machine it is gone before a test's hand arrives.
    page.evaluate("""() => {
        const stop = document.querySelector("[data-stop]");
        new MutationObserver((_changes, watch) => {
            if (stop.hidden) return;
            watch.disconnect();
            stop.click();
        }).observe(stop, { attributes: true });
    }""")
    page.locator("[data-adapt]").click()
    expect(page.locator("[data-problem]")).to_contain_text("Stopped")
    adapt(page, calibrate=False)


def test_no_byte_of_a_picture_left_and_nothing_was_asked_after_loading(
    page: Page, embedded: Instance, loaded: list[Request]
) -> None:
    after = [request.url for request in heard(page).asked[len(loaded) :]]
    assert [url for url in after if not url.startswith(("blob:", "data:"))] == []
    for request in heard(page).asked:
        assert request.url.startswith((embedded.url, "blob:", "data:"))
        if request.url.startswith(embedded.url):
            assert (request.method, request.post_data) == ("GET", None)
    assert heard(page).complaints == []


def test_the_policies_allow_no_evaluation_of_text_and_no_other_host(
    page: Page, answers: dict[str, Response]
) -> None:
    policies = {
        url: answer.headers["content-security-policy"]
        for url, answer in answers.items()
        if "content-security-policy" in answer.headers
    }
    assert any("/device/worker." in url for url in policies), list(answers)
    for policy in policies.values():
        sources = set(re.split(r"[ ;]+", policy))
        assert "'unsafe-eval'" not in sources
        assert "'unsafe-inline'" not in sources
        assert not any("//" in source or "*" in source for source in sources)
    worker = next(policy for url, policy in policies.items() if "/device/worker." in url)
    assert "connect-src" not in worker
    assert "default-src 'none'" in worker


def test_graphs_and_runtime_are_smaller_than_15_megabytes(
    page: Page, answers: dict[str, Response]
) -> None:
    vendor = sum(
        path.stat().st_size
        for path in (ROOT / "static" / "vendor" / "onnxruntime-web").iterdir()
        if path.suffix in (".mjs", ".wasm")
    )
    graphs = [
        len(answer.body())
        for url, answer in answers.items()
        if url.endswith((".onnx", "browser.json"))
    ]
    assert len(graphs) == 14
    assert vendor + sum(graphs) < 15_000_000, json.dumps([vendor, graphs])
