from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse

from marketplace.accounts.permissions import can_operate


class OperatorSite(AdminSite):
    """Django's admin without its own sign-in page, which has no rate limits or second factors."""

    site_header = site_title = "Freehold"
    index_title = "Operator pages"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # Rows are deleted one at a time, so that each deletion is in the audit log.
        self.disable_action("delete_selected")

    def has_permission(self, request: HttpRequest) -> bool:
        return can_operate(request.user)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Redirect to what is missing: the sign-in page, or the page for second factors."""
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
