from django.apps import AppConfig


class LearnersConfig(AppConfig):
    name = "marketplace.learners"
    label = "learners"

    def ready(self) -> None:
        """Connect the receiver of deleted models."""
        from marketplace.learners import deleted_models  # noqa: F401 - connects its receiver
