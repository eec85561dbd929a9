import uuid

from django.db import models


class Row(models.Model):
    """Base class: a row with a random id and its creation time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True, editable=False)

    class Meta:
        abstract = True


class WorkerPulse(models.Model):
    """The last sign of life of a worker process."""

    name = models.CharField(max_length=120, primary_key=True)
    queue = models.CharField(max_length=20)
    device = models.CharField(max_length=120, blank=True)
    unconfined = models.CharField(
        max_length=60,
        blank=True,
        help_text="what its machine lacks to confine the reader of uploads with",
    )
    at = models.DateTimeField()
