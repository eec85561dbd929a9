"""Models for the operator: to look at, to take out of use and to give back."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest

from marketplace.accounts.models import User
from marketplace.accounts.permissions import can_operate
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine, checkpoint_release
from marketplace.core.errors import DomainError


class ReasonForm(ActionForm):
    """Asks for the reason next to the choice of the action."""

    reason = forms.CharField(required=False, label="Reason, which the owner will read")


@admin.register(Checkpoint)
class CheckpointAdmin(admin.ModelAdmin):
    """Quarantine is all that an operator does to another person's model."""

    list_display = ["name", "owner", "state", "visibility", "quarantined_at", "created_at"]
    list_filter = ["state", ("quarantined_at", admin.EmptyFieldListFilter)]
    list_select_related = ["owner"]
    search_fields = ["id", "name", "owner__username"]
    action_form = ReasonForm
    actions = ["quarantine", "release"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Models are uploaded."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are their owners'."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Their files would stay behind."""
        return False

    def has_quarantine_permission(self, request: HttpRequest) -> bool:
        """Allow every operator."""
        return can_operate(request.user)

    @admin.action(description="Put into quarantine", permissions=["quarantine"])
    def quarantine(self, request: HttpRequest, rows: "QuerySet[Checkpoint]") -> None:
        """With the reason from the form."""
        reason = request.POST.get("reason", "")
        for row in rows:
            self._try(
                request,
                lambda row=row: checkpoint_quarantine(
                    checkpoint=row, by=_by(request), reason=reason
                ),
                f"“{row}” is in quarantine.",
            )

    @admin.action(description="Take out of quarantine", permissions=["quarantine"])
    def release(self, request: HttpRequest, rows: "QuerySet[Checkpoint]") -> None:
        """As they were before."""
        for row in rows:
            self._try(
                request,
                lambda row=row: checkpoint_release(checkpoint=row, by=_by(request)),
                f"“{row}” is out of quarantine.",
            )

    def _try(self, request: HttpRequest, act: Any, done: str) -> None:
        try:
            act()
        except DomainError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, done, messages.SUCCESS)


def _by(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
