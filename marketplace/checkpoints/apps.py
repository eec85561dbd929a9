from django.apps import AppConfig


class CheckpointsConfig(AppConfig):
    name = "marketplace.checkpoints"
    label = "checkpoints"

    def ready(self) -> None:
        """Connect the receiver of finished uploads, and count models towards the quota."""
        from marketplace.checkpoints import arrivals  # noqa: F401 - connects its receiver
        from marketplace.checkpoints.selectors import stored_bytes_of
        from marketplace.uploads.quota import count_stored_bytes

        count_stored_bytes(stored_bytes_of)
