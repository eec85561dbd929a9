"""A small adaptation."""

from typing import Any

from marketplace.accounts.models import User
from marketplace.adaptation.services import adaptation_run
from marketplace.learners.models import MetaLearner

SUPPORT = [{"label": "robin", "image": "AAAA"}, {"label": "wren", "image": "BBBB"}]


def adapt(person: User, learner: MetaLearner) -> dict[str, Any]:
    """A request of two pictures."""
    return adaptation_run(user=person, learner=learner, support=SUPPORT, query=[], calibrate=False)
