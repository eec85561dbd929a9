from django.apps import AppConfig


class PoolsConfig(AppConfig):
    name = "marketplace.pools"
    label = "pools"
