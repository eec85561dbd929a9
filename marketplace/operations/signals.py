"""Counts uploads and adaptations by their rows, so that services need not do so."""

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils import timezone

from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.states import SessionState
from marketplace.checkpoints.models import Checkpoint
from marketplace.core.metrics import ADAPTATION_SECONDS, ADAPTATIONS, UPLOADED_BYTES


@receiver(post_save, sender=Checkpoint)
def count_upload(instance: Checkpoint, created: bool, **_: Any) -> None:
    if created:
        UPLOADED_BYTES.labels("checkpoint").inc(instance.upload_bytes)


@receiver(post_delete, sender=AdaptationSession)
def count_adaptation(instance: AdaptationSession, **_: Any) -> None:
    """Count a finished adaptation or check. One without an answer was abandoned."""
    answered = instance.state in {SessionState.ANSWERED, SessionState.REFUSED}
    ADAPTATIONS.labels(str(instance.state) if answered else "given up").inc()
    ADAPTATION_SECONDS.observe((timezone.now() - instance.created_at).total_seconds())
