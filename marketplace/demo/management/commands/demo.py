from django.core.management.base import BaseCommand

from marketplace.demo.services import demo_load


class Command(BaseCommand):
    """Loads the demo. Needs a running worker, because the uploads are validated."""

    help = "Load the demo pool through the ordinary upload, and start a short FREE+ job on it."

    def handle(self, *args: object, **options: object) -> None:
        job = demo_load()
        self.stdout.write(f"The demo job is {job.pk}, {job.state}.")
