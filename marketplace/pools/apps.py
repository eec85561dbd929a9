"""App configuration."""

from django.apps import AppConfig


class PoolsConfig(AppConfig):
    """The pools app."""

    name = "marketplace.pools"
    label = "pools"
