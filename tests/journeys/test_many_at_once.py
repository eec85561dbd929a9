"""A folder in one drop and two clicks, and several models in one go, in a real Chromium.

Screenshots go to the folder that FREEHOLD_SCREENSHOTS names, for people to look at.
"""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from metalearn.networks.libraries import timm
from tests.journeys.instance import DEMO_POOL, Instance
from tests.journeys.test_browser import CLASSES, browser, complaints, look, page, take_picture  # noqa: F401
from tests.journeys.test_fix_in_place import alice, network, sign_in  # noqa: F401
from tests.tools import find_chromium

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium on this machine"),
]
NAMES = [f"species {number}" for number in range(1000)]
# Chromium gives scripts no way to make a drop with folders, so its entries are played.
DROP = """(node, folders) => {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const file = ([name, text]) => ({ isFile: true, name, file: (give) => give(new File([bytes(text)], name)) });
  const folder = ([name, files]) => ({ isDirectory: true, name, createReader: () => {
    const parts = [files.map(file), []];
    return { readEntries: (give) => give(parts.shift()) };
  } });
  const items = folders.map(folder).map((entry) => ({ kind: "file", webkitGetAsEntry: () => entry }));
  const event = new Event("drop", { bubbles: true, cancelable: true });
  Object.defineProperty(event, "dataTransfer", { value: { items, files: [] } });
  node.dispatchEvent(event);
}"""  # noqa: E501


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What timm's `save_for_hf` writes of a small network with a thousand named classes."""
    folder = tmp_path_factory.mktemp("timm") / "garden_species"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = timm().create_model("mobilenetv3_small_050", num_classes=len(NAMES))
    config = {"label_names": NAMES}
    timm().models.save_for_hf(model, folder, model_config=config, safe_serialization=True)
    (folder / "optimizer.pt").write_bytes(b"much larger than the model")
    return folder


def drop(alice: Page, *folders: Path) -> None:
    def text(file: Path) -> str:
        return base64.b64encode(file.read_bytes()).decode()

    entries = [[one.name, [[file.name, text(file)] for file in one.iterdir()]] for one in folders]
    alice.locator("[data-drop]").evaluate(DROP, entries)


def row(alice: Page, name: str) -> Locator:
    """The row whose name is this."""
    return alice.locator(f"[data-rows] tr:has(input[value='{name}'])")


def upload(alice: Page) -> None:
    alice.get_by_role("button", name="Upload", exact=True).click()


def test_a_folder_is_on_the_site_in_one_drop_and_two_clicks(
    alice: Page, complaints: list[Any], folder: Path
) -> None:
    alice.goto("/models/upload/")
    look(alice, "upload-empty")
    drop(alice, folder)
    expect(alice.get_by_text("1 file is left out")).to_be_visible()
    expect(alice.locator("#id_name")).to_have_value("garden species")
    look(alice, "upload-folder")
    alice.get_by_label("I consent to recovery").check()
    upload(alice)
    alice.wait_for_url(re.compile("/models/[0-9a-f-]{36}/"))
    expect(alice.get_by_text("Valid", exact=True).first).to_be_visible(timeout=60_000)
    expect(alice.locator("li.tag").first).to_have_text(NAMES[0])
    expect(alice.get_by_text("timm/mobilenetv3_small_050", exact=True).first).to_be_visible()
    assert complaints == []


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two that say everything about themselves, and one without class names."""
    folder = tmp_path_factory.mktemp("three")
    said = {"class_names": CLASSES, "mean": [0.5] * 3, "std": [0.25] * 3, "image_size": 32}
    for number, name in enumerate(("first", "second", "nameless")):
        state = network("conv4", 16, seed=number)
        torch.save({"model": state, **({} if name == "nameless" else said)}, folder / f"{name}.pt")
    return [folder / f"{name}.pt" for name in ("first", "nameless", "second")]


def test_three_models_go_up_at_once_and_the_refused_one_is_fixed_on_its_page(
    alice: Page,
    complaints: list[Any],
    three: list[Path],
) -> None:
    alice.goto("/models/upload/")
    alice.get_by_role("link", name="Like my last one").click()
    expect(alice.get_by_text("are copied from “garden species”")).to_be_visible()
    expect(alice.get_by_label("I consent to recovery")).to_be_checked()
    alice.locator("#id_file").set_input_files([*three, DEMO_POOL / "manifest.jsonl"])
    expect(alice.locator("[data-rows] tr")).to_have_count(3)
    expect(alice.locator("#id_name")).to_be_hidden()
    expect(alice.get_by_text("1 file is left out")).to_be_visible()
    look(alice, "batch-ready")
    alice.get_by_label("Name of second.pt").fill("The second")
    upload(alice)
    expect(row(alice, "first").get_by_text("Valid")).to_be_visible(timeout=60_000)
    expect(row(alice, "second").get_by_text("Valid")).to_be_visible(timeout=60_000)
    refused = row(alice, "nameless")
    expect(refused.get_by_text("Refused")).to_be_visible(timeout=60_000)
    expect(alice.get_by_text("3 models · 2 valid · 1 refused")).to_be_visible()
    look(alice, "batch-done")
    with alice.expect_popup() as popup:
        refused.get_by_role("link", name="Fix it").click()
    fix_on_its_page(popup.value)
    alice.goto("/models/?mine=on")
    expect(alice.get_by_role("link", name="The second")).to_be_visible()
    assert complaints == []


def fix_on_its_page(page: Page) -> None:
    page.get_by_label("Class names").fill("\n".join(CLASSES))
    page.get_by_label("Input size").fill("32")
    page.get_by_label("Mean").fill("0.5, 0.5, 0.5")
    page.get_by_label("Standard deviation").fill("0.25, 0.25, 0.25")
    page.get_by_role("button", name="Read it again").click()
    expect(page.get_by_text("Valid", exact=True).first).to_be_visible(timeout=60_000)
    page.close()


def test_rows_can_be_removed_until_one_is_left_which_is_a_form_again(
    alice: Page, three: list[Path]
) -> None:
    alice.goto("/models/upload/")
    alice.locator("#id_file").set_input_files(three)
    alice.get_by_label("Name of second.pt").fill("The last one")
    for name in ("first.pt", "nameless.pt"):
        alice.get_by_role("button", name=f"Remove {name}").click()
    expect(alice.locator("[data-batch]")).to_be_hidden()
    expect(alice.locator("#id_name")).to_have_value("The last one")


def test_what_is_wrong_for_all_is_said_once_and_what_is_wrong_for_one_stops_no_other(
    alice: Page,
    complaints: list[Any],
    three: list[Path],
) -> None:
    alice.goto("/models/upload/")
    alice.locator("#id_file").set_input_files(three)
    alice.locator("#id_visibility").select_option("team")
    upload(alice)
    expect(alice.get_by_text("Choose the team that may see it.")).to_be_visible()
    expect(alice.get_by_text("Ready")).to_have_count(3)
    alice.locator("#id_visibility").select_option("private")
    alice.get_by_label("Name of first.pt").fill("")
    upload(alice)
    expect(row(alice, "first").get_by_text("Not uploaded")).to_be_visible()
    expect(row(alice, "second").get_by_text("Valid")).to_be_visible(timeout=60_000)
    look(alice, "batch-failed")
    alice.get_by_label("Name of first.pt").fill("Once more")
    upload(alice)
    expect(row(alice, "first").get_by_text("Valid")).to_be_visible(timeout=60_000)
    upload(alice)
    expect(alice.get_by_text("All of these are uploaded")).to_be_visible()
    complaints[:] = [one for one in complaints if "422" not in one]
    assert complaints == []


def hang(route: Any) -> None:
    """Let no piece through; a cancelled upload is deleted as always."""
    if route.request.method == "DELETE":
        route.continue_()


def test_a_folder_can_be_chosen_too_and_leaving_while_it_is_sent_warns(
    alice: Page, folder: Path, three: list[Path]
) -> None:
    alice.goto("/models/upload/")
    alice.locator("[data-folder]").set_input_files(three[0].parent)
    expect(alice.locator("[data-rows] tr")).to_have_count(3)
    alice.locator("[data-folder]").set_input_files(folder)
    expect(alice.locator("[data-rows] tr")).to_have_count(4)
    expect(alice.get_by_label("Name of garden_species.zip")).to_have_value("garden species")
    alice.route("**/api/v1/uploads/**", hang)
    upload(alice)
    expect(alice.locator("[data-rows]").get_by_text("Uploading")).to_be_visible()
    take_picture(alice, "batch-sending")
    asked: list[str] = []

    def on_dialog(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    alice.once("dialog", on_dialog)
    alice.evaluate("location.assign('/models/')")
    alice.wait_for_timeout(500)
    assert asked == ["beforeunload"]
    alice.get_by_role("button", name="Cancel").click()
    expect(alice.locator("[data-rows]").get_by_text("Ready")).to_have_count(4)
    alice.unroute_all(behavior="ignoreErrors")


def test_without_javascript_the_form_takes_one_file(
    browser: Browser, embedded: Instance, three: list[Path]
) -> None:
    context = browser.new_context(base_url=embedded.url, java_script_enabled=False)
    plain = context.new_page()
    sign_in(plain)
    plain.goto("/models/upload/")
    expect(plain.get_by_role("button", name="Choose a folder")).to_be_hidden()
    assert plain.locator("#id_file").get_attribute("multiple") is None
    plain.locator("#id_file").set_input_files(three[0])
    plain.locator("#id_name").fill("Plain")
    upload(plain)
    expect(plain.get_by_role("heading", level=1)).to_have_text("Plain")
    context.close()
