"""Learners of real architectures, made by a job, on the real page next to the server."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from playwright.sync_api import expect

from metalearn.networks import NetworkSpec, build_network
from metalearn.networks.batchnorm import reestimate_statistics
from tests.journeys.adapting import (
    CLASSES,
    NEEDS_CHROMIUM,
    adapt,
    ask,
    chromium,
    files_of,
    give,
    heard,
    page_says,
    server_says,
    signed_in_page,
    wait_until_ready,
)
from tests.journeys.instance import Instance

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    NEEDS_CHROMIUM,
]
MOBILENET = NetworkSpec("tv_mobilenet_v3_small", 16, 3, 32, 5)
LITE0 = NetworkSpec("timm/tf_efficientnet_lite0", 1280, 3, 64, 5)
# It has means over windows, whose gradients have no graph.
RESNET_D = NetworkSpec("timm/resnet18d", 512, 3, 32, 5)
QUESTIONS = files_of(0, 11) + files_of(1, 11)


def model_file(spec: NetworkSpec, folder: Path, seed: int) -> Path:
    """A network that knows the statistics of pictures, and nothing else."""
    torch.manual_seed(seed)
    network = build_network(spec)
    rough = torch.randn(48, 3, 6, 6)
    size = (spec.image_size, spec.image_size)
    reestimate_statistics(network, [F.interpolate(rough, size, mode="bicubic")])
    file = folder / f"model_{seed}.safetensors"
    safetensors.torch.save_file(network.state_dict(), file)
    return file


def learner_of(spec: NetworkSpec, instance: Any, folder: Path) -> str:
    line = {"architecture": spec.architecture, "image_size": spec.image_size, "channels": 3}
    line |= {"class_names": list("abcde"), "mean": [0.5] * 3, "std": [0.25] * 3}
    files = [model_file(spec, folder, seed) for seed in (1, 2)]
    ids = [instance.upload({**line, "file": file.name}, file) for file in files]
    for pk in ids:
        instance.wait(lambda pk=pk: instance._validated(pk), seconds=180, what="validation")
    pool = instance.call("POST", "pools/", 201, json={"name": "m", "checkpoints": ids})
    settings = {"rule": "first", "tasks": 1}
    job = {"pool": pool["id"], "algorithm": "best_teacher", "settings": settings, "seed": 1}
    row = instance.call("POST", "jobs/", 201, json=job)
    return instance.wait_for_job(row["id"], ("succeeded",), seconds=400)["learner"]


@contextmanager
def on_the_page(instance: Any, learner: str) -> Iterator[Any]:
    """The learner's page, ready and with pictures of both classes."""
    with chromium() as browser:
        page = signed_in_page(browser.new_context(base_url=instance.url))
        page.goto(f"/learners/{learner}/adapt/")
        wait_until_ready(page)
        for label in range(len(CLASSES)):
            give(page, label, files_of(label, 1))
        yield page


def both_say(page: Any, instance: Any, learner: str) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the page and of the server, which has PyTorch, without calibration."""
    if page.locator("[data-calibrate]").is_enabled():
        adapt(page, calibrate=False)
    else:
        page.locator("[data-adapt]").click()
        expect(page.locator("[data-status]")).to_have_text(re.compile("^Adapted"), timeout=120_000)
    ask(page, QUESTIONS)
    here = page_says(page, [file["name"] for file in QUESTIONS])
    return here, server_says(instance, learner, QUESTIONS, calibrate=False)


def test_mobilenet_says_in_the_browser_what_it_says_on_the_server(
    embedded: Instance, tmp_path: Path
) -> None:
    learner = learner_of(MOBILENET, embedded, tmp_path)
    with on_the_page(embedded, learner) as page:
        here, there = both_say(page, embedded, learner)
        assert np.abs(here - there).max() < 0.01, (here, there)
        assert np.ptp(there) > 0.2
        adapt(page, calibrate=True)
        expect(page.locator("[data-calibrate]")).to_be_enabled()
        ask(page, [{**QUESTIONS[0], "name": "calibrated"}])
        assert heard(page).complaints == []


@pytest.mark.parametrize("spec", [LITE0, RESNET_D], ids=["lite0", "resnet18d"])
def test_real_architectures_say_in_the_browser_what_pytorch_says(
    spec: Any, embedded: Instance, tmp_path: Path
) -> None:
    learner = learner_of(spec, embedded, tmp_path)
    with on_the_page(embedded, learner) as page:
        here, there = both_say(page, embedded, learner)
        # The page rounds to a tenth of a percent.
        assert np.abs(here - there).max() < 1e-3 + 5e-4, (here, there)
        assert np.ptp(there) > 0.01
        keep_screenshot(page, spec)
        limited = spec is RESNET_D
        said = "the server offers: browsers have no operator"
        if limited:
            expect(page.locator("[data-browser-state]")).to_contain_text(said)
        else:
            expect(page.locator("[data-browser-state]")).not_to_contain_text("server offers")
        # Ridge needs no gradients.
        adapt(page, calibrate=True)
        ask(page, [{**QUESTIONS[0], "name": "calibrated"}])
        assert heard(page).complaints == []


def keep_screenshot(page: Any, spec: NetworkSpec) -> None:
    """For those who look at pages, where the variable names a folder."""
    folder = os.environ.get("FREEHOLD_SCREENSHOTS")
    if folder:
        name = spec.architecture.replace("/", "_")
        page.screenshot(path=Path(folder) / f"learner_{name}.png", full_page=True)
