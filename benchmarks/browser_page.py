"""Waiting times on the adaptation page, in a real Chromium with a whole instance.

`python -m benchmarks.browser_page [--learners conv4:32 conv4:64] [--pause 0 15]` makes learners
(averages of two randomly initialised networks: times are meaningful, accuracy is not). For each it
opens a fresh page, waits until the page is ready and `--pause` seconds more, like a person choosing
images, then adapts to 5 x 5 images with calibration and classifies 75 others; twice. A learner is
architecture:width or architecture:width:size of its images. `--head prototypes` takes no gradient
steps, and `--plain` leaves the calibration out.

Seconds are measured by the page's clock: from the click until “Adapted” is on the screen, and from
the choice of the queries until the last result is. Processor seconds cover all renderers, whose
threads for computation, images and compilation run in parallel. Bytes are what the page fetched, as
encoded; memory is the peak of one renderer.
"""

import argparse
import io
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from playwright.sync_api import Browser, CDPSession, FilePayload, Page, expect, sync_playwright
from safetensors.torch import save_file

from metalearn.networks import NetworkSpec, build_network
from tests.journeys.instance import Instance
from tests.tools import CHROMIUM_FLAGS, find_chromium

WAIT_MS = 600_000
SIZE = 32
WAYS, SHOTS, QUESTIONS = 5, 5, 75
# Megabytes of weights, and of everything else fetched after the page itself.
FETCHED = """() => {
  const mb = { weights: 0, other: 0 };
  for (const { name, encodedBodySize } of performance.getEntriesByType("resource")) {
    mb[name.endsWith(".safetensors") ? "weights" : "other"] += encodedBodySize / 1e6;
  }
  return mb;
}"""
# Starts with the user's event and ends when its result has been painted.
STOPWATCH = """() => {
  let start = 0;
  const begin = (kind, selector) => document.addEventListener(kind, (event) => {
    if (event.target.closest(selector)) start = performance.now();
  }, true);
  begin("click", "[data-adapt]");
  begin("change", "[data-query-drop]");
  const status = document.querySelector("[data-status]");
  new MutationObserver(() => {
    if (!start || !status.textContent.startsWith("Adapted")) return;
    const seconds = () => (performance.now() - start) / 1000;
    const stop = () => { document.body.dataset.waited = seconds(); start = 0; };
    requestAnimationFrame(() => setTimeout(stop));
  }).observe(status, { childList: true, characterData: true, subtree: true });
}"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--learners", nargs="+", default=["conv4:32", "conv4:64"])
    parser.add_argument("--pause", nargs="+", type=float, default=[0.0, 15.0])
    parser.add_argument("--head", default="sgd", choices=("sgd", "prototypes"))
    parser.add_argument("--plain", action="store_true", help="without calibration")
    parser.add_argument("--file", type=Path, help="a page that was saved as one file, instead")
    options = parser.parse_args()
    if options.file:
        print_times(options.file.name, options, lambda page: page.goto(file_url(options)))
        return
    with tempfile.TemporaryDirectory() as folder, Instance(Path(folder)) as instance:
        instance.sign_up("alice")
        for name in options.learners:
            learner = learner_of(instance, name, options.head)
            print_times(name, options, lambda page, pk=learner: open_at(page, instance, pk))


def file_url(options: argparse.Namespace) -> str:
    return str(options.file.resolve().as_uri())


def open_at(page: Page, instance: Instance, learner: str) -> None:
    """Sign in as Alice and open the learner's page."""
    page.goto(f"{instance.url}/accounts/login/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "login" not in url)
    page.goto(f"{instance.url}/learners/{learner}/adapt/", wait_until="commit")


def print_times(name: str, options: argparse.Namespace, begin: Callable[[Page], object]) -> None:
    for pause in options.pause:
        with chromium() as browser:
            found = timed(browser, begin, pause, plain=options.plain)
        print(json.dumps({"learner": name, "pause_s": pause, **found}), flush=True)


def learner_of(instance: Instance, name: str, head: str) -> str:
    architecture, width, *size = name.split(":")
    side = int(size[0]) if size else SIZE
    models = []
    for seed in range(2):
        torch.manual_seed(seed)
        network = build_network(NetworkSpec(architecture, int(width), 3, side, 5))
        file = instance.folder / f"{architecture.replace('/', '-')}-{seed}.safetensors"
        save_file(network.state_dict(), file)
        about = {"mean": [0.5] * 3, "std": [0.25] * 3, "class_names": list("abcde")}
        line = {"file": file.name, "architecture": architecture, "image_size": side, "channels": 3}
        models.append(instance.upload({**line, **about}, file))
    for pk in models:
        instance.wait(lambda pk=pk: validated(instance, pk), seconds=300, what="validation")
    pool = instance.call("POST", "pools/", 201, json={"name": name, "checkpoints": models})
    job = {"pool": pool["id"], "algorithm": "average", "settings": {"head": head}, "seed": 1}
    row = instance.call("POST", "jobs/", 201, json=job)
    return str(instance.wait_for_job(row["id"], ("succeeded",), seconds=600)["learner"])


def validated(instance: Instance, pk: str) -> bool:
    return bool(instance.call("GET", f"checkpoints/{pk}/")["state"] == "valid")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a fresh browser with an empty compilation cache."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(find_chromium()), args=CHROMIUM_FLAGS
        )
        yield browser
        browser.close()


def timed(
    browser: Browser, begin: Callable[[Page], object], pause: float, *, plain: bool
) -> dict[str, Any]:
    """Return seconds until ready, and of two adaptations with their queries."""
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    session = browser.new_browser_cdp_session()
    start = time.perf_counter()
    begin(page)
    says(page, "[data-browser-state]", "Ready")
    ready = round(time.perf_counter() - start, 2)
    fetched = page.evaluate(FETCHED)
    page.evaluate(STOPWATCH)
    page.wait_for_timeout(1000 * pause)
    give_support(page)
    if not plain:
        page.locator("[data-calibrate]").check()
    rounds = [one_round(page, session) for _ in range(2)]
    times = {"ready_s": ready, "first": rounds[0], "later": rounds[1]}
    return {**times, "fetched_mb": fetched, "renderer_mb": most_memory(session)}


def says(page: Page, selector: str, word: str) -> None:
    expect(page.locator(selector)).to_have_text(re.compile(f"^{word}"), timeout=WAIT_MS)


def give_support(page: Page) -> None:
    cards = page.locator("[data-classes] > li")
    for label in range(WAYS):
        if cards.count() <= label:
            page.locator("[data-add-class]").click()
        cards.nth(label).locator("input[type=text]").fill(f"class {label}")
        field = cards.nth(label).locator("input[type=file]").first
        field.set_input_files([picture(label, seed) for seed in range(SHOTS)])
    expect(page.locator("[data-adapt]")).to_be_enabled(timeout=WAIT_MS)


def one_round(page: Page, session: CDPSession) -> dict[str, float]:
    questions = [picture(n % WAYS, 1000 + n) for n in range(QUESTIONS)]
    field = page.locator("[data-query-drop] input[type=file]").first
    adapted = waited(page, session, page.locator("[data-adapt]").click)
    asked = waited(page, session, lambda: field.set_input_files(questions))
    assert page.locator("[data-result-cards] > li").count() == QUESTIONS
    return {
        "adapt_s": adapted[0],
        "adapt_cpu_s": adapted[1],
        "ask_s": asked[0],
        "ask_cpu_s": asked[1],
        "both_s": round(adapted[0] + asked[0], 2),
    }


def waited(page: Page, session: CDPSession, act: Callable[[], object]) -> tuple[float, float]:
    """Return the page's seconds, and the processor seconds of all renderers."""
    before = renderer_seconds(session)
    page.evaluate("delete document.body.dataset.waited")
    act()
    # The page's content security policy blocks wait_for_function.
    there = page.wait_for_selector("body[data-waited]", timeout=WAIT_MS)
    seconds = float(there.get_attribute("data-waited") or "nan")
    return round(seconds, 2), round(renderer_seconds(session) - before, 2)


def renderer_seconds(session: CDPSession) -> float:
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return float(sum(one["cpuTime"] for one in processes if one["type"] == "renderer"))


def most_memory(session: CDPSession) -> float:
    """Return the largest peak memory of a renderer in megabytes, as the kernel counts it."""
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    states = [
        Path(f"/proc/{one['id']}/status").read_text()
        for one in processes
        if one["type"] == "renderer"
    ]
    held = [re.search(r"VmHWM:\s+(\d+) kB", text) for text in states]
    return round(max(int(one.group(1)) for one in held if one) / 1000)


def picture(label: int, seed: int) -> FilePayload:
    """Return a small image whose colours follow its class."""
    rng = np.random.default_rng(100 * seed + label)
    base = np.random.default_rng(label).integers(40, 210, 3)
    rough = (rng.normal(0, 50, (8, 8, 3)) + base).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(rough).resize((96, 96)).save(buffer, "PNG")
    return {"name": f"{label}-{seed}.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


if __name__ == "__main__":
    main()
