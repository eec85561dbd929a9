"""What the texts of jobs say of a model goes with the model."""

from typing import Any

from django.db.models import F, Func, TextField, Value
from django.dispatch import receiver

from marketplace.checkpoints.models import DELETED_MODEL, Checkpoint
from marketplace.checkpoints.signals import checkpoint_deleted
from marketplace.jobs.models import Job, JobEvent


@receiver(checkpoint_deleted)
def forget_name(checkpoint: Checkpoint, **_: Any) -> None:
    """Take the model's name out of the logs and errors of the jobs on its pools."""
    jobs = Job.objects.filter(pool__in=checkpoint.pools.values("pool"))
    said = f"“{checkpoint.name}”"
    jobs.filter(error__contains=said).update(error=_without("error", said))
    events = JobEvent.objects.filter(job__in=jobs.values("pk"), text__contains=said)
    events.update(text=_without("text", said))


def _without(field: str, said: str) -> Func:
    return Func(
        F(field),
        Value(said),
        Value(DELETED_MODEL),
        function="REPLACE",
        output_field=TextField(),
    )
