"""Real servers that can be killed and come back on the same port with the same data."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.tools import (
    ACCESS_KEY,
    SECRET_KEY,
    become_postgres,
    find_postgres,
    find_rabbitmq,
    find_rclone,
    find_redis,
    free_port,
    wait_for_port,
)

START_S = 180.0
"""RabbitMQ takes three quarters of a minute on a machine that others use."""


class Server:
    """One program with a port, in a process group of its own."""

    def __init__(
        self, name: str, command: list[str], port: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.command, self.port = name, command, port
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it listens."""
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            self.command,
            stdout=quiet,
            stderr=quiet,
            start_new_session=True,
            env=self._environment,
        )
        wait_for_port(self.port, seconds=START_S)

    def signal(self, number: signal.Signals) -> None:
        """To the server and all its children."""
        assert self._process is not None
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def kill(self) -> None:
        """`kill -9`: nothing is said, nothing is saved."""
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(timeout=20)

    def restart_after(self, seconds: float) -> None:
        """Gone for so long."""
        self.kill()
        time.sleep(seconds)
        self.start()

    def freeze_for(self, seconds: float) -> None:
        """Connections stay open and nobody answers."""
        self.signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.signal(signal.SIGCONT)


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.signal(signal.SIGCONT)
        server.kill()


@contextmanager
def redis() -> Iterator[tuple[Server, str]]:
    """A Redis that forgets everything when it is killed."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [str(find_redis()), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
        command += ["--save", "", "--appendonly", "no"]
        with _running(Server("redis", command, port)) as server:
            yield server, f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgres() -> Iterator[tuple[Server, str]]:
    """A PostgreSQL whose committed transactions survive a kill."""
    programs, port = find_postgres(), free_port()
    assert programs is not None
    with tempfile.TemporaryDirectory() as folder:
        data, become = Path(folder) / "data", become_postgres(Path(folder))
        initdb = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-N"]
        initdb += ["-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run([*become, *initdb], check=True, stdout=subprocess.DEVNULL)
        command = [*become, str(programs / "postgres"), "-D", str(data), "-k", folder]
        command += ["-p", str(port), "-c", "listen_addresses=127.0.0.1"]
        with _running(Server("postgres", command, port)) as server:
            _wait_for_postgres(programs, port)
            yield server, f"postgres://postgres@127.0.0.1:{port}/postgres"


def _wait_for_postgres(programs: Path, port: int) -> None:
    ask = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
    for _ in range(100):
        if subprocess.run(ask, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise TimeoutError("PostgreSQL does not accept connections")


@contextmanager
def s3(bucket: str = "freehold") -> Iterator[tuple[Server, Path]]:
    """An S3 store, and the folder of its bucket."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / bucket).mkdir()
        command = [str(find_rclone()), "serve", "s3", "--config", "/dev/null"]
        command += ["--vfs-cache-mode", "off", "--addr", f"127.0.0.1:{port}"]
        command += ["--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", folder]
        with _running(Server("s3", command, port)) as server:
            yield server, Path(folder) / bucket


@contextmanager
def rabbitmq() -> Iterator[tuple[Server, str]]:
    """A RabbitMQ of our own, which keeps durable queues over a restart."""
    port, distribution = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "enabled").write_text("[].")
        if os.geteuid() == 0:
            shutil.chown(home, "rabbitmq")
        environment = {
            "HOME": folder,
            "RABBITMQ_NODENAME": f"freehold{port}@localhost",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": folder,
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_PID_FILE": str(home / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled"),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        }
        command = [str(find_rabbitmq())]
        if os.geteuid() == 0:
            become = ["setpriv", "--reuid", "rabbitmq", "--regid", "rabbitmq", "--clear-groups"]
            command = [*become, "--", *command]
        with _running(Server("rabbitmq", command, port, environment)) as server:
            yield server, f"amqp://guest:guest@127.0.0.1:{port}//"
