import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.audit.chain import BrokenChain, verify
from marketplace.audit.selectors import records_as_lines


class Command(BaseCommand):
    """Verifies the hash chain. Exits with 1 and a message if it is broken."""

    help = "Check that no record of the audit log was changed, removed or inserted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, help="check an export instead of the database")
        parser.add_argument("--expect", default="", help="a head that an earlier check printed")

    def handle(self, *args: Any, **options: Any) -> None:
        lines = _read(options["file"]) if options["file"] else records_as_lines()
        try:
            found = verify(lines, expect=options["expect"])
        except BrokenChain as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{found.count} records, unbroken. Head: {found.head}")


def _read(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            for text in file:
                yield json.loads(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read as an export: {error}") from error
