import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.core.errors import DomainError
from marketplace.operations.backup import backup_make


class Command(BaseCommand):
    help = "Write database and files into a new folder. Keep the secret key elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        # The backup is private to the operator.
        before = os.umask(0o077)
        try:
            manifest = backup_make(options["folder"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        finally:
            os.umask(before)
        files = manifest["files"]
        size = sum(file["size"] for file in files)
        self.stdout.write(
            f"{options['folder']}: the database and {len(files)} files, {size:,} bytes."
        )
