"""Pictures, a learner and the steps of a person on the adaptation page, for several journeys."""

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FilePayload,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.journeys.instance import Instance
from tests.tools import CHROMIUM_FLAGS, find_chromium

NEEDS_CHROMIUM = pytest.mark.skipif(
    find_chromium() is None, reason="there is no Chromium on this machine"
)

KINDS = ("jpeg", "png", "turned", "grey", "transparent")
CLASSES = ("meadow", "ember")


@dataclass
class Heard:
    """What a page's console said, and all requests of its browser."""

    complaints: list[str] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)


_heard: WeakKeyDictionary[Page, Heard] = WeakKeyDictionary()


def picture_file(kind: str, label: int, seed: int) -> bytes:
    """A picture with a pattern, as a person might give it."""
    rng = np.random.default_rng(100 * seed + label)
    base = (40, 150, 60) if label == 0 else (190, 70, 30)
    rough = rng.normal(0, 60, (13, 17, 3)) + base
    image = Image.fromarray(rough.clip(0, 255).astype(np.uint8)).resize((340, 260))
    image = image.filter(ImageFilter.GaussianBlur(1))
    buffer, exif = io.BytesIO(), Image.Exif()
    if kind == "transparent":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    if kind == "grey":
        image = image.convert("L")
    if kind == "turned":
        exif[0x0112] = 6
    name = "JPEG" if kind in ("jpeg", "turned", "grey") else "PNG"
    image.save(buffer, name, **({"exif": exif, "quality": 90} if name == "JPEG" else {}))
    return buffer.getvalue()


def files_of(label: int, seed: int) -> list[FilePayload]:
    kinds = [(kind, picture_file(kind, label, seed + n)) for n, kind in enumerate(KINDS)]
    return [
        {
            "name": f"{CLASSES[label]}-{kind}",
            "mimeType": "image/png" if content.startswith(b"\x89") else "image/jpeg",
            "buffer": content,
        }
        for kind, content in kinds
    ]


def learner_with_steps(instance: Instance) -> str:
    """The id of a meta-learner that takes gradient steps."""
    checkpoints = instance.upload_demo_models(2)
    pool = instance.call("POST", "pools/", 201, json={"name": "p", "checkpoints": checkpoints})
    job = {"pool": pool["id"], "algorithm": "average", "settings": {"head": "sgd"}, "seed": 1}
    row = instance.call("POST", "jobs/", 201, json=job)
    return instance.wait_for_job(row["id"], ("succeeded",))["learner"]


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """A browser, and patience: machines that run tests are busy."""
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(find_chromium()), headless=True, args=[*CHROMIUM_FLAGS, *flags]
        )
        yield browser
        browser.close()


def signed_in_page(context: BrowserContext) -> Page:
    """A page of Alice's, with all that the browser complains about and asks for."""
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "login" not in url)
    return listening(page)


def listening(page: Page) -> Page:
    """The page; `heard` has what its console says and all requests from now on."""
    ears = _heard[page] = Heard()

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            ears.complaints.append(message.text)

    page.on("console", on_console)
    page.on("pageerror", lambda error: ears.complaints.append(str(error)))
    page.context.on("request", lambda request: ears.asked.append(request))
    return page


def heard(page: Page) -> Heard:
    """What the page has complained about and asked for since `listening`."""
    return _heard[page]


def wait_until_ready(page: Page) -> None:
    expect(page.locator("[data-browser-state]")).to_contain_text("Ready", timeout=180_000)


def give(page: Page, label: int, files: list[FilePayload]) -> None:
    """A class's name and pictures."""
    card = page.locator("[data-classes] > li").nth(label)
    card.locator("input[type=text]").first.fill(CLASSES[label])
    card.locator("input[type=file]").first.set_input_files(files)
    expect(card.locator("img")).to_have_count(len(files))


def adapt(page: Page, *, calibrate: bool) -> None:
    page.locator("[data-calibrate]").set_checked(calibrate)
    page.locator("[data-adapt]").click()
    expect(page.locator("[data-status]")).to_have_text(re.compile("^Adapted"), timeout=120_000)


def ask(page: Page, files: list[FilePayload]) -> None:
    before = page.locator("[data-result-cards] > li").count()
    page.locator("[data-query-drop] input[type=file]").first.set_input_files(files)
    results = page.locator("[data-result-cards] > li")
    expect(results).to_have_count(before + len(files), timeout=60_000)


def page_says(page: Page, names: list[str]) -> np.ndarray:
    rows = page.locator("[data-result-table] tbody tr")
    found: dict[str, list[float]] = {}
    for text in rows.evaluate_all(
        "rows => rows.map(row => [...row.cells].map(c => c.textContent))"
    ):
        found.setdefault(text[0], [float(cell.rstrip(" %")) / 100 for cell in text[2:]])
    return np.array([found[name] for name in names])


def server_says(
    instance: Instance, learner: str, queries: list[FilePayload], *, calibrate: bool
) -> np.ndarray:
    def text(file: FilePayload) -> str:
        return base64.b64encode(file["buffer"]).decode()

    body = {
        "support": [
            {"label": CLASSES[label], "image": text(file)}
            for label in (0, 1)
            for file in files_of(label, 1)
        ],
        "query": [text(file) for file in queries],
        "calibrate": calibrate,
    }
    found = instance.call("POST", f"learners/{learner}/adaptations/", json=body)["predictions"]
    return np.array([[one["probabilities"][name] for name in CLASSES] for one in found])
