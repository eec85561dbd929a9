"""Checkpoints: what a person uploaded and what the worker found in it."""

from django.db import models

from marketplace.accounts.models import Owned
from marketplace.checkpoints.states import CheckpointState


class Licence(models.TextChoices):
    """Licences a model is commonly given (SPDX identifiers)."""

    APACHE = "apache-2.0", "Apache 2.0"
    MIT = "mit", "MIT"
    BSD = "bsd-3-clause", "BSD 3-Clause"
    CC0 = "cc0-1.0", "CC0 1.0 (public domain)"
    CC_BY = "cc-by-4.0", "CC BY 4.0"
    CC_BY_SA = "cc-by-sa-4.0", "CC BY-SA 4.0"
    CC_BY_NC = "cc-by-nc-4.0", "CC BY-NC 4.0 (no commercial use)"
    OTHER = "other", "Other (say which in the description)"


class Checkpoint(Owned):
    """An uploaded classifier. After validation the stored file is our own re-serialisation."""

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=20_000)
    dataset = models.CharField(
        max_length=80, blank=True, help_text="what it was trained on, in a word"
    )
    licence = models.CharField(max_length=20, choices=Licence.choices)
    class_names = models.JSONField(default=list)
    image_size = models.PositiveSmallIntegerField()
    channels = models.PositiveSmallIntegerField()
    mean = models.JSONField(default=list)
    std = models.JSONField(default=list)
    architecture = models.CharField(max_length=60, blank=True)
    consent_recovery = models.BooleanField(default=False)
    consent_preview = models.BooleanField(default=False)

    state = models.CharField(
        max_length=12, choices=CheckpointState.choices, default=CheckpointState.UPLOADED
    )
    reason = models.TextField(blank=True)
    upload_sha256 = models.CharField(max_length=64)
    upload_bytes = models.BigIntegerField()
    # Filled in by validation.
    sha256 = models.CharField(max_length=64, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    n_classes = models.PositiveIntegerField(default=0)
    width = models.PositiveIntegerField(default=0)
    n_parameters = models.BigIntegerField(default=0)
    validated_at = models.DateTimeField(null=True)
    # The worker's lease while validating.
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)

    class Meta(Owned.Meta):
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="checkpoint_newest"),
            models.Index(fields=["owner", "-created_at"], name="checkpoint_of_owner"),
            models.Index(
                fields=["visibility", "state", "-created_at"], name="checkpoint_catalogue"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_final(self) -> bool:
        """Whether validation has come to an end."""
        return self.state in {CheckpointState.VALID, CheckpointState.REJECTED}
