"""`manage.py browser_runtime`: fetch what browsers need to adapt by themselves."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from marketplace.instance.browser_runtime import (
    PACKAGE,
    VERSION,
    RuntimeUnavailable,
    runtime_install,
)


class Command(BaseCommand):
    """Without the runtime everything works, but adaptation takes place on the server."""

    help = "Fetch the runtime with which browsers adapt, unless it is there already."

    def handle(self, *args: Any, **options: Any) -> None:
        """One line, whatever happens."""
        try:
            fetched = runtime_install(settings.BASE_DIR / "static")
        except RuntimeUnavailable as error:
            self.stdout.write(f"Browsers cannot adapt by themselves here: {error}.")
            return
        if fetched:
            self.stdout.write(f"{PACKAGE} {VERSION} is there: browsers can adapt by themselves.")
