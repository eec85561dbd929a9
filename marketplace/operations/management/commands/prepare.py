"""`manage.py prepare`: what has to be there before web and workers start."""

from typing import Any

from botocore.exceptions import ClientError
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Run before every start of a release; a second time it changes nothing."""

    help = "Migrate the database, and make the bucket when it is not there."

    def handle(self, *args: Any, **options: Any) -> None:
        """Database, then bucket."""
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        if hasattr(default_storage, "bucket") and make_bucket(default_storage.bucket):
            self.stdout.write(f"Made the bucket {default_storage.bucket.name}.")


def make_bucket(bucket: Any) -> bool:
    """Make the bucket unless it is there."""
    client = bucket.meta.client
    try:
        client.head_bucket(Bucket=bucket.name)
    except ClientError as error:
        # A process that may not look is not told to make one.
        if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
            raise
        client.create_bucket(Bucket=bucket.name)
        return True
    return False
