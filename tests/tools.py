"""The programs that some tests drive: where they are, and how to start servers of our own."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ACCESS_KEY, SECRET_KEY = "test-access-key", "test-secret-key"


def find_chromium() -> Path | None:
    """A Chromium or Chrome of this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    given = os.environ.get("FREEHOLD_CHROMIUM")
    return _path(given) if given else _first(names)


def find_node() -> Path | None:
    """Node, in which the browser's module is tested by itself."""
    return _first(["node", "nodejs"])


def find_redis() -> Path | None:
    """Redis's server."""
    return _first(["redis-server", "valkey-server"])


def find_rabbitmq() -> Path | None:
    """RabbitMQ's server itself; the one in Debian's PATH only tells root to become someone else."""
    given = _path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    return given or _first(["rabbitmq-server"])


def find_rclone() -> Path | None:
    """rclone, whose `serve s3` is our S3 server; its Python package puts it beside Python."""
    beside = Path(sys.executable).parent / "rclone"
    return beside if beside.exists() else _first(["rclone"])


def find_postgres() -> Path | None:
    """The folder of PostgreSQL's programs."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if given := os.environ.get("PG_BIN"):
        candidates.insert(0, Path(given))
    if found := shutil.which("initdb"):
        candidates.append(Path(found).parent)
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


def _first(names: "list[str] | tuple[str, ...]") -> Path | None:
    return next((_path(found) for name in names if (found := shutil.which(name))), None)


def _path(text: str) -> Path | None:
    return Path(text) if Path(text).exists() else None


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, *, seconds: float = 20) -> None:
    """Return when somebody listens there."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


@contextmanager
def redis_server(*, certificate: Path | None = None, key: Path | None = None) -> Iterator[str]:
    """The URL of a fresh Redis, over TLS if it gets a certificate."""
    program, port = find_redis(), free_port()
    listen = ["--port", str(port)]
    if certificate:
        listen = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
        listen += ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
        listen += ["--tls-ca-cert-file", str(certificate)]
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), *listen, "--bind", "127.0.0.1", "--dir", folder]
        with _running([*command, "--save", "", "--appendonly", "no"], port):
            yield f"{'rediss' if certificate else 'redis'}://127.0.0.1:{port}/0"


@contextmanager
def s3_server(bucket: str = "freehold") -> Iterator[dict[str, str]]:
    """The settings of a fresh S3 store with one bucket."""
    program, port = find_rclone(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / bucket).mkdir()
        command = [str(program), "serve", "s3", "--config", "/dev/null", "--vfs-cache-mode", "off"]
        command += ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"]
        with _running([*command, folder], port):
            yield {
                "FREEHOLD_S3_BUCKET": bucket,
                "FREEHOLD_S3_ENDPOINT": f"http://127.0.0.1:{port}",
                "FREEHOLD_S3_ACCESS_KEY": ACCESS_KEY,
                "FREEHOLD_S3_SECRET_KEY": SECRET_KEY,
                "FREEHOLD_S3_REGION": "us-east-1",
            }


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a database in a fresh PostgreSQL."""
    programs, port = find_postgres(), free_port()
    assert programs is not None
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        become = become_postgres(Path(folder))
        initdb = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
        initdb += ["-N", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run([*become, *initdb], check=True, capture_output=True)
        command = [str(programs / "postgres"), "-D", str(data), "-k", folder, "-p", str(port)]
        for option in ("listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off"):
            command += ["-c", option]
        with _running([*become, *command], port):
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"


def has_servers() -> bool:
    """Whether PostgreSQL, Redis and an S3 store can be started on this machine."""
    return bool(find_postgres() and find_redis() and find_rclone())


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """The settings of a deployment: a fresh PostgreSQL, Redis and S3 store."""
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        yield {
            "DATABASE_URL": stack.enter_context(postgres_server()),
            "FREEHOLD_BROKER_URL": redis,
            "FREEHOLD_PREVIEW_URL": redis,
            **stack.enter_context(s3_server()),
        }


def become_postgres(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    known = subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode == 0
    user = "postgres" if known else "nobody"
    shutil.chown(folder, user)
    return ["setpriv", "--reuid", user, "--clear-groups", "--"]


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for_port(port)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
