"""App configuration."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """The operations app."""

    name = "marketplace.operations"
    label = "operations"
