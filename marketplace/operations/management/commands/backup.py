"""`manage.py backup FOLDER`: database and files, consistent, with their hashes."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.core.errors import DomainError
from marketplace.operations.backup import backup_make


class Command(BaseCommand):
    """Writes a backup; the instance may go on working meanwhile."""

    help = "Write database and files into a new folder. Keep the secret key elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it and say what is in it."""
        # What is written is for the operator alone.
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
