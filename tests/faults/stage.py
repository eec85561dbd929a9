"""A real instance with jobs on it, what is asked of it, and how it is judged in the end."""

import contextlib
import hashlib
import itertools
import json
import random
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psutil
import requests

from tests.faults.proxy import FaultyProxy
from tests.faults.servers import Server
from tests.journeys.instance import ROOT, Instance

LEASE_S = 10
ENDED = ("succeeded", "failed", "cancelled")
STEP_MS = 30
HASTY = {
    # One more algorithm, see tests/faults/site.
    "PYTHONPATH": f"{ROOT / 'tests' / 'faults' / 'site'}:{ROOT}",
    "FREEHOLD_LEASE_S": str(LEASE_S),
    "FREEHOLD_HEARTBEAT_S": "2",
    "FREEHOLD_SNAPSHOT_EVERY_S": "1",
    "FREEHOLD_CLOCK_EVERY_S": "1",
    "FREEHOLD_WAKE_AGAIN_S": "4",
    "FREEHOLD_WATCHDOG_S": "90",
    # Longer than it takes to write a meta-learner on a busy machine.
    "FREEHOLD_STEP_LIMIT_S": "60",
    "FREEHOLD_MAX_RESTART_PAUSE_S": "1",
    # One job meets many faults here, more than any should in its life.
    "FREEHOLD_MAX_LOST_ATTEMPTS": "1000",
    "FREEHOLD_LOG_LEVEL": "WARNING",
}
"""Everything that takes half a minute in real life takes a few seconds."""
SEEDS = (1, 2)
PATIENCE_S = 400.0
BREATH_S = 60.0


@dataclass
class Undisturbed:
    """What a run gives that nothing disturbs."""

    weights: str
    curves: dict[str, list[list[float]]]
    step_s: float


@dataclass
class Verdict:
    """What became of all jobs."""

    jobs: int = 0
    complaints: list[str] = field(default_factory=list)
    attempts: int = 0
    most_repeated_s: float = 0.0
    repeated_s: float = 0.0


@dataclass
class Stage:
    """The instance under test, with the servers behind it."""

    instance: Instance
    dice: random.Random
    steps: int = 150
    servers: Mapping[str, Server] = field(default_factory=dict)
    proxy: FaultyProxy | None = None
    disk: Path | None = None
    files: Path | None = None
    clock_file: Path | None = None
    clock_offset_s: int = 0
    pool: str = ""
    second: Any = None
    undisturbed: dict[int, Undisturbed] = field(default_factory=dict)
    jobs: dict[str, int] = field(default_factory=dict)
    breaths: int = 0
    _seen: tuple[float, tuple[int, int]] = (0.0, (-1, -1))
    _over: set[str] = field(default_factory=set)

    def prepare(self) -> None:
        """A person, a pool, and one undisturbed run for each seed."""
        self.instance.sign_up("alice")
        checkpoints = self.instance.upload_demo_models(2)
        body = {"name": "pool", "checkpoints": checkpoints}
        self.pool = self.instance.call("POST", "pools/", 201, json=body)["id"]
        for seed in SEEDS:
            job = self.launch(seed)
            row = self.instance.wait_for_job(job, ("succeeded",), seconds=PATIENCE_S)
            took = _seconds_between(row["started_at"], row["finished_at"])
            self.undisturbed[seed] = Undisturbed(
                self._weights(row["learner"]),
                self.ask("GET", f"jobs/{job}/metrics/"),
                took / self.steps,
            )
        self.jobs.clear()
        self._over.clear()

    def launch(self, seed: int) -> str:
        """A job; asked for until somebody answers, which must not make two."""
        body = {
            "pool": self.pool,
            "algorithm": "wanderer",
            "seed": seed,
            "settings": {"outer_steps": self.steps, "step_ms": STEP_MS},
        }
        key = {"Idempotency-Key": uuid.uuid4().hex}
        pk = str(self.ask("POST", "jobs/", json=body, headers=key)["id"])
        self.jobs[pk] = seed
        return pk

    def ask(self, method: str, path: str, **arguments: Any) -> Any:
        """One REST call, again and again while the web is away."""
        url, until = f"{self.instance.url}/api/v1/{path}", time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = self.instance.session.request(method, url, timeout=30, **arguments)
                if answer.status_code < 500 and answer.status_code != 429:
                    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
                    return answer.json()
                said = f"{answer.status_code} {answer.text[:300]}"
            except (requests.RequestException, ValueError) as error:
                said = repr(error)
            assert time.monotonic() < until, f"{method} {path}: {said}\n{self.instance.tail()}"
            time.sleep(0.2)

    def keep_busy(self, at_once: int = 2) -> None:
        """So many unfinished jobs at least."""
        for _ in range(at_once - len(self.unfinished())):
            self.launch(self.dice.choice(SEEDS))

    def unfinished(self) -> list[dict[str, Any]]:
        """The jobs of this run that have not ended.

        Each is asked for by its id: a list shows the newest, and while the clock is an hour slow
        new jobs are older than others.
        """
        rows = [self.ask("GET", f"jobs/{pk}/") for pk in self.jobs if pk not in self._over]
        self._over |= {row["id"] for row in rows if row["state"] in ENDED}
        return [row for row in rows if row["id"] not in self._over]

    def progress(self) -> tuple[int, int]:
        """Grows whenever a worker does something."""
        steps = sum(row["steps_done"] for row in self.unfinished())
        return len(self._over), steps

    def give_time(self, seconds: float = 30) -> None:
        """Until a worker takes steps again, or for so long; the next fault may find it down."""
        before, until = self.progress(), time.monotonic() + seconds
        while time.monotonic() < until and self.progress() == before:
            time.sleep(0.5)

    def check_liveness(self) -> None:
        """Where nothing moves for a minute the faults may come too fast; without them it must."""
        if self._stands_still_s() < BREATH_S:
            return
        until = time.monotonic() + PATIENCE_S
        while self._stands_still_s() >= BREATH_S:
            assert time.monotonic() < until, f"nothing moves\n{self.instance.tail()}"
            time.sleep(0.5)
        self.breaths += 1

    def _stands_still_s(self) -> float:
        """Since when nothing has moved that could: while faults pause, jobs end and none begin."""
        now, present = time.monotonic(), self.progress()
        if present != self._seen[1] or len(self._over) == len(self.jobs):
            self._seen = (now, present)
        return now - self._seen[0]

    def gpu_child(self) -> psutil.Process | None:
        """The process that computes."""
        family = self.family("-Q gpu")
        pids = {process.pid for process in family}
        children = [process for process in family if _ppid(process) in pids]
        return self.dice.choice(children) if children else None

    def family(self, words: str) -> list[psutil.Process]:
        """Processes of the instance whose command contains the words, parents first."""
        found = []
        for process in self._descendants():
            try:
                if words in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return sorted(found, key=lambda process: process.pid)

    def _descendants(self) -> Iterator[psutil.Process]:
        roots = [self.instance.process, self.second and self.second.process]
        for root in roots:
            if root is None or root.poll() is not None:
                continue
            with contextlib.suppress(psutil.NoSuchProcess):
                parent = psutil.Process(root.pid)
                yield from [*parent.children(recursive=True), parent]

    def step_s(self) -> float:
        """How long a step takes that nothing disturbs."""
        return max(run.step_s for run in self.undisturbed.values())

    def finish(self) -> None:
        """Until every job has ended."""
        until = time.monotonic() + PATIENCE_S + 30 * len(self.jobs)
        while not all(self._ended(pk) for pk in self.jobs):
            assert time.monotonic() < until, (
                f"jobs were lost: {self.unfinished()}\n{self.instance.tail()}"
            )
            time.sleep(0.5)
        time.sleep(2.5)  # one more tick, which tidies up

    def _ended(self, pk: str) -> bool:
        return self.ask("GET", f"jobs/{pk}/")["state"] in ENDED

    def judge(self) -> Verdict:
        """Compare every job with the undisturbed run of its seed."""
        verdict = Verdict(jobs=len(self.jobs))
        for pk, seed in self.jobs.items():
            verdict.complaints += [f"{pk}: {text}" for text in self._judge_job(pk, seed, verdict)]
        in_all = self.ask("GET", "jobs/")["count"]
        if in_all != len(self.jobs) + len(SEEDS):
            verdict.complaints.append(f"{in_all} jobs, but {len(self.jobs)} were asked for")
        verdict.complaints += self._left_behind()
        return verdict

    def _judge_job(self, pk: str, seed: int, verdict: Verdict) -> list[str]:
        wanted, row = self.undisturbed[seed], self.ask("GET", f"jobs/{pk}/")
        if row["state"] != "succeeded":
            return [f"{row['state']}: {row['error']}"]
        wrong = []
        if self._weights(row["learner"]) != wanted.weights:
            wrong.append("other weights than without faults")
        if self.ask("GET", f"jobs/{pk}/metrics/") != wanted.curves:
            wrong.append("other curves than without faults")
        events = self._events(pk)
        attempts = [text for text in events if text.startswith("Attempt ")]
        if len(set(attempts)) != len(attempts):
            wrong.append("an attempt began twice")
        if sum(text.startswith("Finished") for text in events) != 1:
            wrong.append("it did not finish exactly once")
        again = [int(n) for text in events for n in re.findall(r"taken again: (\d+)", text)]
        seconds = [n * wanted.step_s for n in again] or [0.0]
        verdict.attempts += len(attempts)
        verdict.repeated_s += sum(seconds)
        verdict.most_repeated_s = max(verdict.most_repeated_s, *seconds)
        if max(seconds) > 60:
            wrong.append(f"{max(seconds):.0f} s of work were repeated")
        return wrong

    def _events(self, pk: str) -> list[str]:
        texts: list[str] = []
        for number in itertools.count(1):
            page = self.ask("GET", f"jobs/{pk}/events/?page={number}")
            texts += [event["text"] for event in page["results"]]
            if not page["next"]:
                return texts
        raise AssertionError("pages without end")

    def _weights(self, learner: str) -> str:
        """The hash of the weights; that of every file must be what its row says."""
        row, hashes = self.ask("GET", f"learners/{learner}/"), {}
        for entry in row["files"]:
            url = f"{self.instance.url}/api/v1/learners/{learner}/files/{entry['path']}"
            answer = self._download(url)
            hashes[entry["path"]] = hashlib.sha256(answer).hexdigest()
            assert hashes[entry["path"]] == entry["sha256"], f"{entry['path']} of {learner}"
        return hashes["model.safetensors"]

    def _download(self, url: str) -> bytes:
        answer = self.instance.session.get(url, timeout=30)
        while answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:  # of fifty learners' files
            time.sleep(int(answer.headers["Retry-After"]))
            answer = self.instance.session.get(url, timeout=30)
        assert answer.ok, answer.text[:300]
        return answer.content

    def _left_behind(self) -> list[str]:
        """Files that nobody will ever ask for again."""
        root = self.files
        if root is None:
            return []
        snapshots = [path for path in (root / "snapshots").rglob("*") if path.is_file()]
        return [f"left behind: {path.relative_to(root)}" for path in snapshots]


def _seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _ppid(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0


Fault = Callable[[Stage], bool]
"""Makes something fail; False when there was nothing to strike just now."""


def as_json(verdict: Verdict) -> str:
    """For people and programs."""
    return json.dumps(verdict.__dict__, indent=2)
