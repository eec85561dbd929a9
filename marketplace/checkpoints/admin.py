"""Admin pages for models. Operators can view models and put them into quarantine."""

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
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.errors import DomainError


class ReasonForm(ActionForm):
    reason = forms.CharField(required=False, label="Reason, shown to the owner")


@admin.register(Checkpoint)
class CheckpointAdmin(admin.ModelAdmin):
    list_display = ["name", "owner", "state", "visibility", "quarantined_at", "created_at"]
    list_filter = ["state", ("quarantined_at", admin.EmptyFieldListFilter)]
    list_select_related = ["owner"]
    search_fields = ["id", "name", "owner__username"]
    action_form = ReasonForm
    actions = ["quarantine", "release"]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Checkpoint]":
        """Leave out deleted models, of which nothing is left to look at."""
        rows: QuerySet[Checkpoint] = super().get_queryset(request)
        return rows.exclude(state=CheckpointState.DELETED)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False, because deleting the row would leave its files behind."""
        return False

    def has_quarantine_permission(self, request: HttpRequest) -> bool:
        return can_operate(request.user)

    @admin.action(description="Put into quarantine", permissions=["quarantine"])
    def quarantine(self, request: HttpRequest, rows: "QuerySet[Checkpoint]") -> None:
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
