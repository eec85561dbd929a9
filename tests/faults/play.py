"""Sets the stage and lets the faults loose."""

import contextlib
import math
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from tests.faults import faults
from tests.faults.proxy import FaultyProxy
from tests.faults.servers import Server, postgres, rabbitmq, redis, s3
from tests.faults.stage import HASTY, PATIENCE_S, Fault, Stage
from tests.journeys.instance import ROOT, Instance
from tests.tools import ACCESS_KEY, SECRET_KEY

DISK_BYTES = 400 * 2**20


class SecondWorker:
    """Another gpu worker, started again whenever it ends; so two may want the same job."""

    def __init__(self, instance: Instance) -> None:
        self._instance, self._over = instance, threading.Event()
        self._thread = threading.Thread(target=self._keep_running, daemon=True)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self.process is not None:
            self.process.terminate()
        self._thread.join(timeout=40)

    def _keep_running(self) -> None:
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "worker.app", "worker"]
        command += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
        command += ["--concurrency", "1", "-Q", "gpu", "--max-tasks-per-child", "1"]
        while not self._over.is_set():
            self.process = subprocess.Popen(
                [*command, "-n", "second@localhost"],
                cwd=ROOT,
                env=self._instance.environment,
                stdout=self._instance.log,
                stderr=self._instance.log,
            )
            self.process.wait()
            self._over.wait(1)


@contextlib.contextmanager
def small_disk() -> Iterator[Path | None]:
    """A disk that can be filled; None where we may not mount one."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            warn("no disk can be mounted here: NO DISK IS FILLED")
            yield None
            return
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=False)


def _other_time(folder: Path) -> tuple[Path | None, dict[str, str]]:
    """The file with the offset of the clock that the instance sees, and how it comes to see it."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        warn("no C compiler is here: NO CLOCK JUMPS")
        return None, {}
    library, file = folder / "other_time.so", folder / "clock"
    source = Path(__file__).parent / "other_time.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
    file.write_bytes(struct.pack("<q", 0))
    return file, {"LD_PRELOAD": str(library), "OTHER_TIME": str(file)}


def warn(text: str) -> None:
    """Loudly."""
    sys.stdout.write(f"\n*** {text} ***\n\n")
    sys.stdout.flush()


@contextlib.contextmanager
def embedded(dice: random.Random, **options: Any) -> Iterator[Stage]:
    """SQLite, local files and the embedded broker, on a disk that can be filled."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        disk = stack.enter_context(small_disk())
        clock_file, clock = _other_time(folder)
        data = disk or folder / "var"
        data.mkdir(exist_ok=True)
        (folder / "var").symlink_to(data) if disk else None
        environment = {**HASTY, **clock, "FREEHOLD_DATA_DIR": str(data)}
        instance = stack.enter_context(Instance(folder, environment, start_s=PATIENCE_S))
        stage = Stage(instance, dice, disk=disk, clock_file=clock_file, **options)
        stage.files = data / "files"
        yield stage


@contextlib.contextmanager
def deployed(
    dice: random.Random, broker: str = "redis", workers: int = 2, **options: Any
) -> Iterator[Stage]:
    """PostgreSQL, Redis or RabbitMQ, an S3 store behind a faulty proxy, and two gpu workers."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database, database_url = stack.enter_context(postgres())
        kind = redis if broker == "redis" else rabbitmq
        queue, broker_url = stack.enter_context(kind())
        store, files = stack.enter_context(s3())
        proxy = stack.enter_context(FaultyProxy(store.port))
        environment = {
            **HASTY,
            **_s3_settings(proxy.port),
            "DATABASE_URL": database_url,
            "FREEHOLD_BROKER_URL": broker_url,
            "FREEHOLD_SECRET_KEY": uuid.uuid4().hex * 2,
        }
        instance = stack.enter_context(Instance(folder, environment, start_s=PATIENCE_S))
        servers: Mapping[str, Server] = {"database": database, "broker": queue, "store": store}
        stage = Stage(instance, dice, servers=servers, proxy=proxy, files=files, **options)
        if workers > 1:
            stage.second = stack.enter_context(SecondWorker(instance))
        yield stage


def _s3_settings(port: int) -> dict[str, str]:
    return {
        "FREEHOLD_S3_BUCKET": "freehold",
        "FREEHOLD_S3_ENDPOINT": f"http://127.0.0.1:{port}",
        "FREEHOLD_S3_ACCESS_KEY": ACCESS_KEY,
        "FREEHOLD_S3_SECRET_KEY": SECRET_KEY,
        "FREEHOLD_S3_REGION": "us-east-1",
    }


def choices(stage: Stage, deployment: str) -> dict[Fault, float]:
    """The faults that this stage can suffer, with how often each comes."""
    chosen = dict(faults.EMBEDDED if deployment == "embedded" else faults.DEPLOYED)
    if stage.disk is not None:
        chosen[faults.fill_disk] = 2
    if stage.clock_file is not None:
        chosen[faults.set_clock] = 3
    return chosen


def let_loose(
    stage: Stage,
    chosen: Mapping[Fault, float],
    count: int,
    *,
    seconds: float = math.inf,
    say: Callable[[str], None],
) -> Counter[str]:
    """So many faults at random moments while jobs run, or as many as there is time for."""
    struck: Counter[str] = Counter()
    began = time.monotonic()
    while struck.total() < count and time.monotonic() - began < seconds:
        stage.keep_busy()
        time.sleep(stage.dice.uniform(0, 3))
        (fault,) = stage.dice.choices(list(chosen), list(chosen.values()))
        before = stage.progress()
        if not fault(stage):
            continue
        struck[fault.__name__] += 1
        say(f"{time.monotonic() - began:7.1f} s  {struck.total():4d}  {fault.__name__}  {before}")
        stage.check_liveness()
        if fault not in faults.QUIET:
            stage.give_time()
    return struck
