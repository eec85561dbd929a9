"""App configuration."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The demo app; it has no tables."""

    name = "marketplace.demo"
    label = "demo"
