"""Quarantine is all that an operator does to another person's model."""

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User

WHY = "It was trained on pictures of people."


def test_staff_do_it_in_the_operator_pages(
    make_checkpoint: Callable[..., Any], sam: User, client: Client
) -> None:
    row = make_checkpoint()
    client.force_login(sam)
    address = reverse("admin:checkpoints_checkpoint_changelist")

    def act(action: str, reason: str = "") -> str:
        said = {"action": action, "_selected_action": [str(row.pk)], "reason": reason}
        answer = client.post(address, said, follow=True)
        row.refresh_from_db()
        return answer.content.decode()

    assert "Give the reason" in act("quarantine") and not row.is_quarantined
    assert "is in quarantine" in act("quarantine", WHY) and row.quarantine_reason == WHY
    assert "out of quarantine" in act("release") and not row.is_quarantined
    assert "not in quarantine" in act("release")
