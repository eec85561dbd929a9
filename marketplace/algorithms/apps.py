from django.apps import AppConfig


class AlgorithmsConfig(AppConfig):
    name = "marketplace.algorithms"
    label = "algorithms"
