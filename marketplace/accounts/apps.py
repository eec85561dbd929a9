"""App configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The accounts app."""

    name = "marketplace.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Listen to who signs in."""
        from marketplace.accounts import signals  # noqa: F401, PLC0415 - models are loaded now
