"""A model checked with pictures in a real Chromium: right, then read otherwise, then doubtful.

Screenshots go to the folder that FREEHOLD_SCREENSHOTS names, for people to look at.
"""

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect

from contract.declared import DeclaredFile
from metalearn.checkpoint import read_checkpoint
from metalearn.datasets import decode_image
from tests.journeys.instance import DEMO_POOL, Instance
from tests.journeys.test_browser import (  # noqa: F401 - fixtures
    browser,
    complaints,
    look,
    page,
)
from tests.journeys.test_fix_in_place import alice, wait_for  # noqa: F401 - a fixture
from tests.journeys.test_folders_on_page import drop
from tests.tools import find_chromium

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium on this machine"),
]

LINE = json.loads((DEMO_POOL / "manifest.jsonl").read_text().splitlines()[0])
FILE = DEMO_POOL / LINE["file"]
N_PICTURES = 12


def picture_file(seed: int) -> bytes:
    """A rough picture, as PNG of no more pixels than a browser sends on unchanged."""
    rng = np.random.default_rng(seed)
    rough = rng.normal(0, 70, (6, 6, 3)) + rng.integers(0, 256, 3)
    buffer = io.BytesIO()
    image = Image.fromarray(rough.clip(0, 255).astype(np.uint8)).resize((96, 96))
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def sorted_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures, each in the folder of what the model takes it for."""
    said: dict[str, Any] = {
        name: LINE[name] for name in ("image_size", "mean", "std", "class_names")
    }
    said = {k: tuple(v) if isinstance(v, list) else v for k, v in said.items()}
    declared = DeclaredFile(**said)
    teacher = read_checkpoint(FILE, declared)
    files = [picture_file(seed) for seed in range(N_PICTURES)]
    size = teacher.image_size
    pixels = [decode_image(file, channels=3, image_size=size, quick=False) for file in files]
    found = teacher.logits(torch.stack(pixels).float() / 255).argmax(1).tolist()
    assert len(set(found)) > 1
    folder = tmp_path_factory.mktemp("sorted")
    for number, (label, file) in enumerate(zip(found, files, strict=True)):
        # A folder may differ from the class in its capitals.
        place = folder / LINE["class_names"][label].upper()
        place.mkdir(exist_ok=True)
        (place / f"{number}.png").write_bytes(file)
    return folder


@pytest.fixture(scope="module")
def model(embedded: Instance) -> str:
    """The address of Alice's model."""
    pk = embedded.upload(LINE, FILE)
    embedded.wait(lambda: embedded._validated(pk), seconds=120, what="validation")
    return f"/models/{pk}/"


def choose(alice: Page, folder: Path) -> None:  # noqa: F811 - the fixture
    alice.locator("[data-check-folder]").set_input_files(folder)
    expect(alice.locator("[data-check-status]")).to_have_text(f"Ready: {N_PICTURES} pictures.")


def check(alice: Page) -> None:  # noqa: F811 - the fixture
    alice.get_by_role("button", name="Check", exact=True).click()
    expect(alice.locator("[data-check-results] .result")).to_have_count(N_PICTURES, timeout=60_000)


def test_dropped_folders_are_classes_and_loose_pictures_wait_for_one(
    alice: Page,
    complaints: list[Any],
    model: str,
) -> None:
    alice.goto(model)
    drop(alice, "[data-check-drop]", ["Lion", ["a.png", "b.png"]], "loose.png")
    groups = alice.locator(".class-card")
    expect(groups).to_have_count(2)
    expect(groups.nth(0).get_by_label("Class of these pictures")).to_have_value("lion")
    loose = groups.nth(1).get_by_label("Class of these pictures")
    expect(loose).to_have_value("")
    expect(loose).to_be_focused()
    expect(alice.get_by_role("button", name="Check", exact=True)).to_be_disabled()
    loose.select_option("trout")
    expect(alice.locator("[data-check-status]")).to_have_text("Ready: 3 pictures.")
    assert complaints == []


def test_a_folder_of_pictures_is_all_right_and_the_model_says_so(
    alice: Page,
    complaints: list[Any],
    embedded: Instance,
    model: str,
    sorted_pictures: Path,
) -> None:
    alice.goto(model)
    expect(alice.locator("[data-checked]")).to_have_text("Not checked with pictures")
    expect(alice.get_by_role("button", name="Check", exact=True)).to_be_disabled()
    look(alice, "check-empty")
    choose(alice, sorted_pictures)
    look(alice, "check-given")
    check(alice)
    all_right = f"{N_PICTURES} of {N_PICTURES} pictures right"
    expect(alice.locator("[data-check-results] .note")).to_have_text(all_right)
    expect(alice.locator("[data-check-status]")).to_have_text(f"{all_right}.")
    expect(alice.get_by_text("Right", exact=True)).to_have_count(N_PICTURES)
    expect(alice.locator("[data-checked]")).to_contain_text(f"Checked: {all_right} (")
    look(alice, "check-right")
    row = embedded.call("GET", f"checkpoints/{model.split('/')[2]}/")
    assert (row["checked"]["n_right"], row["checked"]["n_pictures"]) == (N_PICTURES, N_PICTURES)
    assert complaints == []


def test_the_catalogue_shows_it_among_what_is_checked(
    alice: Page, complaints: list[Any], model: str
) -> None:
    alice.goto("/models/?checked=yes")
    expect(alice.locator(".card__foot").first).to_contain_text(f"Checked: {N_PICTURES} of")
    look(alice, "models-checked")
    alice.goto("/models/?checked=no")
    expect(alice.get_by_role("heading", name="No model matches")).to_be_visible()
    assert complaints == []


def test_nothing_of_the_pictures_is_on_the_disk(embedded: Instance, sorted_pictures: Path) -> None:
    adaptations = embedded.folder / "var" / "files" / "adaptations"
    assert not adaptations.exists() or list(adaptations.iterdir()) == []
    middles = [path.read_bytes()[60:90] for path in sorted_pictures.rglob("*.png")]
    for path in (embedded.folder / "var").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(middle in content for middle in middles), path


def test_another_normalisation_makes_it_unchecked(
    alice: Page, complaints: list[Any], model: str
) -> None:
    alice.goto(model)
    alice.get_by_role("link", name="Change", exact=True).click()
    alice.get_by_label("Mean").fill("0, 0, 0")
    alice.get_by_label("Standard deviation").fill("4, 4, 4")
    alice.get_by_role("button", name="Save").click()
    alice.wait_for_url(re.compile(model))
    wait_for(alice, "Valid")
    expect(alice.locator("[data-checked]")).to_have_text("Not checked with pictures")
    assert complaints == []


def test_a_model_that_does_badly_is_told_what_to_look_at_also_on_the_next_visit(
    alice: Page,
    complaints: list[Any],
    embedded: Instance,
    model: str,
    sorted_pictures: Path,
    tmp_path: Path,
) -> None:
    alice.goto(model)
    names = list(LINE["class_names"])
    for number, file in enumerate(sorted(sorted_pictures.rglob("*.png"))):
        known = next(name for name in names if name.upper() == file.parent.name)
        wrong = names[(names.index(known) + 1 + number % 3) % len(names)]
        (tmp_path / wrong).mkdir(exist_ok=True)
        (tmp_path / wrong / file.name).write_bytes(file.read_bytes())
    (tmp_path / "owls").mkdir()
    (tmp_path / "owls" / "a.png").write_bytes(picture_file(99))
    alice.locator("[data-check-folder]").set_input_files(tmp_path)
    expect(alice.get_by_text("The model has no class “owls”; choose")).to_be_visible()
    expect(alice.locator("[data-check-status]")).to_contain_text("Choose the class")
    look(alice, "check-unknown-class")
    alice.locator(".class-card", has=alice.get_by_alt_text("a.png")).get_by_role(
        "button", name="Remove this class"
    ).click()
    check(alice)
    expect(alice.locator("[data-check-results] .note--warn")).to_contain_text("Check its archi")
    look(alice, "check-wrong")
    alice.reload()
    expect(alice.locator("[data-doubt]")).to_contain_text("Check its architecture")
    expect(alice.locator("[data-checked]")).to_have_class(re.compile("badge--warn"))
    look(alice, "check-doubtful")
    assert complaints == []
