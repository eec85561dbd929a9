"""App configuration."""

from django.apps import AppConfig


class AdaptationConfig(AppConfig):
    """The adaptation app."""

    name = "marketplace.adaptation"
    label = "adaptation"
