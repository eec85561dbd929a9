from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "marketplace.jobs"
    label = "jobs"

    def ready(self) -> None:
        """Connect the receiver of deleted models."""
        from marketplace.jobs import deleted_models  # noqa: F401 - connects its receiver
