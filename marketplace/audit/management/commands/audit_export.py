import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import get_current_timezone, is_naive, make_aware

from marketplace.audit.selectors import records_as_lines
from marketplace.audit.states import Act


class Command(BaseCommand):
    help = "Write the audit log as JSON lines, oldest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=_moment, help="first date or time")
        parser.add_argument("--until", type=_moment, help="date or time after the last record")
        parser.add_argument("--act", default="", choices=["", *Act.values])

    def handle(self, *args: Any, **options: Any) -> None:
        lines = records_as_lines(since=options["since"], until=options["until"], act=options["act"])
        for line in lines:
            self.stdout.write(json.dumps(line, sort_keys=True))


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
        day = None if moment else parse_date(text)
    except ValueError:
        moment = day = None
    if day is not None:
        moment = datetime(day.year, day.month, day.day, tzinfo=get_current_timezone())
    if moment is None:
        raise CommandError(f"“{text}” is no date; write 2026-11-21 or 2026-11-21T12:00.")
    return make_aware(moment) if is_naive(moment) else moment
