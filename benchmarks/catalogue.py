"""Response times of catalogue pages and lists with 10,000 models and 20 clients.

    python -m benchmarks.catalogue [--models 10000] [--clients 20] [--seconds 10] [--pause 1]

Fills an SQLite database in a temporary folder, starts the web processes as `make run` does, and
prints a Markdown table. The clients share the machine with the server. Each waits a second between
a response and its next request, as a fast user does. `--pause 0` shows the limit.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
PATHS = {
    "catalogue": "/models/",
    "catalogue, page 100": "/models/?page=100",
    "catalogue, search": "/models/?text=otter",
    "catalogue, filter": "/models/?architecture=conv4&channels=3",
    "API list": "/api/v1/checkpoints/",
    "API list, filter": "/api/v1/checkpoints/?architecture=conv4",
}
FILL = """
import random
from marketplace.accounts.models import User
from django.test import Client
from marketplace.checkpoints.models import Checkpoint
rng = random.Random(0)
words = "apple bear otter lion road tree trout rose wolf tank clock plate snake tiger".split()
users = [User.objects.create_user(f"person{index}") for index in range(20)]
Checkpoint.objects.bulk_create([
    Checkpoint(
        owner=rng.choice(users), name=f"Model {index} of {rng.choice(words)}",
        description="Words about the model. " * 20, dataset=rng.choice(["CIFAR-FS", "CUB"]),
        licence="mit", class_names=rng.sample(words, 5), image_size=32, channels=3,
        mean=[0.5] * 3, std=[0.25] * 3, architecture=rng.choice(["conv4", "resnet10"]),
        consent_recovery=True, visibility="public" if index % 4 else "private", state="valid",
        upload_sha256="0" * 64, upload_bytes=1, size_bytes=120000, n_classes=5, width=32,
        n_parameters=30000,
    )
    for index in range({models})
], batch_size=500)
client = Client()
client.force_login(users[0])
print(client.cookies["sessionid"].value)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two requests")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = 18_000 + random.randrange(1000)
        environment = {
            **os.environ,
            "FREEHOLD_DATA_DIR": folder,
            "FREEHOLD_SITE_URL": f"http://127.0.0.1:{port}",
            "FREEHOLD_LOG_LEVEL": "WARNING",
        }
        token = _fill(environment, options.models)
        web = start_web(environment, port)
        try:
            _print_table(f"http://127.0.0.1:{port}", token, options)
        finally:
            web.terminate()
            web.wait(timeout=20)


def _fill(environment: dict[str, str], models: int) -> str:
    for command in (["migrate", "-v0"], ["collectstatic", "--noinput", "-v0"]):
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True
        )
    code = FILL.replace("{models}", str(models))
    return _manage(environment, "shell", "--no-imports", "-c", code).splitlines()[-1]


def _manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


def start_web(environment: dict[str, str], port: int) -> "subprocess.Popen[bytes]":
    """Start the web processes of `make run` and wait until they respond."""
    command = [sys.executable, "-m", "gunicorn", "marketplace.wsgi", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--workers", "2", "--threads", "16"]
    web = subprocess.Popen([*command, "--log-level", "error"], cwd=ROOT, env=environment)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2)
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return web
    raise TimeoutError("the web process did not come up")


def _print_table(url: str, token: str, options: argparse.Namespace) -> None:
    print(f"{options.models} models, {options.clients} clients, {options.pause:g} s of pause:\n")
    print("| what | answers/s | median ms | p95 ms |")
    print("|---|---:|---:|---:|")
    for name, path in PATHS.items():
        times = _ask(url + path, token, options)
        p95 = statistics.quantiles(times, n=20)[-1]
        rate = len(times) / options.seconds
        print(f"| {name} | {rate:.0f} | {1000 * statistics.median(times):.0f} | {1000 * p95:.0f} |")


def _ask(url: str, token: str, options: argparse.Namespace) -> list[float]:
    times: list[float] = []
    until = time.monotonic() + options.seconds

    def client(number: int) -> None:
        # Users do not send requests in lockstep.
        time.sleep(options.pause * number / options.clients)
        session = requests.Session()
        session.cookies["sessionid"] = token
        while time.monotonic() < until:
            start = time.perf_counter()
            answer = session.get(url, timeout=60)
            times.append(time.perf_counter() - start)
            answer.raise_for_status()
            assert not answer.history, "redirected to the sign-in page"
            time.sleep(options.pause)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(options.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


if __name__ == "__main__":
    main()
