"""Checkpoints: what a person uploaded and what the worker found in it."""

from typing import Any

from django.db import models
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import Owned
from marketplace.checkpoints.families import family_of
from marketplace.checkpoints.score import Score
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
    UNSTATED = "unstated", "Not stated"


class WeightsKind(models.TextChoices):
    """Which weights are taken from a file that has both."""

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
    # Follows from the architecture; a column, so that the catalogue can be asked by it.
    family = models.CharField(max_length=20, blank=True, editable=False)
    weights = models.CharField(
        max_length=4, choices=WeightsKind.choices, blank=True, help_text="of a file that has both"
    )
    # What the uploaded file was called, which may tell its architecture.
    file_name = models.CharField(max_length=255, blank=True)
    consent_recovery = models.BooleanField(default=False)
    consent_preview = models.BooleanField(default=False)

    state = models.CharField(
        max_length=12, choices=CheckpointState.choices, default=CheckpointState.UPLOADED
    )
    reason = models.TextField(blank=True)
    # Of an upload in pieces it is known once a worker has read the file.
    upload_sha256 = models.CharField(max_length=64, blank=True)
    upload_bytes = models.BigIntegerField()
    # Filled in by validation.
    sha256 = models.CharField(max_length=64, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    n_classes = models.PositiveIntegerField(default=0)
    width = models.PositiveIntegerField(default=0)
    n_parameters = models.BigIntegerField(default=0)
    validated_at = models.DateTimeField(null=True)
    # What the worker says of how it read the file; after a refusal, what it may be read as.
    reading = models.JSONField(default=dict)
    # Which attempt wrote the stored file.
    stored_by = models.PositiveIntegerField(default=0)
    # Until when the upload itself is kept, to be read again in another way.
    original_until = models.DateTimeField(null=True, blank=True)
    # What the owner of a validated model wants changed; a worker checks it first.
    pending = models.JSONField(default=dict, blank=True)
    # The owner's last check with pictures, and how the model was read then.
    checked_at = models.DateTimeField(null=True, blank=True)
    checked_pictures = models.PositiveSmallIntegerField(default=0)
    checked_right = models.PositiveSmallIntegerField(default=0)
    checked_as = models.JSONField(default=dict, blank=True)
    # The worker's lease while validating.
    attempt = models.PositiveIntegerField(default=0)
    lost_attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)
    # An operator's word: hidden and of no use to anybody until it is taken back.
    quarantined_at = models.DateTimeField(null=True, blank=True)
    quarantine_reason = models.CharField(max_length=500, blank=True)

    # Of the request that made it; both are forgotten after a day.
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
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """With the family of its architecture."""
        self.family = family_of(self.architecture)
        super().save(*args, **kwargs)

    @property
    def is_final(self) -> bool:
        """Whether validation has come to an end."""
        return self.state in {CheckpointState.VALID, CheckpointState.REJECTED}

    @property
    def stored_key(self) -> str:
        """Where its file lies, once it was validated."""
        return storage.checkpoint_key(self.pk, self.stored_by)

    @property
    def was_validated(self) -> bool:
        """Whether there is a stored file, even while a change is being checked."""
        return self.size_bytes > 0

    @property
    def keeps_original(self) -> bool:
        """Whether the upload itself is still there to be read in another way."""
        return self.original_until is not None and self.original_until > timezone.now()

    @property
    def reads_original(self) -> bool:
        """Whether a worker that is asked to read it reads the upload, not our own file."""
        return not self.was_validated or self.original_until is not None

    @property
    def is_guess(self) -> bool:
        """Whether nothing but the tensors told the architecture."""
        return bool(self.reading.get("guessed"))

    @property
    def score(self) -> Score | None:
        """Its owner's last check with pictures, read as it is now; None when there is none."""
        if self.checked_at is None:
            return None
        return Score(self.checked_right, self.checked_pictures, len(self.class_names))

    @property
    def is_quarantined(self) -> bool:
        """Whether an operator has taken it out of use."""
        return self.quarantined_at is not None
