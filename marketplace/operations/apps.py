from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "marketplace.operations"
    label = "operations"

    def ready(self) -> None:
        """Connect the signals that count uploads and adaptations."""
        from marketplace.operations import signals

        self.signals = signals
