from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.instance.liveness_files import sign_age_s


class Command(BaseCommand):
    """Container health check, which does not depend on database or broker."""

    help = "Succeed if the worker of this queue on this machine has recently shown a sign of life."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue", choices=("gpu", "quick"))
        parser.add_argument("--within", type=int, default=120, metavar="SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        age_s = sign_age_s(options["queue"])
        if age_s is None or age_s > options["within"]:
            raise CommandError(
                f"The worker of the queue {options['queue']} on this machine has shown no sign of "
                f"life for {options['within']} s."
            )
