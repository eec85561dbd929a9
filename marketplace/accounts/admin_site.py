"""The operator's pages: people get in through our own sign-in only."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse

from marketplace.accounts.permissions import can_operate


class OperatorSite(AdminSite):
    """Django's admin without a sign-in of its own, which would know no limit and no factor."""

    site_header = site_title = "Freehold"
    index_title = "Operator pages"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # Rows are deleted one at a time: each is in the audit log then.
        self.disable_action("delete_selected")

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff, with a second factor where the operator asks for one."""
        return can_operate(request.user)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """To whatever is missing: a sign-in, or a second factor."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        if request.user.is_authenticated and request.user.is_staff:
            messages.warning(request, "Add a second factor first; the operator pages need one.")
            return redirect("mfa_index")
        if request.user.is_authenticated:
            messages.error(request, "Only staff may use the operator pages.")
            return redirect("home")
        following = urlencode({"next": reverse("admin:index", current_app=self.name)})
        return redirect(f"{reverse('account_login')}?{following}")
