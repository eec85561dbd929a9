"""Meta-learners: what a job made."""

from django.db import models

from marketplace.accounts.models import Owned
from marketplace.checkpoints.models import Checkpoint
from marketplace.jobs.models import Job


class MetaLearner(Owned):
    """A finished meta-learner. Its files are immutable; the row describes them."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="learner")
    name = models.CharField(max_length=160)
    config = models.JSONField(default=dict)
    card = models.TextField(blank=True)
    provenance = models.JSONField(default=list)
    # [{"path", "size", "sha256"}]: what can be downloaded, and the ETags.
    files = models.JSONField(default=list)
    # Models whose weights it holds: it goes where these may go. They cannot be deleted before
    # it, as its job's pool is frozen and protects them.
    copied_models = models.ManyToManyField(Checkpoint, related_name="copied_into")

    class Meta(Owned.Meta):
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="learner_newest"),
            models.Index(fields=["owner", "-created_at"], name="learner_of_owner"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(entry["size"] for entry in self.files)
