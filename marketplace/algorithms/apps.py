"""App configuration."""

from django.apps import AppConfig


class AlgorithmsConfig(AppConfig):
    """The algorithms app."""

    name = "marketplace.algorithms"
    label = "algorithms"
