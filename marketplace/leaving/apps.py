from django.apps import AppConfig


class LeavingConfig(AppConfig):
    name = "marketplace.leaving"
    label = "leaving"
