"""Fixing a model on its page in a real Chromium, without sending its file again.

Screenshots go to the folder that FREEHOLD_SCREENSHOTS names, for people to look at.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Page, expect

from metalearn.networks import NetworkSpec, build_network
from tests.journeys.instance import DEMO_POOL
from tests.journeys.test_browser import (  # noqa: F401 - fixtures
    CLASSES,
    browser,
    complaints,
    look,
    page,
)
from tests.tools import find_chromium

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def alice(page: Page) -> Page:  # noqa: F811 - the fixture
    """Alice's pages."""
    sign_in(page)
    return page


def sign_in(page: Page) -> None:  # noqa: F811 - a page of any context
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("alice")


def network(architecture: str, width: int, seed: int = 0) -> dict[str, Any]:
    """Untrained weights with five outputs."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_network(NetworkSpec(architecture, width, 3, 32, 5)).state_dict()


def upload(alice: Page, file: Path, name: str, classes: list[str]) -> None:
    alice.goto("/models/upload/")
    alice.locator("#id_file").set_input_files(file)
    alice.locator("#id_name").fill(name)
    alice.get_by_text("What the file may not state").click()
    alice.locator("#id_class_names").fill("\n".join(classes))
    alice.locator("#id_image_size").fill("32")
    alice.get_by_role("button", name="CIFAR").click()
    alice.get_by_role("button", name="Upload", exact=True).click()
    alice.wait_for_url(re.compile("/models/[0-9a-f-]{36}/"))


def wait_for(alice: Page, state: str) -> None:
    expect(alice.get_by_text(state, exact=True).first).to_be_visible(timeout=60_000)


def test_a_file_that_says_what_it_is_needs_nothing_else(
    alice: Page, complaints: list[Any], tmp_path: Path
) -> None:
    path = tmp_path / "mountains.pt"
    said = {"arch": "conv4", "classes": CLASSES, "mean": [0.4] * 3, "std": [0.2] * 3}
    torch.save({"state_dict": network("conv4", 16), **said}, path)
    alice.goto("/models/upload/")
    alice.locator("#id_file").set_input_files(path)
    expect(alice.locator("#id_name")).to_have_value("mountains")
    look(alice, "upload-file-alone")
    alice.get_by_role("button", name="Upload", exact=True).click()
    alice.wait_for_url(re.compile("/models/[0-9a-f-]{36}/"))
    wait_for(alice, "Valid")
    expect(alice.locator("li.tag").first).to_have_text(CLASSES[0])
    expect(alice.get_by_text("Its class names come from its file.")).to_be_visible()
    look(alice, "model-of-file-alone")
    assert complaints == []


def test_three_names_for_five_outputs_cost_one_edit(alice: Page, complaints: list[Any]) -> None:
    upload(alice, DEMO_POOL / "model_000.safetensors", "Mountains", CLASSES[:3])
    wait_for(alice, "Rejected")
    look(alice, "fix-names")
    names = alice.get_by_label("Class names")
    expect(names).to_have_value("\n".join(CLASSES[:3]))
    names.fill("\n".join(CLASSES))
    alice.get_by_role("button", name="Read it again").click()
    wait_for(alice, "Valid")
    expect(alice.get_by_role("heading", name="Read as")).to_be_visible()
    look(alice, "fixed-guess")
    assert complaints == []


def test_a_file_that_could_be_something_else_is_one_click(
    alice: Page, complaints: list[Any], tmp_path: Path
) -> None:
    path = tmp_path / "trained.pt"
    state = network("torchvision/resnet18", 64)
    torch.save({"model": state, "args": {"model": "our_own_net"}}, path)
    upload(alice, path, "Our own net", CLASSES)
    wait_for(alice, "Rejected")
    expect(alice.get_by_text("calls itself “our_own_net”")).to_be_visible()
    look(alice, "fix-architecture")
    either = re.compile("^Read it as (torchvision|timm).resnet18$")
    alice.get_by_role("button", name=either).first.click()
    wait_for(alice, "Valid")
    expect(alice.get_by_text("chosen by its owner")).to_be_visible()
    assert complaints == []


def test_averaged_and_raw_weights_change_places_with_a_click(
    alice: Page, complaints: list[Any], tmp_path: Path
) -> None:
    path = tmp_path / "averaged.pt"
    states = {"model": network("conv4", 16), "model_ema": network("conv4", 16, seed=1)}
    torch.save({**states, "epoch": 7, "optimizer": {"lr": 0.1}}, path)
    upload(alice, path, "Averaged", CLASSES)
    wait_for(alice, "Valid")
    look(alice, "weights")
    alice.get_by_role("button", name="Use the raw weights instead").click()
    wait_for(alice, "Valid")
    expect(alice.get_by_text("raw weights; the file also has the averaged ones")).to_be_visible(
        timeout=60_000
    )
    assert complaints == []


def test_a_change_that_does_not_fit_leaves_a_valid_model_as_it_is(
    alice: Page, complaints: list[Any]
) -> None:
    alice.get_by_role("link", name="Change").click()
    look(alice, "edit")
    alice.get_by_label("Class names").fill("one\ntwo")
    alice.get_by_role("button", name="Save").click()
    expect(alice.get_by_text("Your last change was refused")).to_be_visible(timeout=60_000)
    wait_for(alice, "Valid")
    look(alice, "change-refused")
    alice.get_by_role("link", name="Change it again").click()
    names = alice.get_by_label("Class names")
    expect(names).to_have_value("one\ntwo")
    look(alice, "edit-refused")
    names.fill("\n".join(reversed(CLASSES)))
    alice.get_by_role("button", name="Save").click()
    wait_for(alice, "Valid")
    expect(alice.locator("li.tag").first).to_have_text("trout")
    alice.goto("/models/")
    look(alice, "models-guess")
    assert complaints == []
