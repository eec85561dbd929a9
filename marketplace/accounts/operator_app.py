"""App configuration of Django's admin, apart from ours because an app module has one."""

from django.contrib.admin.apps import AdminConfig


class OperatorPages(AdminConfig):
    """Django's admin, as our own site."""

    default_site = "marketplace.accounts.admin_site.OperatorSite"
