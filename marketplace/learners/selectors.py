"""Reads about meta-learners."""

from django.db.models import QuerySet

from marketplace.accounts.selectors import Person, editable_by, visible_to
from marketplace.learners.models import MetaLearner


def learners_visible_to(user: Person) -> "QuerySet[MetaLearner]":
    """The meta-learners this person may see."""
    return visible_to(MetaLearner.objects.select_related("owner", "team", "job__pool"), user)


def learners_editable_by(user: Person) -> "QuerySet[MetaLearner]":
    """The meta-learners this person may change."""
    return editable_by(MetaLearner.objects.select_related("owner", "team", "job__pool"), user)


def learner_file(learner: MetaLearner, path: str) -> dict[str, object] | None:
    """The entry of one file, only if the learner has a file of exactly that path."""
    return next((entry for entry in learner.files if entry["path"] == path), None)
