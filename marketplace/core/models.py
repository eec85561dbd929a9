"""The base of every row that people can see."""

import uuid

from django.db import models


class Row(models.Model):
    """A row with an id that cannot be guessed and the time of its making."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True, editable=False)

    class Meta:
        abstract = True


class WorkerPulse(models.Model):
    """When a worker process last said that it lives."""

    name = models.CharField(max_length=120, primary_key=True)
    queue = models.CharField(max_length=20)
    device = models.CharField(max_length=120, blank=True)
    unconfined = models.CharField(
        max_length=60,
        blank=True,
        help_text="what its machine lacks to confine the reader of uploads with",
    )
    at = models.DateTimeField()
