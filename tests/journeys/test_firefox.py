"""Adaptation in a real Firefox, which Mozilla's own Marionette drives; skipped where it is not.

`pip install -e '.[firefox]'` and a Firefox (on Debian `apt-get install firefox-esr`).
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import FilePayload

from tests.journeys.adapting import CLASSES, KINDS, files_of, learner_with_steps, server_says
from tests.journeys.instance import Instance
from tests.tools import free_port

driver = pytest.importorskip(
    "marionette_driver", reason="MARIONETTE IS NOT INSTALLED: one engine of two goes untested"
)
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
]
PATIENCE_S = 120
CHECKED = "return document.querySelector('[data-calibrate]').checked"
ROWS = (
    "return [...document.querySelectorAll('[data-result-table] tbody tr')]"
    ".map(row => [...row.cells].map(cell => cell.textContent))"
)


def named(files: list[FilePayload]) -> list[FilePayload]:
    """With the ending that tells Firefox what a file is."""
    return [{**file, "name": f"{file['name']}.{file['mimeType'][6:]}"} for file in files]


class Firefox:
    """The few things that a journey needs."""

    def __init__(self, client: Any, folder: Path) -> None:
        self.client = client
        self.folder = folder

    def all(self, selector: str) -> Any:
        return self.client.find_elements(driver.By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> Any:
        return self.client.find_element(driver.By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        script = "return document.querySelector(arguments[0])?.textContent ?? ''"
        return self.client.execute_script(script, [selector])

    def wait(self, what: Any, words: str) -> None:
        until = time.monotonic() + PATIENCE_S
        while not what():
            assert time.monotonic() < until, f"{words}; {self.text('[data-problem]')}"
            time.sleep(0.2)

    def wait_for_text(self, selector: str, start: str) -> None:
        self.wait(lambda: self.text(selector).strip().startswith(start), f"{selector}: {start}")

    def give(self, field: Any, files: list[FilePayload]) -> None:
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

    def download_to(self, folder: Path) -> None:
        self.client.set_pref("browser.download.folderList", 2)
        self.client.set_pref("browser.download.dir", str(folder))
        self.client.set_pref("browser.download.useDownloadDir", True)

    def cut_the_network(self) -> None:
        with self.client.using_context("chrome"):
            self.client.execute_script("Services.io.offline = true")

    def adapt(self) -> None:
        """To pictures of every kind, calibrated."""
        for label, name in enumerate(CLASSES):
            card = self.all("[data-classes] > li")[label]
            card.find_element(driver.By.CSS_SELECTOR, "input[type=text]").send_keys(name)
            field = card.find_element(driver.By.CSS_SELECTOR, "input[type=file]")
            self.give(field, named(files_of(label, 1)))
        self.wait_for_text("[data-status]", f"Ready. 2 classes, {2 * len(KINDS)} pictures.")
        if not self.client.execute_script(CHECKED):
            self.one("[data-calibrate]").click()
        self.one("[data-adapt]").click()
        self.wait_for_text("[data-status]", "Adapted")

    def ask(self, questions: list[FilePayload]) -> np.ndarray:
        """Probabilities of each class for each."""
        before = self.answers()
        for number, question in enumerate(questions, start=before + 1):
            self.give(self.one("[data-query-drop] input[type=file]"), [question])
            self.wait(lambda n=number: self.answers() == n, f"answer {number}")
        found = self.says()
        return np.array([found[question["name"]] for question in questions])

    def answers(self) -> int:
        return len(self.client.execute_script(ROWS))

    def says(self) -> dict[str, list[float]]:
        rows = self.client.execute_script(ROWS)
        return {
            row[0]: [float(cell.rstrip(" %")) / 100 for cell in row[2:]] for row in reversed(rows)
        }


@pytest.fixture(scope="module")
def learner(embedded: Instance) -> Any:
    return learner_with_steps(embedded)


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
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


QUESTIONS = named(files_of(0, 11) + files_of(1, 11))


@pytest.fixture(scope="module")
def said(firefox: Any, embedded: Instance, learner: Any) -> Any:
    """Adapted and calibrated on the page; what it then says of the questions."""
    firefox.sign_in(embedded.url)
    firefox.client.navigate(f"{embedded.url}/learners/{learner}/adapt/")
    firefox.wait_for_text("[data-browser-state]", "Ready")
    firefox.adapt()
    return firefox.ask(QUESTIONS)


def test_firefox_says_what_the_server_would_have_said(
    said: Any, embedded: Instance, learner: Any
) -> None:
    there = server_says(embedded, learner, QUESTIONS, calibrate=True)
    assert np.abs(said - there).max() < 0.01, (said, there)


def test_the_page_that_firefox_saved_says_the_same_from_a_disk_without_a_network(
    firefox: Any, said: Any
) -> None:
    folder = firefox.folder / "saved"
    folder.mkdir()
    firefox.download_to(folder)
    firefox.one("[data-kind=page]").click()
    firefox.wait(lambda: list(folder.glob("*.html")), "the saved page")
    (file,) = folder.glob("*.html")
    # A download grows under its own name or another one; it is whole where it stays as it is.
    firefox.wait(lambda: not list(folder.glob("*.part")), "the end of the download")
    firefox.wait(lambda: file.read_bytes().rstrip().endswith(b"</html>"), "the end of the page")
    firefox.cut_the_network()
    firefox.client.navigate(file.as_uri())
    firefox.wait_for_text("[data-status]", "Adapted. Knows meadow, ember")
    assert np.abs(firefox.ask(QUESTIONS) - said).max() < 2e-3
    firefox.adapt()
    assert np.abs(firefox.ask(QUESTIONS) - said).max() < 2e-3
