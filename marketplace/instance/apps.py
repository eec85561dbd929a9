"""App configuration."""

from django.apps import AppConfig


class InstanceConfig(AppConfig):
    """The commands that run an instance."""

    name = "marketplace.instance"
    label = "instance"
