"""App configuration."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """The jobs app."""

    name = "marketplace.jobs"
    label = "jobs"
