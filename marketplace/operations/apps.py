"""App configuration."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """The operations app."""

    name = "marketplace.operations"
    label = "operations"

    def ready(self) -> None:
        """Begin to count."""
        from marketplace.operations import signals

        self.signals = signals
