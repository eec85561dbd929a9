"""A learner with grouped convolutions, made by a job, on the real page next to the server."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from playwright.sync_api import expect

from metalearn.batchnorm import reestimate_statistics
from metalearn.networks import NetworkSpec, build_network
from tests.journeys.adapting import (
    CLASSES,
    NEEDS_CHROMIUM,
    NEEDS_RUNTIME,
    adapt,
    ask,
    chromium,
    files_of,
    give,
    page_says,
    server_says,
    signed_in_page,
    wait_until_ready,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    NEEDS_CHROMIUM,
    NEEDS_RUNTIME,
]
SPEC = NetworkSpec("tv_mobilenet_v3_small", 16, 3, 32, 5)
QUESTIONS = files_of(0, 11) + files_of(1, 11)


def mobilenet(folder: Path, seed: int) -> Path:
    """A network that knows the statistics of pictures, and nothing else."""
    torch.manual_seed(seed)
    network = build_network(SPEC)
    rough = torch.randn(48, 3, 6, 6)
    reestimate_statistics(network, [F.interpolate(rough, (32, 32), mode="bicubic")])
    file = folder / f"mobilenet_{seed}.safetensors"
    safetensors.torch.save_file(network.state_dict(), file)
    return file


def learner_of_mobilenets(instance, folder: Path) -> str:
    line = {"architecture": SPEC.architecture, "image_size": 32, "channels": 3}
    line |= {"class_names": list("abcde"), "mean": [0.5] * 3, "std": [0.25] * 3}
    files = [mobilenet(folder, seed) for seed in (1, 2)]
    ids = [instance.upload({**line, "file": file.name}, file) for file in files]
    for pk in ids:
        instance.wait(lambda pk=pk: instance._validated(pk), seconds=180, what="validation")
    pool = instance.call("POST", "pools/", 201, json={"name": "m", "checkpoints": ids})
    settings = {"rule": "first", "tasks": 1}
    job = {"pool": pool["id"], "algorithm": "best_teacher", "settings": settings, "seed": 1}
    row = instance.call("POST", "jobs/", 201, json=job)
    return instance.wait_for_job(row["id"], ("succeeded",), seconds=400)["learner"]


def test_mobilenet_says_in_the_browser_what_it_says_on_the_server(embedded, tmp_path):
    learner = learner_of_mobilenets(embedded, tmp_path)
    with chromium() as browser:
        context = browser.new_context(base_url=embedded.url)
        page = signed_in_page(context)
        page.goto(f"/learners/{learner}/adapt/")
        wait_until_ready(page)
        for label in range(len(CLASSES)):
            give(page, label, files_of(label, 1))
        adapt(page, calibrate=False)
        ask(page, QUESTIONS)
        here = page_says(page, [file["name"] for file in QUESTIONS])
        there = server_says(embedded, learner, QUESTIONS, calibrate=False)
        assert np.abs(here - there).max() < 0.01, (here, there)
        assert np.ptp(there) > 0.2
        adapt(page, calibrate=True)
        expect(page.locator("[data-calibrate]")).to_be_enabled()
        ask(page, [{**QUESTIONS[0], "name": "calibrated"}])
        assert page.complaints == []
