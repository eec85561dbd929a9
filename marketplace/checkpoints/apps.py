"""App configuration."""

from django.apps import AppConfig


class CheckpointsConfig(AppConfig):
    """The checkpoints app."""

    name = "marketplace.checkpoints"
    label = "checkpoints"
