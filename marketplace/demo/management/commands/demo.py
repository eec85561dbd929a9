"""`manage.py demo`: load the demo pool and start a short job on it."""

from django.core.management.base import BaseCommand

from marketplace.demo.services import demo_load


class Command(BaseCommand):
    """Needs a running worker, because the uploads are validated like anybody's."""

    help = "Load the demo pool through the ordinary upload, and start a short FREE+ job on it."

    def handle(self, *args: object, **options: object) -> None:
        """Say which job was started."""
        job = demo_load()
        self.stdout.write(f"The demo job is {job.pk}, {job.state}.")
