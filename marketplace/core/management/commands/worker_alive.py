"""`manage.py worker_alive QUEUE`: for health checks of containers."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketplace.core.models import WorkerPulse


class Command(BaseCommand):
    """Succeeds while a worker of the queue consumes: a process that only exists does not count."""

    help = "Succeed when a worker of this queue has been heard of lately."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which queue, and how long silence is allowed."""
        parser.add_argument("queue", choices=("gpu", "quick"))
        parser.add_argument("--within", type=int, default=120, metavar="SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look at the pulses."""
        since = timezone.now() - timedelta(seconds=options["within"])
        if not WorkerPulse.objects.filter(queue=options["queue"], at__gt=since).exists():
            raise CommandError(
                f"No worker of the queue {options['queue']} has been heard of for "
                f"{options['within']} s."
            )
