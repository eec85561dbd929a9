from django.apps import AppConfig


class LearnersConfig(AppConfig):
    name = "marketplace.learners"
    label = "learners"
