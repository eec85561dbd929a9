"""The whole flow in a real Chromium: sign up, upload, pool, job, learner, adaptation.

No console error, nothing serious for axe, on every page, in both themes and at phone width.
Screenshots go to the folder that FREEHOLD_SCREENSHOTS names, for people to look at.
"""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    FilePayload,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

from tests.journeys.conftest import TINY
from tests.journeys.instance import DEMO_POOL, Instance
from tests.tools import CHROMIUM_FLAGS, find_chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.timeout(400),
    pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium on this machine"),
]

PASSWORD = "a long way home 7"
CLASSES = ["bear", "lion", "mountain", "road", "trout"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(find_chromium()), headless=True, args=CHROMIUM_FLAGS
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def complaints() -> list[Any]:
    """What the browser's console and the network complained about."""
    return []


@pytest.fixture(scope="module")
def page(browser: Browser, embedded: Instance, complaints: list[Any]) -> Iterator[Page]:
    context = browser.new_context(base_url=embedded.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def on_response(answer: Response) -> None:
        if answer.status >= 400:
            complaints.append(f"{answer.status} {answer.url}")

    def on_request(request: Request) -> None:
        if not request.url.startswith((embedded.url, "data:", "blob:")):
            complaints.append(f"asked another host: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", on_response)
    page.on("request", on_request)
    yield page
    context.close()


def picture_file(colour: str, name: str) -> FilePayload:
    buffer = io.BytesIO()
    Image.new("RGB", (300, 200), colour).save(buffer, "JPEG")
    return {"name": name, "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


# On a busy machine a page takes up a new scheme late, and colours may change softly.
_PAINTED = """async scheme => {
  while (!matchMedia(`(prefers-color-scheme: ${scheme})`).matches)
    await new Promise(resolve => setTimeout(resolve, 20));
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
  const ends = one => one.effect.getComputedTiming().endTime < Infinity;
  const ending = document.getAnimations().filter(ends);
  await Promise.allSettled(ending.map(one => one.finished));
}"""


def look(page: Page, name: str) -> None:
    """Axe, and a picture in both themes and at phone width."""
    if name != "dashboard":  # which never stops asking
        page.wait_for_load_state("networkidle")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(_PAINTED, scheme)
        found = Axe().run(page).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        where = [(one["id"], [node["target"] for node in one["nodes"]]) for one in serious]
        assert not where, f"{name}, {scheme}: {where}"
        take_picture(page, f"{name}-{scheme}")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 844})
    sideways = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    take_picture(page, f"{name}-phone")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert sideways <= 0, f"{name} scrolls sideways by {sideways} px on a phone"


def take_picture(page: Page, name: str) -> None:
    if folder := os.environ.get("FREEHOLD_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_a_stranger_signs_up(page: Page, complaints: list[Any]) -> None:
    page.goto("/")
    look(page, "landing")
    page.goto("/accounts/login/")
    look(page, "sign-in")
    page.goto("/accounts/signup/")
    look(page, "sign-up")
    page.get_by_label("Username").fill("nora")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label(re.compile("again|confirm", re.I)).fill(PASSWORD)
    page.get_by_role("button", name="Create my account").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("nora")
    look(page, "home-empty")
    for path, name in (("/pools/", "pools-empty"), ("/jobs/", "jobs-empty")):
        page.goto(path)
        look(page, name)
    assert complaints == []


@pytest.mark.parametrize("number", [0, 1])
def test_models_are_uploaded_and_become_valid(
    page: Page, complaints: list[Any], number: int
) -> None:
    page.goto("/models/upload/")
    if number == 0:
        look(page, "upload")
    page.locator("#id_file").set_input_files(DEMO_POOL / f"model_00{number}.safetensors")
    page.locator("#id_name").fill(f"Browser model {number}")
    page.get_by_text("What the file may not state").click()
    names = CLASSES if number == 0 else ["a", "b", "c", "d", "e"]
    page.locator("#id_class_names").fill("\n".join(names))
    page.locator("#id_image_size").fill("32")
    page.get_by_role("button", name="CIFAR").click()
    page.locator("#id_consent_recovery").check()
    page.locator("#id_consent_preview").check()
    page.get_by_role("button", name="Upload", exact=True).click()
    page.wait_for_url(re.compile("/models/[0-9a-f-]{36}/"))
    expect(page.get_by_text("Valid", exact=True).first).to_be_visible(timeout=60_000)
    if number == 0:
        look(page, "model")
    assert complaints == []


def test_a_file_that_is_none_says_what_is_wrong(page: Page, complaints: list[Any]) -> None:
    page.goto("/models/upload/")
    page.locator("#id_file").set_input_files(
        {"name": "model.pt", "mimeType": "application/octet-stream", "buffer": b"words " * 99}
    )
    page.locator("#id_name").fill("No model")
    page.get_by_text("What the file may not state").click()
    page.locator("#id_class_names").fill("a\nb")
    page.locator("#id_image_size").fill("32")
    page.get_by_role("button", name="CIFAR").click()
    page.get_by_role("button", name="Upload", exact=True).click()
    page.wait_for_url(re.compile("/models/[0-9a-f-]{36}/"))
    expect(page.get_by_text("Rejected", exact=True).first).to_be_visible(timeout=60_000)
    look(page, "model-rejected")
    assert complaints == []


def test_a_pool_says_at_once_what_fits(page: Page, complaints: list[Any]) -> None:
    page.goto("/models/")
    look(page, "models")
    page.goto("/pools/new/")
    picks = page.locator("[data-pick]")
    picks.nth(0).check()
    expect(page.locator("[data-fit]")).to_contain_text("at least two models")
    picks.nth(1).check()
    expect(page.locator("[data-fit]")).to_contain_text("SS")
    look(page, "pool-builder")
    page.locator("#id_name").fill("Browser pool")
    page.get_by_role("button", name="Create the pool").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Browser pool")
    look(page, "pool")
    assert complaints == []


def test_presets_fill_in_the_launch_form_by_keyboard_alone(
    page: Page, complaints: list[Any]
) -> None:
    pool = page.url
    page.get_by_role("link", name=re.compile("Launch")).first.click()
    page.get_by_role("link", name="FREE", exact=True).click()
    strip = page.get_by_role("navigation", name="Preset")
    steps = page.get_by_label("Outer steps")
    expect(strip.get_by_role("link", name="Standard")).to_have_attribute("aria-current", "true")
    expect(steps).to_have_value("40")
    strip.get_by_role("link", name="Standard").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(strip.get_by_role("link", name="Published")).to_have_attribute("aria-current", "true")
    expect(steps).to_have_value("980")
    expect(page.get_by_text("and hyper-parameters")).to_be_visible()
    look(page, "launch-presets")
    assert complaints == []
    page.goto(pool)


def test_a_job_lives_on_its_dashboard(page: Page, complaints: list[Any]) -> None:
    page.get_by_role("link", name=re.compile("Launch")).first.click()
    look(page, "launch")
    settings = {**TINY, "outer_steps": 30, "agreement_every": 2}
    for details in page.locator("details.disclosure").all():
        details.evaluate("element => element.open = true")
    for name, value in settings.items():
        field = page.locator(f"#id_setting_{name}")
        if field.evaluate("element => element.tagName") == "SELECT":
            field.select_option(str(value))
        else:
            field.fill(str(value))
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile("/jobs/[0-9a-f-]{36}/"))
    steps = page.locator("[data-show=steps]")
    expect(steps).to_have_text(re.compile(r"^[1-9]\d* / 34"), timeout=90_000)
    expect(page.locator("[data-charts] canvas").first).to_be_visible()
    expect(page.locator("img.preview")).to_be_visible(timeout=30_000)
    look(page, "dashboard")
    expect(page.get_by_role("link", name="Open the meta-learner")).to_be_visible(timeout=180_000)
    expect(page.locator("[data-show=state]")).to_have_text("Succeeded")
    assert complaints == []


def test_the_meta_learner_adapts_to_a_persons_pictures(page: Page, complaints: list[Any]) -> None:
    page.get_by_role("link", name="Open the meta-learner").click()
    expect(page.get_by_text("provenance.json").first).to_be_visible()
    look(page, "learner")
    page.get_by_role("link", name="Adapt to your pictures").click()
    look(page, "adapt-empty")
    cards = page.locator("[data-classes] > li")
    for index, colour in enumerate(("red", "blue")):
        card = cards.nth(index)
        card.locator("input[type=text], input:not([type])").first.fill(colour)
        files = [picture_file(colour, f"{colour}{n}.jpg") for n in range(3)]
        card.locator("input[type=file]").first.set_input_files(files)
        expect(card.locator("img")).to_have_count(3)
    page.locator("[data-calibrate]").check()
    expect(page.locator("[data-browser-state]")).to_contain_text("Ready", timeout=60_000)
    page.locator("[data-adapt]").click()
    queries = [picture_file("red", "first.jpg"), picture_file("blue", "second.jpg")]
    ask = page.locator("[data-query-drop] input[type=file]").first
    expect(ask).to_be_enabled(timeout=60_000)
    ask.set_input_files(queries)
    results = page.locator("[data-result-cards] > li")
    expect(results).to_have_count(2, timeout=60_000)
    expect(results.nth(0)).to_contain_text("red", timeout=60_000)
    expect(results.nth(1)).to_contain_text("blue")
    look(page, "adapt")
    assert complaints == []


def test_settings_make_a_token_that_is_shown_once(page: Page, complaints: list[Any]) -> None:
    page.goto("/me/settings/")
    tokens = page.locator("form", has=page.locator("button", has_text=re.compile("token", re.I)))
    tokens.locator("input[type=text]").first.fill("from the journey")
    tokens.get_by_role("button").first.click()
    expect(page.get_by_text(re.compile("Your new token")).first).to_be_visible()
    expect(page.get_by_text(re.compile("fh_[A-Za-z0-9_-]{20}")).first).to_be_visible()
    look(page, "settings")
    page.goto("/me/settings/")
    expect(page.get_by_text(re.compile("Your new token"))).to_have_count(0)
    assert complaints == []


def test_the_api_documents_itself_without_another_host(page: Page, complaints: list[Any]) -> None:
    page.goto("/api/v1/docs/")
    expect(page.get_by_text("/api/v1/checkpoints/").first).to_be_visible(timeout=60_000)
    take_picture(page, "api-docs")
    assert complaints == []


def test_what_is_not_there_says_so(page: Page, complaints: list[Any]) -> None:
    page.goto("/models/00000000-0000-0000-0000-000000000000/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Page not found")
    complaints.clear()  # the browser itself notes the 404
    look(page, "not-found")
