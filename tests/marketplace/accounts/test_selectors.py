"""What a person may see."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from marketplace.accounts.selectors import (
    editable_by,
    get_or_404,
    teams_of,
    visible_to,
)
from marketplace.checkpoints.models import Checkpoint


def test_what_nobody_signed_in_may_see_and_change(make_checkpoint: Callable[..., Any]) -> None:
    row = make_checkpoint(visibility="public")
    make_checkpoint("hidden")
    anybody = AnonymousUser()
    assert list(visible_to(Checkpoint.objects.all(), anybody)) == [row]
    assert not editable_by(Checkpoint.objects.all(), anybody).exists()
    assert not teams_of(anybody).exists()
    for pk in ("nonsense", None):
        with pytest.raises(Http404):
            get_or_404(Checkpoint.objects.all(), pk)
