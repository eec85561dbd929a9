"""`manage.py audit_verify`: whether the log is whole."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.audit.chain import BrokenChain, verify
from marketplace.audit.selectors import records_as_lines


class Command(BaseCommand):
    """Walk the chain of hashes; exit with 1 and a sentence where it breaks."""

    help = "Check that no record of the audit log was changed, removed or put in."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to check, and against what."""
        parser.add_argument("--file", type=Path, help="check an export instead of the database")
        parser.add_argument("--expect", default="", help="a head that an earlier check printed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many records there are, and the head to expect next time."""
        lines = _read(options["file"]) if options["file"] else records_as_lines()
        try:
            found = verify(lines, expect=options["expect"])
        except BrokenChain as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{found.count} records, unbroken. Head: {found.head}")


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of an export."""
    try:
        with path.open(encoding="utf-8") as file:
            for text in file:
                yield json.loads(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read as an export: {error}") from error
