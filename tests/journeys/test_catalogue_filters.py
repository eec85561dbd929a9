"""The catalogue's filters in a real Chromium: by keyboard, on a phone, in both themes.

Screenshots go to the folder that FREEHOLD_SCREENSHOTS names, for people to look at.
"""

import io
import json
import re
import zipfile
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.journeys.instance import DEMO_POOL
from tests.journeys.test_browser import browser, complaints, look, page, take_picture  # noqa: F401
from tests.journeys.test_fix_in_place import alice  # noqa: F401
from tests.tools import find_chromium
from tests.worker.test_ten_thousand_classes import folder as many_classes

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium on this machine"),
]
README = "---\nlicense: other\nlicense_name: gemma\n---\n# Blood\n\nTells **blood cells** apart.\n"
CELLS = ["stomatocyte", "echinocyte", "elliptocyte", "spherocyte", "dacrocyte"]


def folder(names: list[str] | None = CELLS) -> FilePayload:
    """A zip of a model of conv4 and of what stands beside it, as a file to choose."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.write(DEMO_POOL / "model_000.safetensors", "blood/model.safetensors")
        archive.writestr("blood/README.md", README)
        if names:
            archive.writestr("blood/label_names.json", json.dumps(names))
    return {"name": "blood.zip", "mimeType": "application/zip", "buffer": target.getvalue()}


def upload(alice: Page, file: FilePayload, name: str) -> None:
    alice.goto("/models/upload/")
    alice.locator("#id_file").set_input_files(file)
    alice.locator("#id_name").fill(name)
    alice.get_by_role("button", name="Upload", exact=True).click()
    alice.wait_for_url(re.compile("/models/[0-9a-f-]{36}/"))


def test_a_folders_readme_fills_in_licence_and_description(
    alice: Page, complaints: list[Any]
) -> None:
    alice.goto("/models/upload/")
    expect(alice.locator("#id_licence")).to_have_value("unstated")
    upload(alice, folder(), "Blood cells")
    expect(alice.get_by_text("Valid", exact=True).first).to_be_visible(timeout=60_000)
    expect(alice.get_by_text("Tells blood cells apart.")).to_be_visible()
    expect(alice.get_by_text("Other: gemma")).to_be_visible()
    expect(alice.get_by_text("Its licence comes from its files.")).to_be_visible()
    look(alice, "said-by-files")
    assert complaints == []


def test_after_a_refusal_for_names_the_page_says_what_the_files_told(
    alice: Page, complaints: list[Any]
) -> None:
    upload(alice, folder(names=None), "Nameless")
    expect(alice.get_by_text("This file was refused")).to_be_visible(timeout=60_000)
    expect(alice.get_by_text("Its licence comes from its files.")).to_be_visible()
    look(alice, "refused-for-names")
    assert complaints == []


def test_ten_thousand_classes_are_a_search_away(alice: Page, complaints: list[Any]) -> None:
    file: FilePayload = {
        "name": "garden.zip",
        "mimeType": "application/zip",
        "buffer": many_classes(),
    }
    upload(alice, file, "Garden")
    expect(alice.get_by_text("Valid", exact=True).first).to_be_visible(timeout=60_000)
    look(alice, "many-classes")
    alice.get_by_role("searchbox", name="Search the classes").fill("species 0999")
    alice.keyboard.press("Enter")
    expect(alice.get_by_text("10 classes match")).to_be_visible()
    alice.get_by_role("link", name="Clear").click()
    expect(alice.get_by_text("Page 1 of 20")).to_be_visible()
    take_picture(alice, "all-classes")
    alice.get_by_role("searchbox", name="Search the classes").fill("0999")
    alice.keyboard.press("Enter")
    look(alice, "classes-searched")
    assert complaints == []


def test_the_filters_are_reached_and_sent_by_keyboard(alice: Page, complaints: list[Any]) -> None:
    alice.goto("/models/")
    look(alice, "filters")
    alice.get_by_role("searchbox", name="Search").focus()
    alice.keyboard.press("Tab")
    expect(alice.get_by_label("Knows the class")).to_be_focused()
    alice.keyboard.type("stomatocyte")
    alice.keyboard.press("Enter")
    alice.wait_for_url(re.compile("knows=stomatocyte"))
    expect(alice.get_by_role("heading", name="Blood cells")).to_be_visible()
    expect(alice.get_by_text("1 model matches")).to_be_visible()
    alice.get_by_label("Family").select_option("conv4")
    alice.wait_for_url(re.compile("family=conv4"))
    alice.get_by_label("Input size").select_option("large")
    expect(alice.get_by_role("heading", name="No model matches")).to_be_visible()
    look(alice, "filters-no-match")
    assert complaints == []


def test_on_a_phone_the_filters_are_folded_away_and_open_by_touch(
    alice: Page, complaints: list[Any]
) -> None:
    alice.set_viewport_size({"width": 390, "height": 844})
    alice.goto("/models/")
    expect(alice.get_by_label("Family")).to_be_hidden()
    alice.get_by_text("Filters", exact=True).click()
    expect(alice.get_by_label("Family")).to_be_visible()
    take_picture(alice, "filters-open-phone")
    alice.get_by_label("Family").select_option("conv4")
    alice.wait_for_url(re.compile("family=conv4"))
    expect(alice.get_by_role("heading", name="Blood cells")).to_be_visible()
    alice.set_viewport_size({"width": 1280, "height": 900})
    assert complaints == []
