"""Speed of an upload compared with `cp`, and the web process's memory.

    python benchmarks/upload.py [--megabytes 500] [--repeats 5]

Starts a web process in a temporary folder and prints a Markdown table. An upload is acknowledged
once it is on disk, so it is compared with `cp` followed by `sync FILE`; `cp` into the page cache
and SHA-256 alone are printed too. Files arrive as a form, hashed on the way, or by tus, as the
upload page sends them, hashed later by the worker that validates them. The measurements alternate,
because disk speed varies over time, and each starts after a sync.
"""

import argparse
import hashlib
import http.client
import json
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil

ROOT = Path(__file__).resolve().parent.parent
FIELDS = {
    "name": "benchmark",
    "class_names": '["a", "b"]',
    "image_size": "32",
    "channels": "3",
    "mean": "[0.5, 0.5, 0.5]",
    "std": "[0.25, 0.25, 0.25]",
    "licence": "mit",
    "consent_recovery": "false",
}
LISTS = ("mean", "std")
BOUNDARY = "freehold-benchmark"
SEND_BYTES = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="freehold-upload-") as name:
        folder = Path(name)
        source = folder / "model.safetensors"
        write_noise(source, args.megabytes)
        with web_server(folder) as (port, process, token):
            upload_as_form(port, token, source, limit=2**20)  # warm-up
            print(_table(args, folder, source, (port, process, token)))


def _table(
    args: argparse.Namespace,
    folder: Path,
    source: Path,
    server: tuple[int, psutil.Process, str],
) -> str:
    port, process, token = server
    idle = process.memory_info().rss
    cached, copies, hashes, uploads, appended = [], [], [], [], []
    form_peaks, piece_peaks = [], []
    for _ in range(args.repeats):
        os.sync()
        cached.append(_copy(source, folder / "copy", sync=False))
        os.sync()
        copies.append(_copy(source, folder / "copy", sync=True))
        hashes.append(_hash(source))
        os.sync()
        with peak_rss(process) as peak:
            uploads.append(upload_as_form(port, token, source))
        form_peaks.append(peak[0])
        os.sync()
        with peak_rss(process) as peak:
            appended.append(upload_in_pieces(port, token, source))
        piece_peaks.append(peak[0])
        for stored in (folder / "data" / "files" / "incoming").iterdir():
            stored.unlink()
    measured = (cached, copies, hashes, uploads, appended)
    cache, cp, sha, upload, pieces = map(statistics.median, measured)
    return "\n".join(
        [
            f"| {args.megabytes} MB, median of {args.repeats} | seconds | MB/s |",
            "|---|---:|---:|",
            f"| `cp` and `sync FILE` | {cp:.2f} | {args.megabytes / cp:.0f} |",
            f"| `cp` into the page cache | {cache:.2f} | {args.megabytes / cache:.0f} |",
            f"| SHA-256 alone | {sha:.2f} | {args.megabytes / sha:.0f} |",
            "| upload as a form, hashed meanwhile "
            f"| {upload:.2f} | {args.megabytes / upload:.0f} |",
            f"| … relative to `cp` and `sync FILE` | | {cp / upload:.0%} |",
            f"| … relative to `cp` into the page cache | | {cache / upload:.0%} |",
            "| upload by tus, as the page does it, hashed by the worker later "
            f"| {pieces:.2f} | {args.megabytes / pieces:.0f} |",
            f"| … relative to `cp` and `sync FILE` | | {cp / pieces:.0%} |",
            f"| … relative to `cp` into the page cache | | {cache / pieces:.0%} |",
            "",
            "| web process | MB |",
            "|---|---:|",
            f"| idle | {idle / 1e6:.0f} |",
            f"| peak while it comes as a form | {max(form_peaks) / 1e6:.0f} |",
            f"| peak while it comes by tus | {max(piece_peaks) / 1e6:.0f} |",
        ]
    )


def write_noise(path: Path, megabytes: int) -> None:
    block = secrets.token_bytes(10**6)
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(block)


def _copy(source: Path, target: Path, *, sync: bool) -> float:
    start = time.perf_counter()
    subprocess.run(["cp", source, target], check=True)
    if sync:
        subprocess.run(["sync", target], check=True)
    seconds = time.perf_counter() - start
    target.unlink()
    return seconds


def _hash(source: Path) -> float:
    start = time.perf_counter()
    with source.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return time.perf_counter() - start


def upload_as_form(port: int, token: str, source: Path, limit: int | None = None) -> float:
    """Return seconds from the first byte sent to the response."""
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in FIELDS.items()
    )
    head += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="m.pt"\r\n'
    head += "Content-Type: application/octet-stream\r\n\r\n"
    tail = f"\r\n--{BOUNDARY}--\r\n"
    size = min(source.stat().st_size, limit or sys.maxsize)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    start = time.perf_counter()
    connection.putrequest("POST", "/api/v1/checkpoints/")
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(head) + size + len(tail)))
    connection.endheaders(head.encode())
    _send(connection.sock, source, size)
    connection.send(tail.encode())
    response = connection.getresponse()
    answer = json.loads(response.read())
    seconds = time.perf_counter() - start
    connection.close()
    if response.status != 201:
        raise SystemExit(f"the upload failed: {answer}")
    return seconds


def upload_in_pieces(port: int, token: str, source: Path) -> float:
    """Return seconds from creating the upload to the response to its only piece."""
    size = source.stat().st_size
    known = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    announced = {**known, "Upload-Length": str(size), "Content-Type": "application/json"}
    fields = {**FIELDS, **{name: json.loads(FIELDS[name]) for name in ("class_names", *LISTS)}}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    start = time.perf_counter()
    connection.request("POST", "/api/v1/uploads/", json.dumps(fields), announced)
    response = connection.getresponse()
    answer, where = response.read(), response.headers.get("Location", "")
    if response.status != 201:
        raise SystemExit(f"the upload was refused: {answer.decode()}")
    connection.putrequest("PATCH", urlsplit(where).path)
    piece = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    for name, value in {**known, **piece, "Content-Length": str(size)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    _send(connection.sock, source, size)
    response = connection.getresponse()
    answer = response.read()
    seconds = time.perf_counter() - start
    connection.close()
    if response.status != 204:
        raise SystemExit(f"the upload failed: {answer.decode()}")
    return seconds


def _send(connection: socket.socket, source: Path, size: int) -> None:
    with source.open("rb") as file:
        connection.sendfile(file, 0, size)


@contextmanager
def peak_rss(process: psutil.Process) -> Iterator[list[int]]:
    """Sample the resident size 50 times a second and yield its maximum."""
    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


@contextmanager
def web_server(folder: Path, **more: str) -> Iterator[tuple[int, psutil.Process, str]]:
    """Run gunicorn with `more` in its environment; yield port, worker process and token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "FREEHOLD_DATA_DIR": str(folder / "data"),
        "FREEHOLD_LOG_LEVEL": "WARNING",
        "PORT": str(port),
        **more,
    }
    _manage(environment, "migrate", "-v", "0")
    _manage(
        environment,
        "shell",
        "-c",
        "from marketplace.accounts.models import User; User.objects.create_user('bench')",
    )
    token = _manage(environment, "token_create", "bench")
    command = [sys.executable, "-m", "gunicorn", "marketplace.wsgi", "-b", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--threads", "4", "--timeout", "300"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield port, _worker_of(server, port), token
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder / "data", ignore_errors=True)


def _manage(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", *command],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def _worker_of(server: "subprocess.Popen[bytes]", port: int) -> psutil.Process:
    for _ in range(300):
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                if children := psutil.Process(server.pid).children():
                    return children[0]
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the web process did not start")


if __name__ == "__main__":
    main()
