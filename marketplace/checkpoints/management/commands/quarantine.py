from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine, checkpoint_release
from marketplace.core.errors import DomainError


class Command(BaseCommand):
    help = "Hide a model and stop every use of it, or release it with --lift."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the model's id, as in its address")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--reason", help="reason, shown to the owner")
        what.add_argument("--lift", action="store_true", help="take it out of quarantine")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            row = Checkpoint.objects.get(pk=options["id"])
        except (Checkpoint.DoesNotExist, ValidationError):
            raise CommandError(f"There is no model {options['id']}.") from None
        try:
            if options["lift"]:
                checkpoint_release(checkpoint=row, by=None)
            else:
                checkpoint_quarantine(checkpoint=row, by=None, reason=options["reason"])
        except DomainError as error:
            raise CommandError(str(error)) from None
        done = "out of quarantine" if options["lift"] else "in quarantine; its jobs stop in seconds"
        self.stdout.write(f"“{row}” is {done}.")
