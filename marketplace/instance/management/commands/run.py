"""`manage.py run NAME`: one process of the instance, in place of this one."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from marketplace.instance.process_set import NAMES, command_of, shared_environment


class Command(BaseCommand):
    """What a container or a unit file starts."""

    help = "Become one process of the instance: web, gpu, quick or clock."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which, and for the web where to listen."""
        parser.add_argument("name", choices=NAMES)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *args: Any, **options: Any) -> None:
        """Become it, so that signals reach it without anybody between."""
        command = command_of(options["name"], host=options["host"], port=options["port"])
        environment = {**os.environ, **shared_environment(settings.WORKER_THREADS)}
        os.execve(command[0], command, environment)  # noqa: S606 - our own command
