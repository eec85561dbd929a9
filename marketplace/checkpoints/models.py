from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import Owned
from marketplace.checkpoints.families import family_of
from marketplace.checkpoints.score import Score
from marketplace.checkpoints.states import CheckpointState

DELETED_MODEL = "a deleted model"
"""What pages call a model whose owner has deleted it."""


class Licence(models.TextChoices):
    """Common licences for models (SPDX identifiers)."""

    APACHE = "apache-2.0", "Apache 2.0"
    MIT = "mit", "MIT"
    BSD = "bsd-3-clause", "BSD 3-Clause"
    CC0 = "cc0-1.0", "CC0 1.0 (public domain)"
    CC_BY = "cc-by-4.0", "CC BY 4.0"
    CC_BY_SA = "cc-by-sa-4.0", "CC BY-SA 4.0"
    CC_BY_NC = "cc-by-nc-4.0", "CC BY-NC 4.0 (no commercial use)"
    OTHER = "other", "Other (say which in the description)"
    UNSTATED = "unstated", "Not stated"


class WeightsKind(models.TextChoices):
    """The choice of weights from a file that has both."""

    RAW = "raw", "The raw weights"
    EMA = "ema", "The averaged weights (EMA)"


class Checkpoint(Owned):
    """An uploaded classifier. After validation the stored file is our own re-serialisation."""

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=20_000)
    dataset = models.CharField(
        max_length=80, blank=True, help_text="what it was trained on, in a word"
    )
    licence = models.CharField(max_length=20, choices=Licence.choices, default=Licence.UNSTATED)
    class_names = models.JSONField(default=list)
    image_size = models.PositiveSmallIntegerField()
    channels = models.PositiveSmallIntegerField()
    mean = models.JSONField(default=list)
    std = models.JSONField(default=list)
    architecture = models.CharField(max_length=120, blank=True)
    # Derived from the architecture, and stored so that the catalogue can filter by it.
    family = models.CharField(max_length=20, blank=True, editable=False)
    weights = models.CharField(
        max_length=4, choices=WeightsKind.choices, blank=True, help_text="of a file that has both"
    )
    # The upload's file name, which may tell its architecture.
    file_name = models.CharField(max_length=255, blank=True)
    consent_recovery = models.BooleanField(default=False)
    consent_preview = models.BooleanField(default=False)

    state = models.CharField(
        max_length=12, choices=CheckpointState.choices, default=CheckpointState.UPLOADED
    )
    reason = models.TextField(blank=True)
    # For an upload in pieces, set once a worker has read the file.
    upload_sha256 = models.CharField(max_length=64, blank=True)
    upload_bytes = models.BigIntegerField()
    # Set by validation.
    sha256 = models.CharField(max_length=64, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    n_classes = models.PositiveIntegerField(default=0)
    width = models.PositiveIntegerField(default=0)
    n_parameters = models.BigIntegerField(default=0)
    validated_at = models.DateTimeField(null=True)
    # The worker's account of how it read the file, or the candidates after a rejection.
    reading = models.JSONField(default=dict)
    # The attempt that wrote the stored file.
    stored_by = models.PositiveIntegerField(default=0)
    # The upload is kept until then, so that it can be read again differently.
    original_until = models.DateTimeField(null=True, blank=True)
    # Changes to a validated model that a worker must check first.
    pending = models.JSONField(default=dict, blank=True)
    # The owner's last check with pictures, and how the model was read at the time.
    checked_at = models.DateTimeField(null=True, blank=True)
    checked_pictures = models.PositiveSmallIntegerField(default=0)
    checked_right = models.PositiveSmallIntegerField(default=0)
    checked_as = models.JSONField(default=dict, blank=True)
    # The worker's lease while validating.
    attempt = models.PositiveIntegerField(default=0)
    lost_attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)
    # Set by an operator. A model in quarantine is hidden and cannot be used.
    quarantined_at = models.DateTimeField(null=True, blank=True)
    quarantine_reason = models.CharField(max_length=500, blank=True)

    # The row remains for the lineage of a job that has used the model.
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    # From the request that created the row. Both are cleared after a day.
    idempotency_key = models.CharField(max_length=120, blank=True)
    request_digest = models.CharField(max_length=64, blank=True)

    class Meta(Owned.Meta):
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="checkpoint_newest"),
            models.Index(fields=["owner", "-created_at"], name="checkpoint_of_owner"),
            models.Index(
                fields=["visibility", "state", "-created_at"], name="checkpoint_catalogue"
            ),
            models.Index(fields=["family", "-created_at", "-id"], name="checkpoint_family"),
        ]
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["owner", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="checkpoint_once_per_idempotency_key",
            ),
            models.CheckConstraint(
                condition=models.Q(checked_right__lte=models.F("checked_pictures")),
                name="checkpoint_checked_right_of_pictures",
            ),
            models.CheckConstraint(
                condition=models.Q(deleted_at=None) & ~models.Q(state="deleted")
                | models.Q(
                    state="deleted",
                    deleted_at__isnull=False,
                    name="",
                    visibility="private",
                    consent_recovery=False,
                    consent_preview=False,
                ),
                name="checkpoint_deleted_has_no_name",
            ),
        ]

    def __str__(self) -> str:
        return DELETED_MODEL if self.is_deleted else self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.family = family_of(self.architecture)
        super().save(*args, **kwargs)

    @property
    def is_final(self) -> bool:
        """Whether validation has ended."""
        return self.state in {CheckpointState.VALID, CheckpointState.REJECTED}

    @property
    def stored_key(self) -> str:
        return storage.checkpoint_key(self.pk, self.stored_by)

    @property
    def was_validated(self) -> bool:
        """Whether there is a stored file, even while a change is being checked."""
        return self.size_bytes > 0

    @property
    def keeps_original(self) -> bool:
        """Whether the upload is still there and can be read differently."""
        return self.original_until is not None and self.original_until > timezone.now()

    @property
    def reads_original(self) -> bool:
        """Whether a worker reads the upload rather than the re-serialised file."""
        return not self.was_validated or self.original_until is not None

    @property
    def is_guess(self) -> bool:
        """Whether the architecture was recognised from the tensors alone."""
        return bool(self.reading.get("guessed"))

    @property
    def score(self) -> Score | None:
        """The owner's last check with pictures, or None."""
        if self.checked_at is None:
            return None
        return Score(self.checked_right, self.checked_pictures, len(self.class_names))

    @property
    def is_quarantined(self) -> bool:
        return self.quarantined_at is not None

    @property
    def is_deleted(self) -> bool:
        """Whether only what a job's lineage needs is left of the model."""
        return self.state == CheckpointState.DELETED


class RetiredName(models.Model):
    """A keyed hash of the name of a deleted model that a job has used.

    Its owner cannot give the name to another model, which people could take for the first.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="retired_names"
    )
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "digest"], name="retired_name_once")
        ]

    def __str__(self) -> str:
        return self.digest
