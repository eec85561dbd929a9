import os
import signal
import socket
import sys
from contextlib import closing
from importlib import import_module
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.core.preview_store import serve_previews
from marketplace.instance.process_set import NAMES, command_of, shared_environment
from marketplace.instance.processes import Process, Supervisor
from marketplace.instance.static_collection import static_collect


class Command(BaseCommand):
    """Runs all processes under one supervisor, and loads the demo on the first start."""

    help = "Start web, workers and clock, and stop them all with Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--no-demo", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        _check_free(options["host"], options["port"])
        call_command("migrate", interactive=False, verbosity=0)
        static_collect()
        processes = [
            Process(name, command_of(name, host=options["host"], port=options["port"]))
            for name in NAMES
        ]
        lines = [f"Freehold runs at {settings.SITE_URL}"]
        if not options["no_demo"]:
            lines += _demo(processes, person_reads=self.stdout.isatty())
        self.stdout.write("\n".join(["", *lines, "Ctrl-C stops everything.", ""]))
        self.stdout.flush()
        supervisor = Supervisor(
            processes, environment=_environment(), max_pause_s=settings.MAX_RESTART_PAUSE_S
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: supervisor.stop())
        supervisor.run()


def _check_free(host: str, port: int) -> None:
    """Fail now with one sentence, rather than in the web server's log every few seconds."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"{host}:{port} cannot be used ({error.strerror}); choose another port, such as "
                f"“make run PORT={port + 1}”."
            ) from error


def _demo(processes: list[Process], *, person_reads: bool) -> list[str]:
    """Add the demo loader, and return how to sign in: a log gets the password's file only.

    The demo is imported late, as it is a higher layer.
    """
    demo = import_module("marketplace.demo.services")
    demo.demo_person()
    processes.append(Process("demo", [sys.executable, "manage.py", "demo"], once=True))
    if not demo.sign_in_file().exists():
        return []
    if not person_reads:
        name = demo.sign_in_file().name
        return [f"Sign in as {demo.USERNAME}; the file {name} of the data folder has the password"]
    return [f"Sign in as {demo.USERNAME} with password {demo.sign_in_file().read_text()}"]


def _environment() -> dict[str, str]:
    """Return the shared environment. Without Redis, previews are kept in this process's memory."""
    shared = shared_environment(settings.WORKER_THREADS)
    if settings.PREVIEW_URL:
        return shared
    server = serve_previews(settings.PREVIEW_TTL_S)
    Thread(target=server.serve_forever, name="previews", daemon=True).start()
    return {**shared, "FREEHOLD_PREVIEW_URL": f"http://127.0.0.1:{server.server_port}"}
