import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from marketplace.instance.process_set import NAMES, command_of, shared_environment


class Command(BaseCommand):
    help = "Run one process of the instance: web, gpu, quick or clock."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", choices=NAMES)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace this process, so that it receives signals directly."""
        command = command_of(options["name"], host=options["host"], port=options["port"])
        environment = {**os.environ, **shared_environment(settings.WORKER_THREADS)}
        os.execve(command[0], command, environment)  # noqa: S606 - our own command
