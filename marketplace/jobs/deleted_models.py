"""What the texts of jobs say of a model goes with the model."""

from typing import Any

from django.db.models import Value
from django.db.models.functions import Left, Replace
from django.dispatch import receiver

from marketplace.checkpoints.models import DELETED_MODEL, Checkpoint
from marketplace.checkpoints.signals import checkpoint_deleted
from marketplace.jobs.models import Job, JobEvent

_LONGEST = JobEvent._meta.get_field("text").max_length or 0


@receiver(checkpoint_deleted)
def forget_name(checkpoint: Checkpoint, **_: Any) -> None:
    """Take the model's name out of the logs and errors of the jobs on its pools."""
    jobs = Job.objects.filter(pool__in=checkpoint.pools.values("pool"))
    said = f"“{checkpoint.name}”"
    left = Value(DELETED_MODEL)
    jobs.filter(error__contains=said).update(error=Replace("error", Value(said), left))
    events = JobEvent.objects.filter(job__in=jobs.values("pk"), text__contains=said)
    events.update(text=Left(Replace("text", Value(said), left), _LONGEST))
