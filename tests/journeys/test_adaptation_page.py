"""How pictures come to the adaptation page, what leaves it, and browsers that cannot."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from playwright.sync_api import FilePayload, expect

from metalearn.datasets import decode_image
from metalearn.meta_learner import MetaLearner
from metalearn.numerics.ridge import RidgeHead
from tests.journeys.adapting import (
    CLASSES,
    KINDS,
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
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    NEEDS_CHROMIUM,
]
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def learner(embedded: Instance) -> Any:
    return learner_with_steps(embedded)


@pytest.fixture(scope="module")
def context(embedded: Instance) -> Iterator[Any]:
    with chromium(*CAMERA) as browser:
        context = browser.new_context(base_url=embedded.url, permissions=["camera"])
        signed_in_page(context).close()
        yield context


@pytest.fixture
def page(context: Any, learner: Any) -> Iterator[Any]:
    page = context.new_page()
    page.set_default_timeout(60_000)
    listening(page)
    page.goto(f"/learners/{learner}/adapt/")
    yield page
    page.close()


@pytest.fixture
def adapted(page: Any) -> Any:
    """The page, adapted to pictures of every kind and calibrated."""
    for label in range(len(CLASSES)):
        give(page, label, files_of(label, 1))
    wait_until_ready(page)
    adapt(page, calibrate=True)
    return page


def transfer(page: Any, file: FilePayload, kind: str) -> Any:
    """A DataTransfer with one file, as a drop or a paste has it."""
    content = base64.b64encode(file["buffer"]).decode()
    return page.evaluate_handle(
        """([text, name, type]) => {
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], name, { type }));
          return data;
        }""",
        [content, file["name"], kind],
    )


def test_pictures_can_be_dropped_pasted_and_taken_by_the_camera(page: Any) -> None:
    card = page.locator("[data-classes] > li").first
    data = transfer(page, files_of(0, 1)[1], "image/png")
    card.dispatch_event("drop", {"dataTransfer": data})
    expect(card.locator("img")).to_have_count(1)
    card.evaluate(
        "(node, data) => node.dispatchEvent(new ClipboardEvent('paste', "
        "{clipboardData: data, bubbles: true, cancelable: true}))",
        transfer(page, files_of(0, 2)[1], "image/png"),
    )
    expect(card.locator("img")).to_have_count(2)
    card.get_by_role("button", name="Camera for this class").click()
    dialog = page.locator("[data-camera]")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Take a picture").click()
    expect(page.locator("[data-camera-count]")).to_have_text("1 taken")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(card.locator("img")).to_have_count(3)
    assert page.locator("[data-camera-video]").evaluate("video => video.srcObject") is None
    assert heard(page).complaints == []


def test_folders_become_classes(page: Any, tmp_path: Path) -> None:
    for label, name in enumerate(CLASSES):
        (tmp_path / "all" / name).mkdir(parents=True)
        for number, file in enumerate(files_of(label, 1)):
            (tmp_path / "all" / name / f"{number}.png").write_bytes(file["buffer"])
    (tmp_path / "all" / CLASSES[0] / "notes.txt").write_text("not a picture")
    page.locator("[data-folder]").set_input_files(tmp_path / "all")
    cards = page.locator("[data-classes] > li")
    expect(cards).to_have_count(2)
    expect(cards.locator("img")).to_have_count(2 * len(KINDS))
    names = cards.locator("input[type=text]").evaluate_all("all => all.map(one => one.value)")
    assert sorted(names) == sorted(CLASSES)


def learner_directory(embedded: Any, learner: Any, folder: Any) -> Any:
    for name in ("model.safetensors", "config.json", "provenance.json", "README.md"):
        (folder / name).write_bytes(content_of(embedded, learner, name))
    return MetaLearner.load(folder)


def content_of(embedded: Any, learner: Any, name: str) -> bytes:
    answer = embedded.session.get(
        f"{embedded.url}/api/v1/learners/{learner}/files/{name}", timeout=60
    )
    assert answer.status_code == 200
    return answer.content


def prepared(learner: MetaLearner, files: list[FilePayload]) -> np.ndarray:
    squares = [
        decode_image(file["buffer"], channels=3, image_size=learner.image_size, quick=False)
        for file in files
    ]
    shape = (1, -1, 1, 1)
    mean, std = np.reshape(learner.mean, shape), np.reshape(learner.std, shape)
    return ((torch.stack(squares).numpy() / 255 - mean) / std).astype(np.float32)


def taken(page: Any, button: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.path().read_bytes()


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def test_both_exports_say_in_python_what_the_page_says(
    adapted: Any, embedded: Instance, learner: Any, tmp_path: Path
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    questions = files_of(0, 21) + files_of(1, 21)
    ask(adapted, questions)
    expected = page_says(adapted, [file["name"] for file in questions])
    there = learner_directory(embedded, learner, tmp_path)
    images = prepared(there, questions)
    model = taken(adapted, "Classifier as ONNX")
    found = onnxruntime.InferenceSession(model).run(["logits"], {"images": images})[0]
    assert np.abs(softmax(found) - expected).max() < 2e-3
    file = taken(adapted, "Classifier as safetensors")
    tensors = {name: torch.tensor(value) for name, value in safetensors.numpy.load(file).items()}
    head = RidgeHead(tensors.pop("ridge_weight"), tensors.pop("ridge_bias"))
    there.network.load_state_dict(tensors, strict=False)
    with torch.no_grad():
        logits = head.logits(there.network.eval().embed(torch.from_numpy(images)))
    assert np.abs(softmax(logits.numpy()) - expected).max() < 2e-3
    length = int.from_bytes(file[:8], "little")
    about = json.loads(file[8 : 8 + length])["__metadata__"]
    assert json.loads(about["labels"]) == list(CLASSES)
    assert heard(adapted).complaints == []


@pytest.mark.parametrize(
    ("take_away", "words"),
    [
        ("delete window.createImageBitmap", "createImageBitmap"),
        ("WebAssembly.validate = () => false", "vector instructions"),
        ("delete window.Worker", "workers"),
        (
            "const All = Worker; window.Worker = function (a) { return new All(a); }",
            "module workers",
        ),
    ],
)
def test_a_browser_that_cannot_says_what_it_lacks_and_waits_for_the_person(
    context: Any, learner: Any, take_away: Any, words: Any
) -> None:
    page = context.new_page()
    page.add_init_script(take_away)
    page.goto(f"/learners/{learner}/adapt/")
    state = page.locator("[data-browser-state]")
    expect(state).to_contain_text(words, timeout=90_000)
    expect(page.get_by_label("In this browser")).to_be_disabled()
    expect(page.get_by_label("On the server")).not_to_be_checked()
    expect(page.locator("[data-adapt]")).to_be_disabled()
    page.close()


def test_a_question_that_is_no_picture_costs_the_others_nothing(adapted: Any) -> None:
    broken = {"name": "broken.png", "mimeType": "image/png", "buffer": b"not a picture"}
    field = adapted.locator("[data-query-drop] input[type=file]").first
    field.set_input_files([broken, *files_of(0, 21)[:2]])
    expect(adapted.locator("[data-result-cards] > li")).to_have_count(2)
    expect(adapted.locator("[data-problem]")).to_contain_text("broken.png")
