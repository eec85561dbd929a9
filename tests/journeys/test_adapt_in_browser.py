"""Adaptation without the server, in a real Chromium whose network is recorded and then cut."""

import base64
import io
import json
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageFilter
from playwright.sync_api import expect, sync_playwright

from marketplace.core.browser_runtime import runtime_is_here
from metalearn.datasets import decode_image
from tests.journeys.instance import ROOT
from tests.tools import CHROMIUM_FLAGS, find_chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium on this machine"),
    pytest.mark.skipif(
        not runtime_is_here(ROOT / "static"), reason="the browsers' runtime was not fetched"
    ),
]

KINDS = ("jpeg", "png", "turned", "grey", "transparent")
CLASSES = ("meadow", "ember")


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


def files_of(label: int, seed: int) -> list[dict]:
    kinds = [(kind, picture_file(kind, label, seed + n)) for n, kind in enumerate(KINDS)]
    return [
        {
            "name": f"{CLASSES[label]}-{kind}",
            "mimeType": "image/png" if content.startswith(b"\x89") else "image/jpeg",
            "buffer": content,
        }
        for kind, content in kinds
    ]


@pytest.fixture(scope="module")
def learner(embedded):
    """A meta-learner that takes gradient steps."""
    checkpoints = embedded.upload_demo_models(2)
    pool = embedded.call("POST", "pools/", 201, json={"name": "p", "checkpoints": checkpoints})
    job = {"pool": pool["id"], "algorithm": "average", "settings": {"head": "sgd"}, "seed": 1}
    row = embedded.call("POST", "jobs/", 201, json=job)
    return embedded.wait_for_job(row["id"], ("succeeded",))["learner"]


@pytest.fixture(scope="module")
def page(embedded, learner):
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(find_chromium()), headless=True, args=CHROMIUM_FLAGS
        )
        context = chromium.new_context(base_url=embedded.url)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto("/accounts/login/")
        page.get_by_label("Username").fill("alice")
        page.get_by_label("Password").fill("correct horse battery")
        page.locator("form button[type=submit]").last.click()
        page.wait_for_url(lambda url: "login" not in url)
        page.complaints = []
        page.on(
            "console",
            lambda message: (
                message.type in ("error", "warning") and page.complaints.append(message.text)
            ),
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.asked = []
        context.on("request", lambda request: page.asked.append(request))
        page.answers = {}
        context.on("response", lambda answer: page.answers.update({answer.url: answer}))
        page.goto(f"/learners/{learner}/adapt/")
        expect(page.locator("[data-browser-state]")).to_contain_text("works without a network")
        page.loaded = len(page.asked)
        context.set_offline(True)
        yield page
        chromium.close()


def adapt(page, *, calibrate: bool) -> None:
    page.locator("[data-calibrate]").set_checked(calibrate)
    page.locator("[data-adapt]").click()
    expect(page.locator("[data-status]")).to_have_text(re.compile("^Adapted"), timeout=60_000)


def ask(page, files: list[dict]) -> None:
    before = page.locator("[data-result-cards] > li").count()
    page.locator("[data-query-drop] input[type=file]").first.set_input_files(files)
    results = page.locator("[data-result-cards] > li")
    expect(results).to_have_count(before + len(files), timeout=60_000)


def server_says(embedded, learner, queries, *, calibrate: bool) -> np.ndarray:
    def text(file):
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
    found = embedded.call("POST", f"learners/{learner}/adaptations/", json=body)["predictions"]
    return np.array([[one["probabilities"][name] for name in CLASSES] for one in found])


def page_says(page, names: list[str]) -> np.ndarray:
    rows = page.locator("[data-result-table] tbody tr")
    found = {}
    for text in rows.evaluate_all(
        "rows => rows.map(row => [...row.cells].map(c => c.textContent))"
    ):
        found.setdefault(text[0], [float(cell.rstrip(" %")) / 100 for cell in text[2:]])
    return np.array([found[name] for name in names])


def test_pictures_of_every_kind_are_adapted_to_without_a_network(page):
    cards = page.locator("[data-classes] > li")
    for label, name in enumerate(CLASSES):
        cards.nth(label).locator("input[type=text]").first.fill(name)
        cards.nth(label).locator("input[type=file]").first.set_input_files(files_of(label, 1))
        expect(cards.nth(label).locator("img")).to_have_count(len(KINDS))
    adapt(page, calibrate=True)
    assert page.complaints == []


@pytest.mark.parametrize("calibrate", [True, False])
def test_it_says_what_the_server_would_have_said(page, embedded, learner, calibrate):
    adapt(page, calibrate=calibrate)
    queries = files_of(0, 11) + files_of(1, 11)
    ask(page, queries)
    here = page_says(page, [file["name"] for file in queries])
    there = server_says(embedded, learner, queries, calibrate=calibrate)
    assert np.abs(here - there).max() < 0.01, (here, there)
    assert (here.argmax(1) == there.argmax(1)).all()


def test_another_picture_needs_no_other_adaptation(page):
    status = page.locator("[data-status]")
    page.evaluate("window.seen = []")
    status.evaluate(
        "(node) => new MutationObserver(() => window.seen.push(node.textContent))"
        ".observe(node, {childList: true})"
    )
    ask(page, [{**files_of(0, 31)[0], "name": "alone.jpg"}])
    seen = page.evaluate("window.seen")
    assert not any(text.startswith(("Adapting", "Calibrating")) for text in seen)


def test_the_classifier_can_be_taken_away_and_says_the_same_elsewhere(page, embedded, learner):
    onnxruntime = pytest.importorskip("onnxruntime")
    query = files_of(1, 41)[1]
    ask(page, [{**query, "name": "taken.png"}])
    expected = page_says(page, ["taken.png"])[0]
    with page.expect_download() as download:
        page.get_by_role("button", name="ONNX").click()
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


def test_the_page_is_fit_for_screen_readers_and_keyboards(page):
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


def test_an_adaptation_can_be_stopped_and_begun_again(page):
    page.locator("[data-adapt]").click()
    page.locator("[data-stop]").click()
    expect(page.locator("[data-problem]")).to_contain_text("Stopped")
    adapt(page, calibrate=False)


def test_no_byte_of_a_picture_left_and_nothing_was_asked_after_loading(page, embedded):
    after = [request.url for request in page.asked[page.loaded :]]
    assert [url for url in after if not url.startswith(("blob:", "data:"))] == []
    for request in page.asked:
        assert request.url.startswith((embedded.url, "blob:", "data:"))
        if request.url.startswith(embedded.url):
            assert (request.method, request.post_data) == ("GET", None)
    assert page.complaints == []


def test_the_policies_allow_no_evaluation_of_text_and_no_other_host(page):
    policies = {
        url: answer.headers["content-security-policy"]
        for url, answer in page.answers.items()
        if "content-security-policy" in answer.headers
    }
    assert any("/device/worker." in url for url in policies), list(page.answers)
    for policy in policies.values():
        sources = set(re.split(r"[ ;]+", policy))
        assert "'unsafe-eval'" not in sources
        assert "'unsafe-inline'" not in sources
        assert not any("//" in source or "*" in source for source in sources)
    worker = next(policy for url, policy in policies.items() if "/device/worker." in url)
    assert "connect-src" not in worker
    assert "default-src 'none'" in worker


def test_graphs_and_runtime_are_smaller_than_15_megabytes(page):
    vendor = sum(
        path.stat().st_size
        for path in (ROOT / "static" / "vendor" / "onnxruntime-web").iterdir()
        if path.suffix in (".mjs", ".wasm")
    )
    graphs = [
        len(answer.body())
        for url, answer in page.answers.items()
        if url.endswith((".onnx", "browser.json"))
    ]
    assert len(graphs) == 11
    assert vendor + sum(graphs) < 15_000_000, json.dumps([vendor, graphs])
