"""Delays of the dashboard and of an adaptation for a user: through web, database and queue.

    python -m benchmarks.instance [--outer-steps 10] [--repeat 20]

Starts web and the quick worker, loads the demo, runs its FREE+ job in this process with the
worker's own runner, and opens the job's page in Chromium. A step's delay is the time from the end
of the step until the page shows its number. Then the finished meta-learner is queried through the
REST API. Prints two Markdown tables.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from benchmarks.adaptation import K_SHOT, N_QUERY, N_WAY, make_request
from benchmarks.catalogue import ROOT, start_web
from tests.tools import CHROMIUM_FLAGS, find_chromium, free_port

if TYPE_CHECKING:
    from marketplace.jobs.models import Job
    from metalearn.algorithm import Algorithm

WATCH = """
window.seen = [];
const node = document.querySelector('[data-show=steps]');
const look = () => window.seen.push([Date.now() / 1000, parseInt(node.textContent)]);
new MutationObserver(look).observe(node, {childList: true, characterData: true, subtree: true});
"""


@dataclass
class _View:
    """What the page showed: (Unix time in seconds, step)."""

    seen: list[tuple[float, int]] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outer-steps", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=20, help="adaptations of each kind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        os.environ.update(
            DJANGO_SETTINGS_MODULE="marketplace.settings",
            FREEHOLD_DATA_DIR=folder,
            FREEHOLD_SITE_URL=f"http://127.0.0.1:{port}",
            FREEHOLD_LOG_LEVEL="WARNING",
        )
        for command in (["migrate", "-v0"], ["collectstatic", "--noinput", "-v0"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, check=True)
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "worker.app", "worker"]
        celery += ["--loglevel", "ERROR", "--concurrency", "1", "-Q", "quick"]
        worker = subprocess.Popen(celery, cwd=ROOT, stdout=subprocess.DEVNULL)
        web = start_web(dict(os.environ), port)
        try:
            _measure(f"http://127.0.0.1:{port}", options)
        finally:
            for process in (web, worker):
                process.terminate()
            for process in (web, worker):
                process.wait(timeout=30)


def _measure(url: str, options: argparse.Namespace) -> None:
    import django  # noqa: PLC0415 - the settings must be known first

    django.setup()
    job = _launch(options.outer_steps)
    delays = sorted(_delays(url, job))
    print(f"{len(delays)} steps of a FREE+ job with the demo's settings, seconds:\n")
    print("| from a step's end to its number on the page | median | longest |\n|---|---:|---:|")
    print(f"| dashboard in Chromium | {statistics.median(delays):.2f} | {delays[-1]:.2f} |\n")
    _print_adaptations(url, job, options.repeat)


def _launch(outer_steps: int) -> "Job":
    from marketplace.demo.services import demo_load  # noqa: PLC0415
    from marketplace.jobs.models import Job  # noqa: PLC0415

    job = demo_load()
    job.settings = {**job.settings, "outer_steps": outer_steps}
    Job.objects.filter(pk=job.pk).update(settings=job.settings)
    return job


def _delays(url: str, job: "Job") -> list[float]:
    """Run the job while its page is open; return the seconds until the page showed each step."""
    from worker.loading import build_algorithm  # noqa: PLC0415
    from worker.runner import run_job  # noqa: PLC0415

    ended: dict[int, float] = {}
    view = _View()
    page = threading.Thread(target=_watch, args=(url, job, view))
    page.start()
    if not view.ready.wait(60):
        raise SystemExit("the page did not open")

    def build(row: "Job") -> "Algorithm":
        algorithm = build_algorithm(row)
        step = algorithm.step

        def timed() -> object:
            report = step()
            ended[report.step] = time.time()
            return report

        algorithm.step = timed  # type: ignore[method-assign, assignment]
        return algorithm

    run_job(str(job.pk), build=build)
    time.sleep(3)
    view.done.set()
    page.join()
    return [
        min(at for at, shown in view.seen if shown >= step) - moment
        for step, moment in ended.items()
    ]


def _watch(url: str, job: "Job", view: _View) -> None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(find_chromium()), headless=True, args=CHROMIUM_FLAGS
        )
        page = browser.new_page()
        page.goto(f"{url}/accounts/login/")
        page.fill("[name=login], [name=username]", "demo")
        page.fill("[name=password]", _password())
        page.click("main button[type=submit]")
        page.goto(f"{url}/jobs/{job.pk}/")
        page.evaluate(WATCH)
        view.ready.set()
        while not view.done.is_set():
            page.wait_for_timeout(200)
        view.seen.extend(map(tuple, page.evaluate("window.seen")))
        browser.close()


def _password() -> str:
    from marketplace.demo.services import sign_in_file  # noqa: PLC0415

    return str(sign_in_file().read_text())


def _print_adaptations(url: str, job: "Job", repeat: int) -> None:
    command = [sys.executable, "manage.py", "token_create", "demo"]
    token = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token.strip()}"
    job.refresh_from_db()
    learner = session.get(f"{url}/api/v1/jobs/{job.pk}/", timeout=30).json()["learner"]
    print(f"{N_WAY}-way {K_SHOT}-shot, {N_QUERY} queries, Conv4-32, whole request, seconds:\n")
    print("| adaptation over the REST API | median | p95 |\n|---|---:|---:|")
    for name, calibrate in (("plain", False), ("with ICFIL", True)):
        body = {**make_request(32), "calibrate": calibrate}
        times = []
        for _ in range(repeat + 1):
            start = time.perf_counter()
            answer = session.post(f"{url}/api/v1/learners/{learner}/adaptations/", json=body)
            times.append(time.perf_counter() - start)
            answer.raise_for_status()
        times = times[1:]  # the first one loads the learner
        p95 = statistics.quantiles(times, n=20)[-1]
        print(f"| {name} | {statistics.median(times):.2f} | {p95:.2f} |")


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main()
