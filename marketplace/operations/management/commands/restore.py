from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.core.errors import DomainError
from marketplace.operations.restore import backup_restore


class Command(BaseCommand):
    """Restores a backup. Web and workers must not run meanwhile."""

    help = "Restore database and files of a backup into this instance, which must be empty."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--replace", action="store_true", help="delete what this instance has")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            restored = backup_restore(options["folder"], replace=options["replace"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The database and {restored.n_files} files are restored.")
        if restored.other_key:
            self.stdout.write(
                "This instance's secret key differs from that of the backup: sessions end, and "
                "second factors, which were encrypted with the old key, must be set up again. Set "
                "FREEHOLD_SECRET_KEY to the old key if you have it."
            )
