"""`manage.py worker_alive QUEUE`: for health checks of containers."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.instance.liveness_files import sign_age_s


class Command(BaseCommand):
    """Succeeds while the worker of this container lives, whatever database and broker do."""

    help = "Succeed when the worker of this queue, on this machine, has shown lately that it lives."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Which queue, and how long silence is allowed."""
        parser.add_argument("queue", choices=("gpu", "quick"))
        parser.add_argument("--within", type=int, default=120, metavar="SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look at its file."""
        age_s = sign_age_s(options["queue"])
        if age_s is None or age_s > options["within"]:
            raise CommandError(
                f"The worker of the queue {options['queue']} on this machine has not been heard of "
                f"for {options['within']} s."
            )
