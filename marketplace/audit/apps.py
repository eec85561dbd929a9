"""App configuration."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The audit app."""

    name = "marketplace.audit"
    label = "audit"
    verbose_name = "Audit"
