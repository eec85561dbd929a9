"""Who may do what with a meta-learner."""

from typing import Any

from django.contrib.auth.models import AnonymousUser

from marketplace.accounts.models import User
from marketplace.learners.models import MetaLearner
from marketplace.learners.permissions import can_edit_learner


def test_only_its_owner_renames_and_shares_it_however_it_is_shared(
    learner: MetaLearner, shared: Any, alice: User, bob: User
) -> None:
    MetaLearner.objects.update(**shared.team)
    learner.refresh_from_db()
    assert can_edit_learner(alice, learner)
    assert not can_edit_learner(bob, learner) and not can_edit_learner(AnonymousUser(), learner)
