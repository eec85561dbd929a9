from django.apps import AppConfig


class InstanceConfig(AppConfig):
    name = "marketplace.instance"
    label = "instance"
