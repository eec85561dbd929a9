"""What is left of a deleted model in the meta-learners that were made from it."""

from typing import Any

from django.dispatch import receiver

from marketplace import storage
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.signals import checkpoint_deleted
from marketplace.learners.models import MetaLearner


@receiver(checkpoint_deleted)
def forget_model(checkpoint: Checkpoint, **_: Any) -> list[str]:
    """Take name and owner out of the lineage. Return the keys of the files with its weights.

    A meta-learner that holds its weights stays as a row, but no one can have it any more, so its
    files go with the model.
    """
    rows = MetaLearner.objects.select_for_update(of=("self",))
    for member in checkpoint.pools.filter(pool__frozen_at__isnull=False):
        place = member.pool.members.filter(position__lt=member.position).count()
        for learner in rows.filter(job__pool=member.pool_id):
            _forget_in(learner, place)
    keys = []
    for learner in rows.filter(copied_models=checkpoint):
        keys += [storage.learner_key(learner.pk, entry["path"]) for entry in learner.files]
        learner.files = []
        learner.save(update_fields=["files"])
    return keys


def _forget_in(learner: MetaLearner, place: int) -> None:
    for index, record in enumerate(learner.provenance):
        if record.get("place", index) == place:
            record.pop("name", None)
            record.pop("owner", None)
    learner.save(update_fields=["provenance"])
