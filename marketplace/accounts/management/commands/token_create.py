"""`manage.py token_create USERNAME`: print a new API token and nothing else, for scripts."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.accounts.scopes import ALL_SCOPES
from marketplace.accounts.services import token_create
from marketplace.core.errors import DomainError


class Command(BaseCommand):
    help = "Create an API token for USERNAME and print it. It is shown only once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="made by an operator")
        parser.add_argument("--scopes", nargs="+", choices=ALL_SCOPES, default=ALL_SCOPES)
        parser.add_argument("--days", type=int, help="lifetime in days; unlimited if omitted")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no person called “{options['username']}” here.")
        days: int | None = options["days"]
        try:
            _, secret = token_create(
                user=user,
                name=options["name"],
                scopes=options["scopes"],
                expires_at=timezone.now() + timedelta(days=days) if days is not None else None,
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(secret)
