from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "marketplace.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Connect the signal receivers."""
        from marketplace.accounts import signals  # noqa: F401, PLC0415 - models are loaded now
