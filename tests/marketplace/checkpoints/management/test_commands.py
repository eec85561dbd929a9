"""`manage.py quarantine`."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketplace.checkpoints.models import Checkpoint

WHY = "It was trained on pictures of people."


def test_who_sits_at_the_machine_does_it_by_a_command(make_checkpoint: Callable[..., Any]) -> None:
    row, out = make_checkpoint("birds"), StringIO()
    call_command("quarantine", str(row.pk), "--reason", WHY, stdout=out)
    assert Checkpoint.objects.get().is_quarantined
    call_command("quarantine", str(row.pk), "--lift", stdout=out)
    assert not Checkpoint.objects.get().is_quarantined
    assert out.getvalue().splitlines() == [
        "“birds” is in quarantine; its jobs stop in seconds.", "“birds” is out of quarantine.",
    ]  # fmt: skip
    for wrong, words in ((str(row.pk), "not in quarantine"), ("nonsense", "no model")):
        with pytest.raises(CommandError, match=words):
            call_command("quarantine", wrong, "--lift")
