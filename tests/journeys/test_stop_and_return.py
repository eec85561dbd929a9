"""An adaptation page that is stopped, left and come back to, in a Chromium without a network."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.adapting import (
    CLASSES,
    NEEDS_CHROMIUM,
    adapt,
    ask,
    chromium,
    files_of,
    give,
    learner_with_steps,
    signed_in_page,
    wait_until_ready,
)
from tests.journeys.instance import Instance

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    NEEDS_CHROMIUM,
]
# A worker that is deep in a step hears nothing; `letGo` lets it hear all that was said.
DEAF = """() => {
  const post = Worker.prototype.postMessage, held = [];
  Worker.prototype.postMessage = function (message) {
    if (["adapt", "predict", "stop"].includes(message.command)) held.push([this, message]);
    else post.call(this, message);
  };
  window.letGo = () => {
    Worker.prototype.postMessage = post;
    for (const [worker, message] of held) worker.postMessage(message);
  };
}"""
LEAVE = "window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))"
COME_BACK = "window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"


@pytest.fixture(scope="module")
def learner(embedded: Instance) -> Any:
    return learner_with_steps(embedded)


@pytest.fixture(scope="module")
def context(embedded: Instance) -> Iterator[Any]:
    with chromium() as browser:
        context = browser.new_context(base_url=embedded.url)
        signed_in_page(context).close()
        yield context


@pytest.fixture
def page(context: Any, learner: Any) -> Iterator[Any]:
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"/learners/{learner}/adapt/")
    yield page
    context.set_offline(False)
    page.close()


@pytest.fixture
def adapted(page: Any, context: Any) -> Any:
    """The page, adapted; the network is cut."""
    for label in range(len(CLASSES)):
        give(page, label, files_of(label, 1))
    wait_until_ready(page)
    context.set_offline(True)
    adapt(page, calibrate=False)
    return page


def test_who_stops_an_answer_can_ask_again_without_adapting_again(adapted: Any) -> None:
    questions = adapted.locator("[data-query-drop] input[type=file]").first
    adapted.evaluate(DEAF)
    questions.set_input_files(files_of(0, 21)[:2])
    adapted.locator("[data-stop]").click()
    problem = adapted.locator("[data-problem]")
    expect(problem).to_contain_text("Stopped. The adapted classifier is still here", timeout=5_000)
    expect(adapted.locator("[data-status]")).to_contain_text("Adapted")
    adapted.evaluate("window.letGo()")
    ask(adapted, files_of(0, 21)[:2])
    ask(adapted, files_of(1, 21)[:2])
    expect(problem).to_be_hidden()


@pytest.mark.parametrize("come_back", [COME_BACK, "0"])
def test_a_page_that_was_left_and_come_back_to_answers_as_before(
    adapted: Any, come_back: Any
) -> None:
    ask(adapted, files_of(0, 21)[:1])
    adapted.evaluate(LEAVE)
    adapted.evaluate(come_back)
    ask(adapted, files_of(0, 21)[:1])
    said = adapted.locator("[data-result-table] tbody tr").evaluate_all(
        "rows => rows.map(row => row.textContent)"
    )
    assert said[0] == said[1]
    with adapted.expect_download() as download:
        adapted.get_by_role("button", name="Classifier as ONNX").click()
    assert download.value.path().stat().st_size > 10_000


def test_who_leaves_while_it_adapts_is_told_so_and_not_of_memory(adapted: Any) -> None:
    adapted.evaluate(DEAF)
    adapted.locator("[data-adapt]").click()
    adapted.wait_for_function("document.querySelector('[data-status]').textContent.includes('ing')")
    adapted.wait_for_timeout(500)
    adapted.evaluate(LEAVE)
    expect(adapted.locator("[data-problem]")).to_contain_text("You left the page")
    adapted.evaluate("window.letGo()")
    adapted.evaluate(COME_BACK)
    adapt(adapted, calibrate=False)


def test_a_page_that_was_left_before_it_was_ready_gets_ready_when_one_comes_back(page: Any) -> None:
    page.evaluate(LEAVE)
    page.evaluate(COME_BACK)
    wait_until_ready(page)
    expect(page.get_by_label("In this browser")).to_be_checked()


def test_stop_does_not_wait_for_a_step_and_needs_no_network_to_begin_again(adapted: Any) -> None:
    adapted.evaluate(DEAF)
    adapted.locator("[data-adapt]").focus()
    adapted.keyboard.press("Enter")
    expect(adapted.locator("[data-stop]")).to_be_focused()
    adapted.keyboard.press("Enter")
    expect(adapted.locator("[data-problem]")).to_contain_text("Stopped", timeout=5_000)
    expect(adapted.locator("[data-adapt]")).to_be_focused()
    adapted.evaluate("window.letGo()")
    adapt(adapted, calibrate=False)
    ask(adapted, files_of(0, 21)[:1])


def test_what_is_changed_while_the_numbers_are_made_is_not_taken_for_adapted(adapted: Any) -> None:
    adapted.evaluate(DEAF)
    adapted.locator("[data-adapt]").click()
    adapted.locator("[data-classes] input[type=text]").first.fill("another name")
    adapted.evaluate("window.letGo()")
    expect(adapted.locator("[data-problem]")).to_contain_text("changed in the meantime")
    expect(adapted.locator("[data-status]")).to_contain_text("Ready")
    adapt(adapted, calibrate=False)
