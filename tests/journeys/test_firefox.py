"""Adaptation in a real Firefox, which Mozilla's own Marionette drives; skipped where it is not.

`pip install -e '.[firefox]'` and a Firefox (on Debian `apt-get install firefox-esr`).
"""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from tests.journeys.adapting import (
    CLASSES,
    KINDS,
    NEEDS_RUNTIME,
    files_of,
    learner_with_steps,
    server_says,
)
from tests.tools import free_port

driver = pytest.importorskip("marionette_driver", reason="Marionette is not installed")
marionette = pytest.importorskip("marionette_driver.marionette")


def find_firefox() -> Path | None:
    """The program itself; on Debian the one named `firefox` is a script that Marionette refuses."""
    found = (shutil.which(name) for name in ("firefox", "firefox-esr"))
    programs = (Path(path).resolve() for path in found if path)
    return next((path for path in programs if (path.parent / "application.ini").exists()), None)


FIREFOX = find_firefox()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        FIREFOX is None, reason="THERE IS NO FIREFOX HERE: one engine of two goes untested"
    ),
    NEEDS_RUNTIME,
]
PATIENCE_S = 120


class Firefox:
    """The few things that a journey needs."""

    def __init__(self, client, folder: Path) -> None:
        self.client = client
        self.folder = folder

    def all(self, selector: str):
        return self.client.find_elements(driver.By.CSS_SELECTOR, selector)

    def one(self, selector: str):
        return self.client.find_element(driver.By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        script = "return document.querySelector(arguments[0])?.textContent ?? ''"
        return self.client.execute_script(script, [selector])

    def wait(self, what, words: str) -> None:
        until = time.monotonic() + PATIENCE_S
        while not what():
            assert time.monotonic() < until, f"{words}; {self.text('[data-problem]')}"
            time.sleep(0.2)

    def wait_for_text(self, selector: str, start: str) -> None:
        self.wait(lambda: self.text(selector).strip().startswith(start), f"{selector}: {start}")

    def give(self, field, files: list[dict]) -> None:
        for file in files:
            path = self.folder / file["name"]
            path.write_bytes(file["buffer"])
            field.send_keys(str(path))

    def sign_in(self, url: str) -> None:
        self.client.navigate(f"{url}/accounts/login/")
        self.one("input[name=login]").send_keys("alice")
        self.one("input[name=password]").send_keys("correct horse battery")
        self.one("button[type=submit]:not([form])").click()
        self.wait(lambda: "login" not in self.client.get_url(), "the sign-in")

    def says(self) -> dict[str, list[float]]:
        script = (
            "return [...document.querySelectorAll('[data-result-table] tbody tr')]"
            ".map(row => [...row.cells].map(cell => cell.textContent))"
        )
        rows = self.client.execute_script(script)
        return {row[0]: [float(cell.rstrip(" %")) / 100 for cell in row[2:]] for row in rows}


@pytest.fixture(scope="module")
def learner(embedded):
    return learner_with_steps(embedded)


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firefox")
    client = marionette.Marionette(
        bin=str(FIREFOX),
        port=free_port(),
        headless=True,
        startup_timeout=180,
        gecko_log=str(folder / "firefox.log"),
    )
    client.start_session()
    yield Firefox(client, folder)
    client.quit()
    client.cleanup()


def named(files: list[dict]) -> list[dict]:
    """With the ending that tells Firefox what a file is."""
    return [{**file, "name": f"{file['name']}.{file['mimeType'][6:]}"} for file in files]


def test_firefox_says_what_the_server_would_have_said(firefox, embedded, learner):
    firefox.sign_in(embedded.url)
    firefox.client.navigate(f"{embedded.url}/learners/{learner}/adapt/")
    firefox.wait_for_text("[data-browser-state]", "Ready")
    for label, name in enumerate(CLASSES):
        card = firefox.all("[data-classes] > li")[label]
        card.find_element(driver.By.CSS_SELECTOR, "input[type=text]").send_keys(name)
        field = card.find_element(driver.By.CSS_SELECTOR, "input[type=file]")
        firefox.give(field, named(files_of(label, 1)))
    expected = f"Ready. 2 classes, {2 * len(KINDS)} pictures."
    firefox.wait_for_text("[data-status]", expected)
    firefox.one("[data-calibrate]").click()
    firefox.one("[data-adapt]").click()
    firefox.wait_for_text("[data-status]", "Adapted")
    questions = named(files_of(0, 11) + files_of(1, 11))
    for number, question in enumerate(questions, start=1):
        firefox.give(firefox.one("[data-query-drop] input[type=file]"), [question])
        firefox.wait(lambda n=number: len(firefox.says()) == n, f"answer {number}")
    found = firefox.says()
    here = np.array([found[question["name"]] for question in questions])
    there = server_says(embedded, learner, questions, calibrate=True)
    assert np.abs(here - there).max() < 0.01, (here, there)
    assert (here.argmax(1) == there.argmax(1)).all()
