"""Receivers that record account events in the audit log, and clean up after a team or a user."""

from typing import Any

from allauth.account.signals import (
    email_added,
    email_changed,
    email_removed,
    password_changed,
    password_reset,
    user_signed_up,
)
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.apps import apps
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_save, pre_delete
from django.dispatch import receiver

from marketplace.accounts.models import Invitation, Owned, Team, User, Visibility
from marketplace.audit.services import record
from marketplace.audit.states import Act


@receiver(user_signed_up)
def _signed_up(user: User, **more: Any) -> None:
    record(Act.SIGN_UP, by=user)


@receiver(user_logged_in)
def _signed_in(user: User, **more: Any) -> None:
    record(Act.SIGN_IN, by=user)


@receiver(user_logged_out)
def _signed_out(user: User | None, **more: Any) -> None:
    if user is not None:
        record(Act.SIGN_OUT, by=user)


@receiver(user_login_failed)
def _sign_in_failed(credentials: dict[str, Any], **more: Any) -> None:
    """Record only an existing name, because people type their password into the wrong field."""
    name = str(credentials.get("username") or "")
    known = User.objects.filter(username__iexact=name).first() if name else None
    record(Act.SIGN_IN_FAILED, by=None, tried=known or "an unknown name")


@receiver([password_changed, password_reset])
def _password_changed(user: User, **more: Any) -> None:
    record(Act.PASSWORD_CHANGED, by=user)


@receiver([email_added, email_changed, email_removed])
def _email_changed(user: User, **more: Any) -> None:
    """Record the change without the address."""
    record(Act.EMAIL_CHANGED, by=user, row=user)


@receiver(authenticator_added)
def _factor_added(user: User, authenticator: Any, **more: Any) -> None:
    record(Act.FACTOR_ADDED, by=user, factor=authenticator.type)


@receiver(authenticator_removed)
def _factor_removed(user: User, authenticator: Any, **more: Any) -> None:
    record(Act.FACTOR_REMOVED, by=user, factor=authenticator.type)


@receiver(post_save, sender=LogEntry)
def _operated(instance: LogEntry, created: bool, **more: Any) -> None:
    acts = {ADDITION: Act.ADMIN_ADDED, DELETION: Act.ADMIN_DELETED}
    if not created:
        return
    kind = instance.content_type.model if instance.content_type else ""
    record(
        acts.get(instance.action_flag, Act.ADMIN_CHANGED),
        by=instance.user,
        of=kind,
        id=instance.object_id or "",
        what=instance.get_change_message(),
    )


@receiver(pre_delete, sender=User)
def _forget_declined(instance: User, **more: Any) -> None:
    """Delete the invitations of the user's name that no longer refer to the user."""
    Invitation.objects.filter(name__iexact=instance.get_username()).delete()


@receiver(pre_delete, sender=Team)
def _make_private(instance: Team, **more: Any) -> None:
    """Make the team's rows private. They are locked in the order of their ids, as in a launch."""
    for model in apps.get_models():
        if issubclass(model, Owned):
            shared = model._default_manager.filter(team=instance, visibility=Visibility.TEAM)
            rows = shared.order_by("pk").select_for_update()
            list(rows.values_list("pk", flat=True))
            shared.update(visibility=Visibility.PRIVATE)
