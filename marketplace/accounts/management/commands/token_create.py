"""`manage.py token_create USERNAME`: print a new API token, and nothing else."""

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.accounts.models import User
from marketplace.accounts.services import token_create


class Command(BaseCommand):
    """Make a token for a person and print it alone."""

    help = "Make an API token for USERNAME and print it; it is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """The person, and a name to recognise the token by."""
        parser.add_argument("username")
        parser.add_argument("--name", default="made by an operator")

    def handle(self, *args: object, **options: str) -> None:
        """Print the secret."""
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no person called “{options['username']}” here.")
        _, secret = token_create(user=user, name=options["name"])
        self.stdout.write(secret)
