from marketplace.accounts.selectors import Person
from marketplace.learners.models import MetaLearner


def can_edit_learner(user: Person, learner: MetaLearner) -> bool:
    return bool(user.is_authenticated and learner.owner_id == user.pk)
