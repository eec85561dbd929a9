"""App configuration."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The core app."""

    name = "marketplace.core"
    label = "core"
