from django.apps import AppConfig


class AdaptationConfig(AppConfig):
    name = "marketplace.adaptation"
    label = "adaptation"
