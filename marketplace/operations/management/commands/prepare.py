from typing import Any

from botocore.exceptions import ClientError
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Run before every start of a release. Idempotent."""

    help = "Migrate the database, and create the bucket if it does not exist."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        if hasattr(default_storage, "bucket") and make_bucket(default_storage.bucket):
            self.stdout.write(f"Created the bucket {default_storage.bucket.name}.")


def make_bucket(bucket: Any) -> bool:
    """Create the bucket unless it exists. Return whether it was created."""
    client = bucket.meta.client
    try:
        client.head_bucket(Bucket=bucket.name)
    except ClientError as error:
        # A process without permission to look must not try to create a bucket.
        if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
            raise
        client.create_bucket(Bucket=bucket.name)
        return True
    return False
