"""App configuration of Django's admin. Separate, because an app's module may have only one."""

from django.contrib.admin.apps import AdminConfig


class OperatorPages(AdminConfig):
    default_site = "marketplace.accounts.admin_site.OperatorSite"
